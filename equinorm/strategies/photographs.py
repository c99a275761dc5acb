"""Patches of photographs: arrays with the spectrum of what networks see, large means and sharp edges.

The photographs are those that scikit-image brings along, read when they are first drawn: their shorter side is 256
pixels, the central square is kept, grey is the mean of the three colors, from 0 to 1. Beyond its edges a photograph
goes on as in a mirror, so that patches of every size have no seam.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from equinorm.checks import check_choice
from equinorm.strategies.signals import Array, shape_of
from theory.spec.axes import AxisKind
from theory.spec.errors import refuse
from theory.spec.grids import Grid

PHOTOGRAPHS = ("camera", "astronaut", "chelsea", "coffee", "rocket", "brick", "grass")
"""Names of photographs in scikit-image, from the plainest."""

SIDE = 256


@cache
def photograph(name: str) -> Array:
    """The photograph called ``name``: float64 of shape (256, 256), read-only.

    Raises:
        SpecificationError: an unknown name, or scikit-image is not there.
    """
    from equinorm.inputs.images import bundled_pictures
    from equinorm.inputs.preprocessing import load_crop

    check_choice("photograph", name, PHOTOGRAPHS)
    path = {picture.name: picture.path for picture in bundled_pictures()}.get(name)
    if path is None:
        raise refuse(f"photograph={name}", "scikit-image with its pictures", "install scikit-image again")
    grey = np.asarray(np.mean(load_crop(path, SIDE) / 255, axis=2))
    grey.setflags(write=False)
    return grey


def patch(grid: Grid, name: str, row: int = 0, column: int = 0) -> Array:
    """The patch of the photograph ``name`` whose first entry lies at ``row``, ``column``.

    The last spatial axis runs along a row, the one before it down the columns, and any other across both, as a camera
    that pans. Each entry of the index axes sees a place of its own, a few pixels on.
    """
    shape = shape_of(grid)
    spatial = [place for place, axis in enumerate(grid.layout) if axis.kind is AxisKind.SPATIAL]
    entries = [place for place, axis in enumerate(grid.layout) if axis.kind is not AxisKind.SPATIAL]
    count = int(np.prod([shape[place] for place in entries], dtype=np.int64))
    number = np.zeros(shape, dtype=np.int64)
    number += np.arange(count).reshape([size if place in entries else 1 for place, size in enumerate(shape)])
    rows, columns = row + 11 * number, column + 17 * number
    # Steps in pixels from one sample to the next, for the last spatial axis, the one before it, and all others.
    steps = [(3, 2)] * max(0, len(spatial) - 2) + [(1, 0), (0, 1)][-len(spatial) :]
    for place, (down, right) in zip(spatial, steps, strict=True):
        along = np.arange(shape[place]).reshape([-1 if other == place else 1 for other in range(len(shape))])
        rows, columns = rows + down * along, columns + right * along
    return np.asarray(photograph(name)[_mirrored(rows), _mirrored(columns)])


def _mirrored(places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places on a photograph: up to its last pixel, back to its first, and so on."""
    return np.asarray(SIDE - 1 - np.abs(places % (2 * (SIDE - 1)) - (SIDE - 1)))
