"""Weights for a network that nobody trained: He initialisation with BatchNorm statistics taken from images.

Random filters keep the sizes, the depth and the channel mixing of the trained network, and need no download. Without
calibrated statistics (mean 0 and variance 1, as a fresh BatchNorm has) the maps' scale would drift from layer to
layer, so each BatchNorm is given the statistics of the images that it sees.

References:
    He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, arXiv 1502.01852.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from array_api_compat import device
from numpy.typing import NDArray

from numerics.arrays import Array, namespace_of
from numerics.resnet.architecture import PARAMETERS
from numerics.resnet.forward import check_images, parameter, walk
from theory.spec.errors import refuse


def he_state(seed: int) -> dict[str, NDArray[np.float64]]:
    """Draw ResNet-18's filters from N(0, 2/(outputs k²)); BatchNorm: weight 1, bias 0, running mean 0 and variance 1.

    torchvision's choice (Kaiming normal, fan-out, gain √2 of a ReLU), drawn by NumPy in the order of
    `architecture.PARAMETERS`: the same seed gives the same float64 arrays.

    Raises:
        SpecificationError: a negative seed.
    """
    if seed < 0:
        raise refuse(f"seed={seed}", "an integer >= 0")
    random = np.random.default_rng(seed)
    state = {}
    for name, shape in PARAMETERS.items():
        if len(shape) == 4:
            outputs, _, size, _ = shape
            state[name] = random.standard_normal(shape) * math.sqrt(2 / (outputs * size * size))
        else:
            state[name] = np.full(shape, 0.0 if name.endswith(("bias", "running_mean")) else 1.0)
    return state


def calibrate(state: Mapping[str, Array], images: Array) -> dict[str, Array]:
    """Replace all running statistics by those of ``images``; the rest of ``state`` is passed on.

    One forward pass, layer after layer: a position's statistics are set before the next position is computed, so
    that every BatchNorm of the result, in evaluation mode and on these images, has outputs of mean bias and of mean
    square deviation weight² var/(var + ε). The variance is the population's (divided by B·H·W; PyTorch's running
    variance divides by one less), since the images are all there is, not a sample.

    Args:
        state: torchvision's tensors by name; running statistics need not be there.
        images: normalized images (B, 3, H, W), float32 or float64, all used at once.

    Raises:
        SpecificationError: as `batch_norm_inputs`.
    """
    check_images(images)
    xp = namespace_of(images)
    result = dict(state)

    def lookup(name: str) -> Array:
        return xp.asarray(parameter(state, name), dtype=images.dtype, device=device(images))

    def measure(position: str, found: Array) -> tuple[Array, Array]:
        mean = xp.mean(found, axis=(1, 2, 3))
        variance = xp.var(found, axis=(1, 2, 3), correction=0)
        result[f"{position}.running_mean"], result[f"{position}.running_var"] = mean, variance
        return mean, variance

    for _ in walk(images, lookup, measure):
        pass
    return result
