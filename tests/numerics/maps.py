"""Strategies for what the passes of an experiment take: maps (B, C, H, W), pivots near their means, and lines.

Maps are the arrays of :mod:`equinorm.strategies` on a mean that may be up to 1000 times as large, in either dtype and
any order in memory. Some are longer than a tile of the compiled loops, by one pixel or by more than one tile.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from equinorm.strategies import arrays, grids, parameters
from numerics.arrays import Array
from numerics.experiment.sides import Line, Pair
from theory.spec.grids import Grid, grid_of

DTYPES = ("float32", "float64")

LONG = ((1, 2, 40, 40), (2, 1, 27, 19), (1, 3, 25, 41), (1, 2, 16, 32), (1, 1, 32, 32), (2, 3, 3, 171), (1, 1, 46, 47))
"""Shapes of long maps, to be held against the tiles."""

STRUCTURES = ("constant", "impulse", "integers", "frequency", "noise")
MEANS = (0.0, 1.0, 30.0, 1000.0)


def _grids() -> st.SearchStrategy[Grid]:
    """Small grids more often than long ones: these cost more, and each of them is also tested by itself."""
    long = st.sampled_from([grid_of(dict(zip("BCHW", shape, strict=True))) for shape in LONG])
    return st.one_of(*[grids(largest=7, most_entries=5)] * 3, long)


@st.composite
def maps(draw: st.DrawFn, count: int = 1) -> tuple[Array, ...]:
    """``count`` maps of one shape and dtype; the second may be the first, near to it, or 0."""
    grid, dtype = draw(_grids()), draw(st.sampled_from(DTYPES))
    index = tuple(size.least for size in grid.sizes[:2])
    found = [draw(_values(grid)) + draw(st.sampled_from(MEANS)) * draw(parameters((*index, 1, 1)))]
    for _ in range(count - 1):
        near = draw(st.sampled_from([0.0, 1e-3, 1.0, None]))
        found.append(np.zeros_like(found[0]) if near is None else found[0] + near * draw(_values(grid)))
    return tuple(_stored(x.astype(dtype), draw(st.sampled_from(ORDERS))) for x in found)


def _values(grid: Grid) -> st.SearchStrategy[Array]:
    return st.builds(lambda x, size: size * x, arrays(grid, structures=STRUCTURES), st.sampled_from([1.0, 1e-3, 0.0]))


ORDERS = ("rows", "columns", "channels last", "every other")


def _stored(x: Array, order: str) -> Array:
    """The same entries in another order in memory."""
    if order == "columns":
        return np.asfortranarray(x)
    if order == "channels last":
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return np.repeat(x, 2, axis=3)[..., ::2] if order == "every other" else x


@st.composite
def pivots(draw: st.DrawFn, x: Array) -> Array:
    """One number of the dtype for each map, (B, C): its mean, its mean and some deviations, or 0."""
    x64 = x.astype(np.float64)
    mean, deviation = x64.mean(axis=(2, 3)), x64.std(axis=(2, 3))
    weights, deviations = draw(st.sampled_from([(1, 0.0), (1, 0.5), (1, -2.0), (0, 0.0)]))
    return np.ascontiguousarray(weights * mean + deviations * deviation).astype(x.dtype)


@st.composite
def lines(draw: st.DrawFn, x: Array) -> Line:
    """Gain and bias of each map, of any sign, or without a bias."""
    alpha, beta = (draw(parameters(x.shape[:2])) - draw(st.sampled_from([0.0, 2.0])) for _ in range(2))
    return Line(alpha, beta * draw(st.sampled_from([1.0, 0.0])))


@st.composite
def pairs(draw: st.DrawFn, x: Array) -> Pair:
    """Two lines; one in three pairs is one line twice."""
    left = draw(lines(x))
    return left, left if draw(st.integers(0, 2)) == 0 else draw(lines(x))
