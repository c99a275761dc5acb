"""The axioms of the first-order problems hold of shifts and translations, and need each of their conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.emit.statements import HOLDS, statement
from proofs.kernel.progressions import Progression
from proofs.kernel.statements import read_statement
from proofs.prove.arrays import flat
from proofs.prove.axioms import Motion
from proofs.prove.checking import axioms_about
from proofs.prove.steps import read_steps
from tests.effort import at_least
from tests.proofs.asked import CLAIMS, SHIFT, certified, claim
from tests.proofs.concrete import Model, TooLarge
from theory.decision.decide import decide
from theory.decision.verdicts import Proof
from theory.spec.claims import Claim


def motions(given: Claim) -> Iterator[tuple[Motion, list[Any]]]:
    """Each moving axis, with the arrays that its axioms are about."""
    verdict = decide(given)
    found = read_statement(statement(given, HOLDS))
    derivations = {}
    if isinstance(verdict, Proof):
        derivations = {d["axis"]: d["steps"] for d in certified(given)["evidence"]["derivations"]}
    for axis in found.axes:
        if axis.moves and axis.size != (1, 0):
            steps = read_steps(derivations[axis.name], found) if derivations else []
            yield Motion(found, axis), [flat(found.term, found), *(step.array for step in steps)]


def models(data: st.DataObject, motion: Motion) -> Model:
    """A model of a statement on one of the smallest grids."""
    steps = tuple(data.draw(st.integers(0, 2)) if axis.size.step else 0 for axis in motion.statement.axes)
    return Model(motion, steps, data.draw(st.integers(0, 99)))


def test_the_axioms_are_true_of_arrays() -> None:
    seen: Counter[str] = Counter()

    @at_least(150)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        for motion, terms in motions(data.draw(CLAIMS)):
            model = models(data, motion)
            for name, axiom in axioms_about(terms, motion):
                try:
                    assert model.holds(axiom), (name, axiom, motion)
                    seen[name] += axiom[0] != "=>" or model.holds(axiom[1])
                except TooLarge:
                    seen["too large"] += 1

    each()
    names = {"samples", "domain", "band", "constant", "linear", "permutation", "entries alike", "energy", "cancelled"}
    assert names | {"mean", "mean of a sum", "low frequencies"} <= set(seen), seen
    assert seen["too large"] * 20 <= seen.total()


def lenient(motion: Motion) -> Motion:
    """The same axis with axioms that the statement does not allow: those of shifts that move all samples alike."""
    axes = tuple(axis._replace(apart=False) for axis in motion.statement.axes)
    return Motion(motion.statement._replace(shifts=True, axes=axes), motion.moving)


def test_no_condition_of_an_axiom_can_be_left_out() -> None:
    false: Counter[str] = Counter()

    @at_least(80)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        for motion, terms in motions(data.draw(CLAIMS)):
            model, own = models(data, motion), axioms_about(terms, motion)
            forbidden = set(axioms_about(terms, lenient(motion))) - set(own)
            conclusions = [(name, axiom[2]) for name, axiom in own if axiom[0] == "=>"]
            for name, formula in (*conclusions, *forbidden):
                with suppress(TooLarge):
                    false[name] += not model.holds(formula)

    each()
    assert {name for name, count in false.items() if count} >= {
        "constant",
        "linear",
        "low frequencies",
        "energy",
        "permutation",
        "entries alike",
    }


@pytest.mark.parametrize("samples", [2, 3])
def test_two_samples_that_are_centered_alternate(samples: int) -> None:
    given_claim = claim("norm[center=H, scale=empty]", SHIFT, moving="H", size=samples)
    found = read_statement(statement(given_claim, HOLDS))
    motion, terms = Motion(found, found.axes[2]), [flat(found.term, found)]
    assert any(name == "two samples" for name, _ in axioms_about(terms, motion)) is (samples == 2)
    # What is said of two samples is true of no more.
    two = Motion(found, found.axes[2]._replace(size=Progression(2)))
    told = [axiom for name, axiom in axioms_about(terms, two) if name == "two samples"]
    assert told
    model = Model(motion, (0, 0, 0, 0), 1)
    assert all(map(model.holds, told)) is (samples == 2)
