"""Strategies for arrays: real NumPy arrays in float64 that lie in a domain and have a structure one can name.

Random noise alone is a poor test of equivariance: it hides defects that one impulse, one frequency or one Nyquist bin
shows at once, and a failing example made of noise explains nothing.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from equinorm.strategies.photographs import PHOTOGRAPHS, SIDE, patch
from equinorm.strategies.signals import Array, impulse, noise, plane_wave, project, shape_of
from theory.spec.axes import AxisKind, AxisSet
from theory.spec.errors import refuse
from theory.spec.grids import ALL, Domain, Grid, band

STRUCTURES = ("constant", "impulse", "integers", "frequency", "nyquist", "band-limited", "noise", "patch")
"""The kinds of arrays, from the simplest: constant over the spatial axes; 1 at one place; few entries that are small
whole numbers; one plane wave; alternating signs along moving even axes (all real arrays only); noise of a low band;
noise; a patch of a photograph."""

MOST_INTEGERS = 32
LARGEST_INTEGER = 4

TURNS = (0.0, 0.125, 0.3)
"""Phases of plane waves, in turns."""


def _limits(grid: Grid, domain: Domain, moving: AxisSet) -> dict[str, int]:
    """The largest frequency on each spatial axis that arrays of the domain can carry."""
    found = {}
    for axis in grid.layout:
        size = grid.size(axis.name).least
        if axis.kind is AxisKind.SPATIAL:
            free = domain.nyquist_free and axis.name in moving
            found[axis.name] = domain.band if domain.band is not None else (size - 1) // 2 if free else size // 2
    return found


def _alternating(grid: Grid, domain: Domain, moving: AxisSet) -> list[str]:
    """The moving axes whose Nyquist bin the domain allows to be filled."""
    if domain.nyquist_free or domain.band is not None:
        return []
    return [name for name in sorted(moving) if grid.size(name).least % 2 == 0]


@st.composite
def arrays(
    draw: st.DrawFn,
    grid: Grid,
    domain: Domain = ALL,
    moving: AxisSet | None = None,
    structures: tuple[str, ...] = STRUCTURES,
) -> Array:
    """Real float64 arrays of the shape of ``grid`` that lie in ``domain``; ``moving`` (default: all spatial axes) are
    the axes along which a Nyquist-free array has no energy at N/2.

    Constants, plane waves and alternating signs are scaled entry by entry of the index axes: the first entry only, all
    alike, or graded 1, 2, 3, …. The simplest array is 1 in the first entry, and 0 elsewhere. Impulses, whole numbers,
    noise and patches are projected onto the domain.

    >>> from hypothesis import find
    >>> from theory.spec.grids import grid_of
    >>> grid = grid_of({"B": 1, "C": 1, "H": 2, "W": 3})
    >>> find(arrays(grid, structures=("integers",)), lambda x: abs(x).sum() > 1)
    array([[[[2., 0., 0.],
             [0., 0., 0.]]]])

    Raises:
        SpecificationError: the grid is a family of sizes, or a structure that does not exist.
    """
    unknown = [name for name in structures if name not in STRUCTURES]
    if unknown or not structures:
        raise refuse(f"structures={tuple(structures)}", f"some of {', '.join(STRUCTURES)}")
    moving = grid.layout.spatial if moving is None else moving
    limits = _limits(grid, domain, moving)
    alternating = _alternating(grid, domain, moving)
    structure = draw(st.sampled_from([name for name in structures if name != "nyquist" or alternating]))
    if structure == "nyquist":
        chosen = draw(st.frozensets(st.sampled_from(alternating), min_size=1))
        return plane_wave(grid, {name: grid.size(name).least // 2 for name in chosen}) * _weights(draw, grid)
    if structure == "frequency":
        frequencies = {name: draw(st.integers(-limit, limit)) for name, limit in limits.items()}
        return plane_wave(grid, frequencies, draw(st.sampled_from(TURNS))) * _weights(draw, grid)
    if structure == "constant":
        return plane_wave(grid, {}) * _weights(draw, grid)
    if structure == "band-limited":
        low = min((min(limit, (grid.size(name).least - 1) // 2) for name, limit in limits.items()), default=0)
        domain = band(draw(st.integers(0, low)))
    return project(_full(draw, grid, structure), grid, domain, moving)


def _full(draw: st.DrawFn, grid: Grid, structure: str) -> Array:
    """An array that knows nothing of the domain."""
    shape = shape_of(grid)
    if structure == "impulse":
        return impulse(grid, tuple(draw(st.integers(0, size - 1)) for size in shape))
    if structure == "integers":
        return draw(_integers(shape))
    if structure == "patch":
        places = st.integers(0, SIDE - 1)
        return patch(grid, draw(st.sampled_from(PHOTOGRAPHS)), draw(places), draw(places))
    return noise(grid, draw(_seeds()))


def _seeds() -> st.SearchStrategy[int]:
    """Seeds below 2^32, in eight draws: an example of fewer draws is simpler to Hypothesis, and noise is not simple."""
    digits = st.tuples(*[st.integers(0, 15)] * 8)
    return digits.map(lambda values: sum(digit << 4 * place for place, digit in enumerate(values)))


@st.composite
def _integers(draw: st.DrawFn, shape: tuple[int, ...]) -> Array:
    """Up to MOST_INTEGERS entries that are whole numbers other than 0; shrinks by leaving some out."""
    size = int(np.prod(shape))
    values = st.integers(1, LARGEST_INTEGER) | st.integers(-LARGEST_INTEGER, -1)
    places = draw(st.dictionaries(st.integers(0, size - 1), values, min_size=1, max_size=min(size, MOST_INTEGERS)))
    array = np.zeros(size)
    array[list(places)] = list(places.values())
    return array.reshape(shape)


def _weights(draw: st.DrawFn, grid: Grid) -> Array:
    """A factor for each entry of the index axes."""
    shape = shape_of(grid)
    index = tuple(1 if axis.kind is AxisKind.SPATIAL else size for axis, size in zip(grid.layout, shape, strict=True))
    graded = np.arange(1.0, np.prod(index) + 1).reshape(index)
    kind = draw(st.sampled_from(["one", "alike", "graded"]))
    if kind == "graded":
        return graded
    return (graded == 1.0).astype(np.float64) if kind == "one" else np.ones(index)
