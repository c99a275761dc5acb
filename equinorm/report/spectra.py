"""Figure 1: what each normalization adds to the spectrum of a band-limited map.

The input of the network's first BatchNorm, ideally low-passed to |f| < 1/4 on both axes, is normalized; its radially
averaged power spectral density is then averaged over channels and images. A translation-equivariant layer multiplies
such a map by constants and keeps it band-limited; one that divides by a quantity that varies from pixel to pixel
creates frequencies above the band, and those above 1/2 fold back: aliasing. The first position is chosen because its
map is the largest, and so resolves frequency best; it needs no statistics of the network.

Gain and bias are 1 and 0. A layer whose affine step varies over the map is shown a second time with both drawn from
N(0, 1), since there the affine step alone fills the spectrum.

Reference: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, Figure 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from equinorm.experiment.options import Options
from equinorm.inputs.batches import read_batches
from equinorm.inputs.images import Picture
from numerics.arrays import Array
from numerics.backends import Backend
from numerics.experiment.draws import Source
from numerics.layers import normalize
from numerics.resnet.forward import batch_norm_inputs
from numerics.resnet.initialization import he_state
from numerics.spectrum import low_pass, radial_spectrum
from theory.spec.axes import BCHW
from theory.spec.catalogue import CATALOGUE

CUTOFF = Fraction(1, 4)
CORNER = math.sqrt(2) * float(CUTOFF)
"""The largest radial frequency of a map of frequencies below `CUTOFF` on both axes."""

INPUT = "input"


@dataclass(frozen=True)
class Curve:
    """``density`` at each ``frequency`` in cycles per sample; ``name`` of the layer, or ``input``."""

    name: str
    frequency: np.ndarray[Any, Any]
    density: np.ndarray[Any, Any]

    @property
    def leak(self) -> float:
        """The largest density above the corner of the band."""
        return float(self.density[self.frequency > CORNER].max())


@dataclass(frozen=True)
class Spectra:
    """All curves, with the map that they come from: its position in the network, (C, H, W), and how many images."""

    position: str
    shape: tuple[int, ...]
    images: int
    dtype: str
    curves: tuple[Curve, ...]


def spectra(options: Options, backend: Backend, pictures: Sequence[Picture]) -> Spectra:
    """Compute the curves of Figure 1 for the maps of ``pictures``."""
    state = he_state(options.seed)
    sums: dict[str, np.ndarray[Any, Any]] = {}
    frequency = np.empty(0)
    position, shape, images = "", (0,), 0
    for number, batch in enumerate(read_batches(pictures, options.crop, options.batch_size)):
        pixels = backend.from_numpy(batch.images(np.dtype(options.dtype)), options.dtype)
        position, x = next(iter(batch_norm_inputs(state, pixels)))
        x = low_pass(x, CUTOFF)
        for name, y in _normalized(x, Source(options.seed, position, number)):
            found = radial_spectrum(y)
            frequency = found.frequency
            sums[name] = sums.get(name, 0) + found.density * x.shape[0]
        images += x.shape[0]
        shape = tuple(x.shape[1:])
    curves = tuple(Curve(name, frequency, total / images) for name, total in sums.items())
    return Spectra(position, shape, images, options.dtype, curves)


def _normalized(x: Array, source: Source) -> list[tuple[str, Array]]:
    found = [(INPUT, x)]
    for name, entry in CATALOGUE.items():
        layer = entry.layer
        found.append((name, normalize(layer, x)))
        if layer.affine is not None and layer.affine & BCHW.spatial:
            gain, bias = source.affine(name, layer, x)
            found.append((f"{name}, drawn gain", normalize(layer, x, gain, bias)))
    return found
