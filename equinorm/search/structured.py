"""Arrays with a structure, from the formulas of :mod:`equinorm.strategies`, chosen by a few numbers below 256.

Whole numbers that Hypothesis draws one by one shrink best and refute most; what they miss is one frequency on all
samples, alternating signs, a large mean with little on it, the spectrum of a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from equinorm.search.questions import Question, Shape
from equinorm.strategies.arrays import TURNS
from equinorm.strategies.photographs import PHOTOGRAPHS, patch
from equinorm.strategies.signals import impulse, noise, plane_wave, project
from theory.spec.axes import BCHW, AxisKind
from theory.spec.grids import Grid, Size

Floats = np.ndarray[Any, np.dtype[np.float64]]

STRUCTURES = ("impulse", "frequency", "nyquist", "noise", "patch")

NUMBERS = 8
"""How many numbers a structure is chosen by, at most."""


def structured(structure: str, question: Question, shape: Shape, numbers: Sequence[int]) -> Floats:
    """An array of the domain of ``question``, with a structure of :data:`STRUCTURES`.

    The first number chooses how it is scaled from entry to entry of the index axes: the first only, all alike, or
    graded 1, 2, 3, ….
    """
    grid = Grid(BCHW, tuple(map(Size, shape)))
    grading, first, *rest = numbers
    if structure == "impulse":
        x = impulse(grid, tuple(number % size for number, size in zip((first, *rest), shape, strict=False)))
    elif structure == "noise":
        x = noise(grid, first)
    elif structure == "patch":
        x = patch(grid, PHOTOGRAPHS[first % len(PHOTOGRAPHS)], rest[0], rest[1])
    else:
        places = [place for place, axis in enumerate(BCHW) if axis.kind is AxisKind.SPATIAL]
        limits = {
            BCHW.names[place]: (shape[place] // 2 if question.domain.band is None else question.domain.band)
            for place in places
        }
        if structure == "nyquist":
            chosen = limits if first % 3 == 0 else {BCHW.names[places[first % 3 - 1]]: limits["HW"[first % 3 - 1]]}
            x = plane_wave(grid, chosen)
        else:
            waves = {name: number % (limit + 1) for number, (name, limit) in zip(rest, limits.items(), strict=False)}
            x = plane_wave(grid, waves, TURNS[first % len(TURNS)])
        x = x * _weights(shape, grading)
    return project(x, grid, question.domain, question.action.moving)


def _weights(shape: Shape, grading: int) -> Floats:
    index = shape[:2]
    graded = np.arange(1.0, np.prod(index) + 1).reshape((*index, 1, 1))
    return (graded == 1.0, np.ones_like(graded), graded)[grading % 3].astype(np.float64)
