"""Which axes of a tensor are the map, and which displacements of one grid are displacements of another.

A tensor (B, ., ., .) holds a map on its last two axes, or, channels last, on axes 1 and 2; its sizes tell. A layer may
change the sizes. Where the coarser of two grids divides the finer one, a displacement of one by t is a displacement of
the other by t times the ratio of the sizes, and it is a shift of both where both are whole. An axis of one sample does
not move: there the claim is invariance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from numerics.translations import Table

Axes = tuple[int, int]
Sizes = tuple[int, int]

FIRST: Axes = (2, 3)
LAST: Axes = (1, 2)
"""The axes of a map, counted from the front, where the channels stand before it and behind it."""


def find_axes(shape: Sequence[int], known: Collection[Sizes], likely: Axes) -> Axes | None:
    """The axes of the map in a tensor of ``shape``, or None where it cannot hold one.

    Args:
        shape: of the tensor, samples first.
        known: the sizes that maps have had so far.
        likely: the answer where the sizes fit both ways, or neither.

    >>> [find_axes(shape, {(7, 7)}, FIRST) for shape in ((4, 7, 7, 16), (4, 7, 7, 7), (4, 49, 16))]
    [(1, 2), (2, 3), None]
    """
    if len(shape) != 4:
        return None
    fitting = [axes for axes in (FIRST, LAST) if (shape[axes[0]], shape[axes[1]]) in known]
    return fitting[0] if len(fitting) == 1 else likely


def sizes_at(shape: Sequence[int], axes: Axes | None) -> Sizes:
    """The sizes of the map; 1 and 1 where there is none."""
    return (1, 1) if axes is None else (shape[axes[0]], shape[axes[1]])


def step(reference: int, sizes: Iterable[int]) -> int | None:
    """The least shift of a grid that is a whole shift of all grids of ``sizes``; None where one is no multiple.

    >>> step(224, (112, 7, 1)), step(7, (14, 7)), step(225, (113,))
    (32, 1, None)
    """
    found = 1
    for size in sizes:
        if size > 1:
            if reference % size and size % reference:
                return None
            found = math.lcm(found, reference // size or 1)
    return found


def draw_shifts(batch: int, sizes: Sequence[int], steps: Sequence[int], rng: np.random.Generator) -> Table:
    """Multiples of ``steps``, for each sample its own as far as there are so many; the first sample moves if any can.

    float64 of shape (batch, len(sizes)).
    """
    columns = []
    for size, least in zip(sizes, steps, strict=True):
        order = rng.permutation(max(1, size // least))
        if order[0] == 0:
            order = np.roll(order, 1)
        columns.append(least * np.resize(order, batch))
    return np.stack(columns, axis=1).astype(np.float64)


def induced(displacements: Table, reference: Sizes, sizes: Sizes) -> Table:
    """Displacements of the grid ``reference`` as those of a grid of ``sizes``; 0 on an axis of one sample."""
    ratios = [0.0 if size == 1 else size / whole for whole, size in zip(reference, sizes, strict=True)]
    return np.asarray(displacements * np.asarray(ratios), dtype=np.float64)
