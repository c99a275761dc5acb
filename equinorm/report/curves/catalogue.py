"""The charts of a full report: the named layers on feature maps of photographs and on band-limited noise.

The feature maps are those at the first position of the network whose maps have at most LARGEST_MAP samples a side, so
that every band and both parities can be shown; their energy at N/2 is what parts even sizes from odd ones. On noise of
a narrow band no translation-equivariant layer can be told from an exact one, whatever the parity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from equinorm.inputs.batches import read_batches
from equinorm.inputs.images import SCIENTIFIC, Picture
from equinorm.progress import Progress
from equinorm.questions import Words
from equinorm.report.curves.computed import PARTS, Seen, see
from equinorm.report.curves.maps import Maps, noise, own
from equinorm.report.curves.subjects import named
from numerics.resnet.architecture import feature_shapes
from numerics.resnet.forward import batch_norm_inputs
from numerics.resnet.initialization import calibrate, he_state
from theory.spec.actions import Scope
from theory.spec.axes import BCHW
from theory.spec.catalogue import CATALOGUE
from theory.spec.grids import ALL, band

DTYPE = "float64"
LARGEST_MAP = 32
PHOTOGRAPHS = 2
BAND, CHANNELS = 3, 8

PREFIXES = ("photographs-", "noise-")
"""What the names of the files begin with, in the order of :func:`catalogue_curves`."""

WORK = len(PREFIXES) * len(CATALOGUE) * PARTS
"""The steps of the progress."""


def catalogue_curves(pictures: Sequence[Picture], crop: int, seed: int, progress: Progress) -> tuple[Seen, ...]:
    """Compute the panels of all named layers on both inputs."""
    maps = photograph_maps(pictures, crop, seed)
    shape = (PHOTOGRAPHS, CHANNELS, *maps.given.shape[-2:])
    return tuple(
        Seen(
            given,
            Scope.COMMON,
            DTYPE,
            tuple(see(drawn, Words(layer=drawn.name), given, lambda: progress.step(1)) for drawn in named(seed, DTYPE)),
        )
        for given in (maps, noise(shape, BCHW.spatial, band(BAND), seed, DTYPE))
    )


def photograph_maps(pictures: Sequence[Picture], crop: int, seed: int) -> Maps:
    """The feature maps of the first photographs among ``pictures``.

    Raises:
        SpecificationError: none of them can be used.
    """
    photographs = [picture for picture in pictures if picture.group != SCIENTIFIC] or list(pictures)
    batch = next(read_batches(photographs, crop, PHOTOGRAPHS))
    images = batch.images(np.dtype(DTYPE))
    chosen = next(name for name, shape in feature_shapes(crop, crop).items() if max(shape[1:]) <= LARGEST_MAP)
    state = calibrate(he_state(seed), images)
    x = next(x for position, x in batch_norm_inputs(state, images) if position == chosen)
    names = " and ".join(picture.name for picture in batch.pictures)
    return own(x, f"feature maps of {names} at {chosen}", BCHW.spatial, ALL, DTYPE)
