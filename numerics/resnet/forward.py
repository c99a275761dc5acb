"""The forward pass of ResNet-18 in evaluation mode, seen at the inputs of its 20 BatchNorm layers.

`batch_norm_inputs` runs the network and hands out one feature map after the other, so that no more than a few of them
exist at a time. A state is a mapping from torchvision's parameter names (`architecture.PARAMETERS`) to arrays; it is
converted to the dtype, library and device of the images parameter by parameter. Images decide everything: the
namespace (array-api-compat), float32 or float64, and the device.

References:
    He, Zhang, Ren, Sun (2016), Deep residual learning for image recognition, arXiv 1512.03385.
    Ioffe, Szegedy (2015), Batch normalization, arXiv 1502.03167.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from array_api_compat import device

from numerics.arrays import Array, namespace_of
from numerics.resnet.architecture import BLOCKS, EPSILON, PARAMETERS, STEM_FILTER
from numerics.resnet.convolution import affine, convolve, interior, max_pool, pad, rectify
from theory.spec.errors import refuse

Lookup = Callable[[str], Array]
Statistics = Callable[[str, Array], tuple[Array, Array]]
"""From a position and its input (C, B, H, W) to mean and variance of each channel, both of shape (C,)."""


def batch_norm_inputs(state: Mapping[str, Array], images: Array) -> Iterator[tuple[str, Array]]:
    """Yield (position, map) for the 20 BatchNorm inputs in forward order (`architecture.POSITIONS`).

    Args:
        state: torchvision's tensors by name, in any real dtype; the classifier and other entries are ignored.
        images: normalized images (B, 3, H, W), float32 or float64; H and W need not be equal.

    Yields:
        The position's name and its map (B, C, H', W'), a new array of the library, dtype and device of ``images``;
        the caller may keep or overwrite it. Rounding errors grow as those of PyTorch's pass do, not bit by bit.

    Raises:
        SpecificationError: images of another shape or dtype, a tensor that is missing or has the wrong shape.
    """
    check_images(images)
    lookup = _converted(state, images)

    def running(position: str, _: Array) -> tuple[Array, Array]:
        return lookup(f"{position}.running_mean"), lookup(f"{position}.running_var")

    xp = namespace_of(images)
    # A copy with no margin: batch first in memory too, and out of reach of the pass that goes on.
    return ((name, pad(xp, xp.permute_dims(found, (1, 0, 2, 3)), 0)) for name, found in walk(images, lookup, running))


def parameter(state: Mapping[str, Array], name: str) -> Array:
    """The tensor called ``name``. Raises SpecificationError when it is missing or has another shape than the network's.

    >>> parameter({}, "conv1.weight")
    Traceback (most recent call last):
    theory.spec.errors.SpecificationError: conv1.weight=missing: expected a tensor of shape (64, 3, 7, 7)
    """
    expected = PARAMETERS[name]
    if name not in state:
        raise refuse(f"{name}=missing", f"a tensor of shape {expected}")
    found = state[name]
    if tuple(found.shape) != expected:
        raise refuse(f"{name}=tensor of shape {tuple(found.shape)}", f"shape {expected}")
    return found


def check_images(images: Array) -> None:
    """Raise SpecificationError unless ``images`` is a non-empty float32 or float64 array of shape (B, 3, H, W)."""
    xp = namespace_of(images)
    if len(images.shape) != 4 or images.shape[1] != 3 or 0 in images.shape:
        raise refuse(f"images=array of shape {tuple(images.shape)}", "shape (batch, 3, height, width)")
    if images.dtype not in (xp.float32, xp.float64):
        raise refuse(f"images=array of {images.dtype}", "float32 or float64")


def _converted(state: Mapping[str, Array], images: Array) -> Lookup:
    """Look up parameters as arrays of the library, dtype and device of ``images``."""
    xp = namespace_of(images)
    for name in PARAMETERS:
        parameter(state, name)
    return lambda name: xp.asarray(state[name], dtype=images.dtype, device=device(images))


def walk(images: Array, lookup: Lookup, statistics: Statistics) -> Iterator[tuple[str, Array]]:
    """Run the network; yield (position, input) with the input in the layout (C, B, H, W) of the computation.

    ``statistics`` is asked after the yield, once for each position. The yielded array must be left as it is.
    """
    xp = namespace_of(images)

    def gain(position: str, found: Array) -> tuple[Array, Array]:
        """BatchNorm as (scale, shift): x ↦ scale x + shift = weight (x − mean)/√(var + ε) + bias."""
        mean, variance = statistics(position, found)
        scale = lookup(f"{position}.weight") / xp.sqrt(variance + EPSILON)
        return scale, lookup(f"{position}.bias") - mean * scale

    found = pad(xp, xp.permute_dims(images, (1, 0, 2, 3)), STEM_FILTER // 2)
    found = convolve(xp, found, lookup("conv1.weight"), 2)
    yield "bn1", found
    # From here on `found` is an activation with a margin of one zero, ready for the next 3x3 window.
    found = max_pool(xp, rectify(xp, found, *gain("bn1", found)), 1)
    for block in BLOCKS:
        inner = convolve(xp, found, lookup(f"{block.name}.conv1.weight"), block.stride)
        yield f"{block.name}.bn1", inner
        inner = rectify(xp, inner, *gain(f"{block.name}.bn1", inner))
        inner = convolve(xp, inner, lookup(f"{block.name}.conv2.weight"), 1)
        yield f"{block.name}.bn2", inner
        gains = gain(f"{block.name}.bn2", inner)
        skip = interior(found)
        if block.downsamples:
            skip = convolve(xp, skip, lookup(f"{block.name}.downsample.0.weight"), block.stride)
            yield f"{block.name}.downsample.1", skip
            skip = affine(xp, skip, *gain(f"{block.name}.downsample.1", skip))
        found = rectify(xp, inner, *gains, skip)
