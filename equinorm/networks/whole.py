"""The output of the whole network: does it move with the images, whatever computes it?

Rows of layers see modules only. Here the network is one function, so that what code between layers does shows too:
|f(gx) - g f(x)| / |g f(x)| for each output together, g on an output being the action that the one on the images
induces, and invariance where the output holds no map.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from equinorm.networks.calls import Call, floating
from equinorm.networks.defects import Defect, joined, own_defects
from equinorm.networks.describe import Description
from equinorm.networks.fitting import Fit, Unfit
from equinorm.networks.grids import FIRST, Axes, Sizes, find_axes, sizes_at, step
from equinorm.networks.loading import said
from equinorm.networks.rows import OUTPUT, Carried, Row
from numerics.rounding import Rounding, probe_rounding
from theory.spec.actions import ActionKind, NyquistPolicy

Module = Any
Tensor = Any

DRAWS = 3
"""Displacements of each image: what code does at one place may meet only zeros under one of them."""

STILL = "no shift of the images but by 0 is whole on every map"


@dataclass(frozen=True)
class Whole:
    """A network as one function of images (B, C, H, W).

    Attributes:
        known: sizes that maps have had on the way, of which those that are ``lost`` have no induced action.
        last: where the map stood last.
        steps: the least shifts of the images that are whole on every map.
    """

    network: Module
    images: Tensor
    torch: ModuleType
    known: Collection[Sizes]
    lost: Collection[Sizes]
    last: Axes
    steps: tuple[int, int]

    def rounding(self, trusted: bool, calls: int) -> Rounding:
        """What rounding makes of the output, after ``calls`` calls of layers that round independently."""
        unit = float(self.torch.finfo(self.images.dtype).eps) / 2
        batch = self.images.shape[0]

        def function(x: Tensor) -> Tensor:
            found = floating(self.network(x), self.torch)
            return joined([one for one in found if one.ndim and one.shape[0] == batch], self.torch)

        try:
            found = probe_rounding(function, self.images, function(self.images), trusted)
        except Exception:  # no output with one entry a sample, or the network raises for other values: told by `row`
            return Rounding(unit, np.full(batch, np.inf))
        return Rounding(found.unit * math.sqrt(calls + 1.0), found.kappa)

    def row(self, kinds: Sequence[ActionKind], policy: NyquistPolicy, seed: int, rounding: Rounding) -> Row:
        """The row of the output."""
        outputs = floating(self.network(self.images.clone()), self.torch)
        fitted, reasons = [], []
        for place, tensor in enumerate(outputs):
            try:
                fitted.append((place, self._axes(tensor)))
            except Unfit as error:
                reasons.append(str(error))
        partly = bool(fitted and reasons)
        shapes = tuple(self.images.shape), tuple(outputs[0].shape)
        about = Description("network", type(self.network).__name__)
        found: dict[ActionKind, Defect] = {}
        if fitted:
            try:
                found = self._defects(dict(fitted), kinds, policy, seed, rounding)
            except Unfit as error:
                reasons.append(str(error))
            except Exception as error:
                reasons.append(f"it raises when the images are moved: {said(error)}")
        if ActionKind.SHIFT in kinds and fitted and self.steps == sizes_at(self.images.shape, FIRST):
            reasons.append(STILL)
        through = {kind: Carried(0.0, defect.error) for kind, defect in found.items()}
        return Row(OUTPUT, 0, about, shapes, {}, found, through, "; ".join(dict.fromkeys(reasons)), partly)

    def _axes(self, tensor: Tensor) -> Axes | None:
        shape = tuple(tensor.shape)
        image = sizes_at(self.images.shape, FIRST)
        if image == (1, 1):
            raise Unfit("images of one pixel do not move")
        if not shape or shape[0] != self.images.shape[0]:
            raise Unfit(f"an output of shape {shape} does not hold one entry a sample on axis 0")
        if len(shape) <= 2:
            return None
        axes = find_axes(shape, self.known, self.last)
        if axes is None:
            raise Unfit(f"an output of shape {shape} holds no map")
        sizes = sizes_at(shape, axes)
        if sizes in self.lost or any(step(whole, (size,)) is None for whole, size in zip(image, sizes, strict=True)):
            change = f"{image[0]}x{image[1]} to {sizes[0]}x{sizes[1]}"
            raise Unfit(f"{change}: no action is induced on its output")
        return axes

    def _defects(
        self,
        places: dict[int, Axes | None],
        kinds: Sequence[ActionKind],
        policy: NyquistPolicy,
        seed: int,
        rounding: Rounding,
    ) -> dict[ActionKind, Defect]:
        image = sizes_at(self.images.shape, FIRST)

        def function(x: Tensor) -> list[Tensor]:
            found = floating(self.network(x), self.torch)
            return [found[place] for place in places]

        call = Call(OUTPUT, 0, function, (self.images,), {}, self.torch)
        moving = [kind for kind in kinds if kind is not ActionKind.SHIFT or self.steps != image]
        fit = Fit((FIRST,), tuple(places.values()), image, self.steps)
        found: dict[ActionKind, Defect] = {}
        for turn in range(DRAWS):
            for kind, defect in own_defects(call, fit, moving, policy, seed + turn, rounding=rounding).items():
                found[kind] = max(found.get(kind, defect), defect, key=lambda one: one.error)
        return found
