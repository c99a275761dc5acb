"""The hunt on random layers of the census: right where the calculus knows the answer, and of use to the report."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import settings

from tests.hunt.cases import Case, hunted, sampled
from tests.hunt.configurations import Outcome, report, study
from theory.calculus.compile import compile_term
from theory.decision.blocks import all_layers, blocks
from theory.decision.decide import decide
from theory.decision.verdicts import Counterexample

THOROUGH = settings().max_examples > 1000
COUNT = 600 if THOROUGH else 12


def drawn(count: int, seed: int) -> list[Case]:
    """Random layers in random blocks, as many refuted as proved."""
    random, left = Random(seed), {False: count // 2, True: count // 2}
    found = []
    while any(left.values()):
        block, layer = random.choice(blocks()), random.choice(all_layers())
        verdict = not isinstance(decide(replace(block.claim, term=compile_term(layer))), Counterexample)
        if left[verdict]:
            left[verdict] -= 1
            found.append(Case(block, layer, verdict))
    return found


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return study(drawn(COUNT, seed=5), seed=5)


def test_the_hunt_finds_something_just_where_there_is_something(outcomes: list[Outcome]) -> None:
    assert {outcome.case.equivariant for outcome in outcomes} == {True, False}
    assert [str(outcome.case) for outcome in outcomes if not outcome.right] == []


def test_the_report_counts_and_names_what_is_wrong(outcomes: list[Outcome]) -> None:
    assert "WRONG" not in report(outcomes)
    assert f"confirmed by the kernel on {COUNT // 2}" in report(outcomes)
    refuted = next(outcome for outcome in outcomes if not outcome.case.equivariant)
    missed = replace(refuted, until_found=None, exact=False)
    assert f"WRONG {refuted.case}" in report([missed])
    told = replace(next(o for o in outcomes if o.case.equivariant), until_found=3)
    assert not told.right


def test_the_hunt_is_the_same_again(outcomes: list[Outcome]) -> None:
    refuted = next(outcome for outcome in outcomes if not outcome.case.equivariant)
    first, second = (hunted(refuted.case, 1000, 5) for _ in range(2))
    assert first.until_found == second.until_found == refuted.until_found
    assert first.smallest is not None
    assert second.smallest is not None
    assert (first.smallest[0].x == second.smallest[0].x).all()
    assert first.smallest[0].displacements == second.smallest[0].displacements


def test_samples_hold_both_verdicts() -> None:
    verdicts = [layer.affine is None for layer in all_layers()]
    found = sampled(blocks()[0], verdicts, 5, seed=1)
    assert [case.equivariant for case in found] == [False] * 5 + [True] * 5
    assert all((case.layer.affine is None) is case.equivariant for case in found)
    assert found == sampled(blocks()[0], verdicts, 5, seed=1)
