"""What is made simpler still violates, is never less simple, and comes out the same each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equinorm.strategies import actions, arrays, displacements, grids
from numerics.bounds import Judgement
from numerics.equivariance import Motion, measure_equivariance
from numerics.minimal import Example, simplify
from theory.spec.actions import ActionKind

Floats = np.ndarray[Any, np.dtype[np.float64]]


@st.composite
def examples(draw: st.DrawFn) -> Example:
    grid = draw(grids(largest=4))
    return Example(draw(arrays(grid)), draw(displacements(draw(actions()), grid)))


@given(examples(), st.integers(0, 3), st.booleans())
def test_the_predicate_stays_true(example: Example, least: int, whole: bool) -> None:
    asked = []

    def violates(x: Floats, t: Floats) -> bool:
        asked.append((x.copy(), t.copy()))
        return bool(np.abs(x).sum() + np.abs(t).sum() >= least)

    if not violates(example.x, example.displacements):
        return
    found = simplify(example.x, example.displacements, violates, whole)
    assert violates(found.x, found.displacements)
    assert found.complexity <= example.complexity
    assert len(asked) <= 302
    assert found.x.shape == example.x.shape
    assert found.displacements.shape == example.displacements.shape
    if whole and np.all(example.displacements == np.rint(example.displacements)):
        assert np.all(found.displacements == np.rint(found.displacements))
    again = simplify(example.x, example.displacements, violates, whole)
    assert np.array_equal(again.x, found.x)
    assert np.array_equal(again.displacements, found.displacements)


@given(st.integers(0, 100), st.sets(st.integers(0, 119), min_size=1, max_size=3))
def test_no_entry_is_left_that_is_not_needed(seed: int, needed: set[int]) -> None:
    x = np.random.Generator(np.random.PCG64(seed)).standard_normal((2, 3, 4, 5))
    places = sorted(needed)

    def violates(x: Floats, t: Floats) -> bool:
        return bool(np.all(x.ravel()[places] != 0))

    found = simplify(x, np.ones((1, 2)), violates)
    assert sorted(np.flatnonzero(found.x)) == places
    assert set(np.abs(found.x.ravel()[places])) == {1.0}
    assert not found.displacements.any()


def test_a_budget_of_evaluations_is_kept() -> None:
    calls = []

    def violates(x: Floats, t: Floats) -> bool:
        calls.append(1)
        return bool(np.count_nonzero(x) > 50)

    x = np.random.Generator(np.random.PCG64(0)).standard_normal((1, 100))
    for budget in (0, 1, 17):
        calls.clear()
        found = simplify(x, np.ones((1, 1)), violates, evaluations=budget)
        assert len(calls) <= budget
        assert np.count_nonzero(found.x) > 50
        assert budget > 0 or np.array_equal(found.x, x)


def test_fixed_displacements_stay() -> None:
    table = np.asarray([[0.1, 2.7]])
    found = simplify(np.ones((1, 1, 2, 2)), table, lambda x, t: True, fixed=True)
    assert np.array_equal(found.displacements, table)
    assert not found.x.any()


@pytest.mark.parametrize("kind", ActionKind)
def test_a_violation_becomes_one_impulse_and_one_move(kind: ActionKind) -> None:
    """Of a square, or a gain that varies over columns, columns alone need to move, in one sample, and one entry."""
    gain = np.arange(1.0, 5)
    rng = np.random.Generator(np.random.PCG64(1))
    x = rng.standard_normal((2, 3, 5, 4))
    table = np.asarray([[1.0, 3.0], [2.0, 3.0]]) if kind is ActionKind.SHIFT else rng.uniform(0, 4, (2, 2))

    def layer(x: Floats) -> Floats:
        return x * gain if kind is ActionKind.SHIFT else x**2

    def violates(x: Floats, t: Floats) -> bool:
        return measure_equivariance(layer, x, t, Motion(kind)).judgement is Judgement.ABOVE

    found = simplify(x, table, violates, whole=kind is ActionKind.SHIFT)
    assert sorted(found.x.ravel())[-2:] == [0, 1]
    assert np.count_nonzero(found.x) == 1
    moves = found.displacements[found.displacements != 0]
    assert moves.tolist() == [1.0 if kind is ActionKind.SHIFT else 0.5]
    assert found.displacements[:, 0].tolist() == [0, 0]
