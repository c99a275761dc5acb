"""Wrong theorems fall to the hunt, and what counts as a mutant."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import settings

from tests.hunt.mutating import Mutant, mutants
from tests.hunt.theorems import Fate, Ground, fates, ground, ground_of_some, summary, table
from theory.calculus.compile import compile_term
from theory.decision.blocks import Block, all_layers, blocks
from theory.decision.decide import decide
from theory.decision.formulas import FALSE, TRUE, Literal, conjunction, disjunction
from theory.decision.notation import parse, spell
from theory.decision.synthesis import decide_blocks
from theory.decision.verdicts import Proof
from theory.spec.actions import ActionKind, Scope

THOROUGH = settings().max_examples > 1000
LAYERS, ADDED = 100, 10


def apart(kind: ActionKind) -> Block:
    return next(
        block
        for block in blocks((kind,), (Scope.PER_SAMPLE,))
        if block.axes == "W" and block.arrays.startswith("even grids, all")
    )


def of_some(block: Block, seed: int) -> Ground:
    """The condition of a few layers, decided one by one."""
    layers = Random(seed).sample(all_layers(), LAYERS)
    verdicts = {layer: isinstance(decide(replace(block.claim, term=compile_term(layer))), Proof) for layer in layers}
    return ground_of_some(block, verdicts, seed)


@pytest.fixture(scope="module", params=list(ActionKind), ids=lambda kind: kind.value)
def found(request: pytest.FixtureRequest) -> list[Fate]:
    own, random = of_some(apart(request.param), seed=2), Random(3)
    count = sum(1 for _ in mutants(own.formula, own.table.variables))
    return list(fates(own, lambda mutant: mutant.change[:4] in ("flip", "drop") or random.random() < ADDED / count))


def test_no_mutant_of_the_condition_of_some_layers_survives(found: list[Fate]) -> None:
    assert [fate.mutant.change for fate in found if not fate.same and fate.killer is None] == []
    killers = [fate.killer for fate in found if fate.killer is not None]
    assert {killer.too_weak for killer in killers} == {True, False}


def test_the_table_has_a_line_for_each_mutant(found: list[Fate]) -> None:
    assert len(table(found).splitlines()) == sum(not fate.same for fate in found)
    assert summary(found).startswith(f"{len(found)} mutants; ")
    assert summary(found).endswith("; 0 survived")
    lost = [replace(found[0], same=False, killer=None)]
    assert table(lost).endswith("SURVIVED")
    assert summary(lost).endswith("; 1 survived")


def test_a_right_theorem_is_no_mutant_and_cannot_be_killed() -> None:
    own = of_some(apart(ActionKind.SHIFT), seed=2)
    assert own.fate(Mutant("none", own.formula)).same
    lie = replace(own, table=replace(own.table, true=own.table.false, false=own.table.true))
    told = lie.fate(Mutant("the truth", own.formula))
    assert not told.same
    assert told.killer is None  # the hunt sides with the truth, whatever the table says


@pytest.mark.skipif(not THOROUGH, reason="decides all layers in all blocks: EQUINORM_PROFILE=thorough")
def test_no_mutant_of_a_theorem_survives() -> None:
    for block, verdicts in decide_blocks(blocks()).items():
        own = list(fates(ground(block, verdicts, 0)))
        assert [fate.mutant.change for fate in own if not fate.same and fate.killer is None] == []


def test_mutants_flip_drop_and_add_each_literal() -> None:
    a, b, c = map(Literal, "abc")
    formula = conjunction(a, disjunction(b, c))
    made = {mutant.change: mutant.formula for mutant in mutants(formula, ("d",))}
    assert spell(made["flip a"]) == "¬a ∧ (b ∨ c)"
    assert made["drop a"] == disjunction(b, c)
    assert made["drop b"] == conjunction(a, c)
    assert made["b ∧ d"] == conjunction(a, disjunction(conjunction(b, Literal("d")), c))
    assert made["b ∨ c ∨ ¬d"] == conjunction(a, disjunction(b, c, Literal("d", False)))
    assert len([change for change in made if change.startswith(("flip", "drop"))]) == 6
    # Two connectives and two signs at each of the five nodes.
    assert len(made) == 6 + 4 * 5
    assert all(parse(spell(mutant)) == mutant for mutant in made.values())


def test_dropping_all_that_is_there_leaves_true() -> None:
    made = {mutant.change: mutant.formula for mutant in mutants(Literal("a", False), ())}
    assert made == {"flip ¬a": Literal("a"), "drop ¬a": TRUE}
    assert [mutant.formula for mutant in mutants(FALSE, ("b",))][1] == Literal("b")
