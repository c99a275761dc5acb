"""What a layer does to each map or to each pixel, where it needs no more than one number there.

For passes that are loops (:mod:`numerics.experiment.compiled`, :mod:`numerics.experiment.device`): a layer whose
statistics are one number for each map is y = (x - mean) root gain + bias with these numbers, which the moments of the
maps give; one whose statistics are one number for each pixel is found pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numerics.arrays import Array, Floats
from numerics.experiment.passes import Known
from numerics.experiment.sides import mean_over
from theory.spec.layers import Normalization, Statistics

PIXELWISE = frozenset("C")
SPATIAL = frozenset("HW")


@dataclass(frozen=True)
class Factors:
    """Mean and root of each map, (B, C), and the variance that the root is of; None without a scaling step."""

    mean: Floats
    root: Floats
    variance: Floats | None


def by_pixel(layer: Normalization, gain: Array | None, bias: Array | None) -> bool:
    """True for a layer that divides each pixel by a root of its channels, and does no more than center them."""
    if layer.statistics is not Statistics.BATCH or gain is not None or bias is not None:
        return False
    return layer.scale == PIXELWISE and layer.center in (None, PIXELWISE)


def by_map(layer: Normalization) -> bool:
    """True for a layer of batch statistics whose means join whole maps of one sample; all have the same parameters."""
    steps = [axes for axes in (layer.center, layer.scale) if axes is not None]
    alone = "B" not in frozenset().union(*steps, layer.affine or ())
    return layer.statistics is Statistics.BATCH and alone and all(axes >= SPATIAL for axes in steps)


def factors(layer: Normalization, known: Known) -> Factors:
    """Those of a layer that is :func:`by_map`, from the pivots of the maps and their moments less these."""
    pivot, moments = known
    mean = np.zeros_like(pivot) if layer.center is None else mean_over(moments.mean + pivot, layer.center)
    if layer.scale is None:
        return Factors(mean, np.ones_like(pivot), None)
    offset = pivot - mean
    variance = mean_over(np.maximum(moments.square + 2 * offset * moments.mean + offset**2, 0), layer.scale)
    return Factors(mean, 1 / np.sqrt(variance + float(layer.eps)), variance)
