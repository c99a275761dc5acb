"""Strategies for displacements: how far each sample moves along each moving axis.

Rounded once from fractions with small denominators, since half a sample says more to a reader than 0.4871 and refutes
as well: a displacement is a counterexample for all but finitely many values of it, or for none.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from equinorm.strategies.signals import Array, shape_of
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.errors import refuse
from theory.spec.grids import Grid

DENOMINATORS = (2, 1, 3, 4, 5, 7, 8)
"""Of the displacements of translations, simplest first."""


def fractions(size: int, denominators: tuple[int, ...] = DENOMINATORS) -> st.SearchStrategy[Fraction]:
    """Fractions p/q from 0 up to, and without, ``size``; the simplest is 0, the next 1/q for the first q.

    >>> from hypothesis import find
    >>> find(fractions(5), lambda value: value > 0), find(fractions(5, (1,)), lambda value: value > 0)
    (Fraction(1, 2), Fraction(1, 1))
    """
    if not denominators or min(denominators) < 1:
        raise refuse(f"denominators={denominators}", "whole numbers from 1 up")
    return st.sampled_from(denominators).flatmap(
        lambda q: st.integers(0, size * q - 1).map(lambda numerator: Fraction(numerator, q))
    )


@st.composite
def displacements(draw: st.DrawFn, action: Action, grid: Grid, denominators: tuple[int, ...] = DENOMINATORS) -> Array:
    """Displacements of ``action`` on ``grid``, in samples: float64, one column for each moving axis in the order of
    the layout, one row for each sample, or a single row if the scope is common.

    Whole numbers for shifts, fractions with ``denominators`` for translations, from 0 up to the size of the axis. The
    simplest is no displacement at all.

    >>> from hypothesis import find
    >>> from theory.spec.grids import grid_of
    >>> grid = grid_of({"B": 2, "C": 3, "H": 5, "W": 7})
    >>> action = Action(ActionKind.TRANSLATION, frozenset("HW"), Scope.PER_SAMPLE)
    >>> find(displacements(action, grid), lambda t: t[1, 1] > 0)
    array([[0. , 0. ],
           [0. , 0.5]])

    Raises:
        SpecificationError: a family of sizes, an axis that the grid does not have, a denominator below 1.
    """
    shape = shape_of(grid)
    unknown = sorted(action.moving - frozenset(grid.layout.names))
    if unknown:
        raise refuse(f"moving={''.join(unknown)}", f"axes of {grid.layout.names}")
    sizes = [size for axis, size in zip(grid.layout, shape, strict=True) if axis.name in action.moving]
    samples = [size for axis, size in zip(grid.layout, shape, strict=True) if axis.sample]
    rows = samples[0] if samples and action.scope is Scope.PER_SAMPLE else 1
    allowed = (1,) if action.kind is ActionKind.SHIFT else denominators
    return np.asarray([[float(draw(fractions(size, allowed))) for size in sizes] for _ in range(rows)])
