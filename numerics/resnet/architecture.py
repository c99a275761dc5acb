"""The shape of ResNet-18: blocks, parameter names, positions and map sizes.

What torchvision calls the parameters, in its order; nothing is computed here. A *position* is the place of one of the
20 BatchNorm layers; its name is that layer's (``layer2.0.downsample.1``), and positions are listed in forward order:
in a block ``bn1``, ``bn2``, then ``downsample.1``, which torchvision evaluates last.

References:
    He, Zhang, Ren, Sun (2016), Deep residual learning for image recognition, arXiv 1512.03385.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

EPSILON = 1e-5
"""The ε that torchvision's BatchNorm adds to the running variance."""

STEM_CHANNELS = 64
STEM_FILTER = 7
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels of the four stages, and the stride of the first block of each."""


@dataclass(frozen=True)
class Block:
    """A residual block of two 3x3 convolutions; the first has stride ``stride``."""

    name: str
    inputs: int
    outputs: int
    stride: int

    @property
    def downsamples(self) -> bool:
        """True when the skip connection needs a 1x1 convolution because the block changes the shape."""
        return self.stride != 1 or self.inputs != self.outputs


def _blocks() -> tuple[Block, ...]:
    found = []
    inputs = STEM_CHANNELS
    for stage, (outputs, stride) in enumerate(STAGES, 1):
        found.append(Block(f"layer{stage}.0", inputs, outputs, stride))
        found.append(Block(f"layer{stage}.1", outputs, outputs, 1))
        inputs = outputs
    return tuple(found)


BLOCKS = _blocks()


def _parameters() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, outputs: int, inputs: int, size: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, size, size)

    def batch_norm(name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (channels,)

    convolution("conv1", STEM_CHANNELS, 3, STEM_FILTER)
    batch_norm("bn1", STEM_CHANNELS)
    for block in BLOCKS:
        convolution(f"{block.name}.conv1", block.outputs, block.inputs, 3)
        batch_norm(f"{block.name}.bn1", block.outputs)
        convolution(f"{block.name}.conv2", block.outputs, block.outputs, 3)
        batch_norm(f"{block.name}.bn2", block.outputs)
        if block.downsamples:
            convolution(f"{block.name}.downsample.0", block.outputs, block.inputs, 1)
            batch_norm(f"{block.name}.downsample.1", block.outputs)
    return shapes


PARAMETERS: Mapping[str, tuple[int, ...]] = MappingProxyType(_parameters())
"""Shape of each tensor by torchvision's name; convolutions are (outputs, inputs, k, k). The classifier has no part."""

POSITIONS = tuple(name.removesuffix(".running_mean") for name in PARAMETERS if name.endswith(".running_mean"))
"""The 20 BatchNorm layers in forward order."""


def output_size(size: int, filter_size: int, stride: int, padding: int) -> int:
    """Number of outputs along an axis of ``size`` samples: ⌊(size + 2 padding − filter) / stride⌋ + 1.

    >>> output_size(224, 7, 2, 3)
    112
    """
    return (size + 2 * padding - filter_size) // stride + 1


def feature_shapes(height: int, width: int) -> dict[str, tuple[int, int, int]]:
    """Shape (C, H, W) of the map at each position, in forward order, for images of ``height`` by ``width`` pixels.

    >>> sorted({shape[1] for shape in feature_shapes(193, 193).values()}, reverse=True)
    [97, 49, 25, 13, 7]
    """
    rows, columns = (output_size(size, STEM_FILTER, 2, 3) for size in (height, width))
    shapes = {"bn1": (STEM_CHANNELS, rows, columns)}
    rows, columns = (output_size(size, 3, 2, 1) for size in (rows, columns))
    for block in BLOCKS:
        rows, columns = (output_size(size, 3, block.stride, 1) for size in (rows, columns))
        names = ("bn1", "bn2", "downsample.1") if block.downsamples else ("bn1", "bn2")
        shapes.update({f"{block.name}.{name}": (block.outputs, rows, columns) for name in names})
    return shapes
