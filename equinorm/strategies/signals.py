"""Arrays as formulas: impulse, plane wave, alternating signs, noise, and the projection onto a domain.

Notation: N samples on an axis, frequencies k in (-N/2, N/2]; k = N/2 is the Nyquist bin of an even axis. All arrays
are real, float64, of the shape of an exact grid.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from theory.spec.axes import AxisKind, AxisSet
from theory.spec.errors import refuse
from theory.spec.grids import Domain, Grid

Array = npt.NDArray[np.float64]


def shape_of(grid: Grid) -> tuple[int, ...]:
    """The shape of arrays on ``grid``. Raises SpecificationError if a size is a family of sizes."""
    if not grid.exact:
        sizes = "x".join(str(size) for size in grid.sizes)
        raise refuse(f"grid={sizes}", "a grid of exact sizes", "arrays have one shape")
    return tuple(size.least for size in grid.sizes)


def impulse(grid: Grid, index: tuple[int, ...]) -> Array:
    """1 at ``index``, 0 elsewhere."""
    array = np.zeros(shape_of(grid))
    array[index] = 1.0
    return array


def plane_wave(grid: Grid, frequencies: Mapping[str, int], turn: float = 0.0) -> Array:
    """cos(2 pi (sum over axes of k n / N + turn)), with k by axis name; constant over the other axes."""
    shape = shape_of(grid)
    phase = np.full(shape, turn)
    for place, axis in enumerate(grid.layout):
        size = shape[place]
        # The product k n is reduced modulo N as an integer, so that the phase does not lose digits for long axes.
        turns = np.arange(size) * frequencies.get(axis.name, 0) % size / size
        phase += turns.reshape([-1 if other == place else 1 for other in range(len(shape))])
    return np.cos(2 * np.pi * phase)


def noise(grid: Grid, seed: int) -> Array:
    """Independent standard normal entries from the generator PCG64 with this seed."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape_of(grid))


def project(array: Array, grid: Grid, domain: Domain, moving: AxisSet) -> Array:
    """The nearest array of ``domain``: no Nyquist energy on the moving even axes, or no frequency beyond the band.

    All real arrays are left as they are, bit for bit.
    """
    for place, axis in enumerate(grid.layout):
        size = array.shape[place]
        if axis.kind is not AxisKind.SPATIAL:
            continue
        if domain.band is not None:
            spectrum = np.fft.rfft(array, axis=place)
            kept = (np.arange(size // 2 + 1) <= domain.band).reshape(
                [-1 if i == place else 1 for i in range(array.ndim)]
            )
            array = np.fft.irfft(spectrum * kept, n=size, axis=place)
        elif domain.nyquist_free and axis.name in moving and size % 2 == 0:
            signs = plane_wave(grid, {axis.name: size // 2})
            array = array - signs * np.mean(signs * array, axis=place, keepdims=True)
    return array
