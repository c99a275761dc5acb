"""Strategies for arrays: real NumPy arrays in float64 that lie in a domain and have a structure one can name.

Random noise alone is a poor test of equivariance: it hides defects that one impulse, one frequency or one Nyquist bin
shows at once, and a failing example made of noise explains nothing.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from equinorm.strategies.signals import Array, impulse, noise, plane_wave, project, shape_of
from theory.spec.axes import AxisKind, AxisSet
from theory.spec.grids import ALL, Domain, Grid, band

STRUCTURES = ("constant", "impulse", "frequency", "nyquist", "band-limited", "noise")
"""The kinds of arrays, from the simplest: constant over the spatial axes; 1 at one place; one plane wave; alternating
signs along moving even axes (all real arrays only); noise of a low band; noise."""

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
    alike, or graded 1, 2, 3, …. The simplest array is 1 in the first entry, and 0 elsewhere. The impulse is projected
    onto the domain.

    Raises:
        SpecificationError: the grid is a family of sizes.
    """
    shape = shape_of(grid)
    moving = grid.layout.spatial if moving is None else moving
    limits = _limits(grid, domain, moving)
    alternating = _alternating(grid, domain, moving)
    structure = draw(st.sampled_from([name for name in structures if name != "nyquist" or alternating]))
    if structure == "impulse":
        return project(impulse(grid, tuple(draw(st.integers(0, size - 1)) for size in shape)), grid, domain, moving)
    if structure in ("noise", "band-limited"):
        array = noise(grid, draw(st.integers(0, 2**32 - 1)))
        if structure == "band-limited":
            low = min((min(limit, (grid.size(name).least - 1) // 2) for name, limit in limits.items()), default=0)
            return project(array, grid, band(draw(st.integers(0, low))), moving)
        return project(array, grid, domain, moving)
    if structure == "nyquist":
        chosen = draw(st.frozensets(st.sampled_from(alternating), min_size=1))
        array = plane_wave(grid, {name: grid.size(name).least // 2 for name in chosen})
    elif structure == "frequency":
        frequencies = {name: draw(st.integers(-limit, limit)) for name, limit in limits.items()}
        array = plane_wave(grid, frequencies, draw(st.sampled_from(TURNS)))
    else:
        array = plane_wave(grid, {})
    return array * _weights(draw, grid, shape)


def _weights(draw: st.DrawFn, grid: Grid, shape: tuple[int, ...]) -> Array:
    """A factor for each entry of the index axes."""
    index = tuple(1 if axis.kind is AxisKind.SPATIAL else size for axis, size in zip(grid.layout, shape, strict=True))
    graded = np.arange(1.0, np.prod(index) + 1).reshape(index)
    kind = draw(st.sampled_from(["one", "alike", "graded"]))
    if kind == "graded":
        return graded
    return (graded == 1.0).astype(np.float64) if kind == "one" else np.ones(index)
