"""How an action on the input of a layer is one on its output: which axes move, and by which multiples.

A layer from (B, C, H, W) to (B, C', H', W') takes a displacement by t to one by t H'/H, where one of H and H' divides
the other. An output without a map, (B, C) or of one pixel, is to be invariant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from equinorm.networks.grids import FIRST, LAST, Axes, Sizes, find_axes, sizes_at, step

Tensor = Any


class Unfit(Exception):
    """The action is not defined on the layer's input or output; ``str(error)`` says why, in a few words."""


@dataclass(frozen=True)
class Fit:
    """Where the maps stand in the tensors of a call.

    Attributes:
        inputs: the axes of the map in each tensor that it gets; None where it has none, and stays.
        outputs: the same of its floating outputs.
        reference: sizes of the largest map among the inputs; displacements are counted on its grid.
        steps: the least shifts, along H and W, that are whole on all maps of the call.
    """

    inputs: tuple[Axes | None, ...]
    outputs: tuple[Axes | None, ...]
    reference: Sizes
    steps: tuple[int, int]


def input_axes(inputs: Sequence[Tensor], batch: int, known: Collection[Sizes], likely: Axes) -> tuple[Axes | None, ...]:
    """The axes of the map in each input.

    Raises:
        Unfit: no input holds a map, or one with a map holds something else than the batch's samples, or whole numbers.
    """
    found: list[Axes | None] = []
    for tensor in inputs:
        axes = find_axes(tensor.shape, known, likely)
        if axes is not None:
            if not tensor.is_floating_point():
                raise Unfit(
                    f"an input of {str(tensor.dtype).removeprefix('torch.')}, which does not move as a map does"
                )
            if tensor.shape[0] != batch:
                raise Unfit(f"axis 0 has {tensor.shape[0]} entries, the batch {batch} samples")
        found.append(axes)
    if all(axes is None for axes in found):
        shape = tuple(inputs[0].shape) if inputs else ()
        raise Unfit(f"its input {shape} holds no map" if inputs else "it gets no tensor")
    return tuple(found)


def fit(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    axes: tuple[Axes | None, ...],
    strides: tuple[Fraction, Fraction] | None,
) -> Fit:
    """How the action on ``inputs``, whose maps stand on ``axes``, is one on ``outputs``.

    ``strides`` are those that the layer declares, which its sizes must then obey.

    Raises:
        Unfit: sizes of which none divides the other, or an output that holds no map and is not one entry a channel.
    """
    sizes = [sizes_at(tensor.shape, found) for tensor, found in zip(inputs, axes, strict=True)]
    reference = max(sizes, key=lambda pair: pair[0] * pair[1])
    if reference == (1, 1):
        raise Unfit("a map of one pixel does not move")
    if not outputs:
        raise Unfit("it gives no tensor of real numbers")
    place = next(found for found, size in zip(axes, sizes, strict=True) if size == reference and found is not None)
    batch = inputs[0].shape[0]
    found = tuple(_output_axes(tensor.shape, batch, place, reference) for tensor in outputs)
    after = [sizes_at(tensor.shape, one) for tensor, one in zip(outputs, found, strict=True)]
    change = f"{reference[0]}x{reference[1]} to {after[0][0]}x{after[0][1]}"
    if strides is not None and any(
        whole != stride * part for whole, part, stride in zip(reference, after[0], strides, strict=True)
    ):
        raise Unfit(f"{change}: no grid that the stride induces")
    steps = [step(reference[axis], (size[axis] for size in (*sizes, *after))) for axis in (0, 1)]
    if steps[0] is None or steps[1] is None:
        raise Unfit(f"{change}: neither size divides the other, so no action is induced")
    return Fit(axes, found, reference, (steps[0], steps[1]))


def _output_axes(shape: Sequence[int], batch: int, place: Axes, reference: Sizes) -> Axes | None:
    if not shape or shape[0] != batch:
        raise Unfit(f"its output {tuple(shape)} does not hold one entry a sample on axis 0")
    if len(shape) == 4:
        other = LAST if place == FIRST else FIRST
        turned = sizes_at(shape, other) == reference != sizes_at(shape, place)
        return other if turned else place
    if len(shape) <= 2:
        return None
    raise Unfit(f"its output {tuple(shape)} holds no map")
