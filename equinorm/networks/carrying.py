"""What the layers of a network receive and give when its images are moved, and how much of that is rounding.

The images are changed entry by entry by a relative eta of random sign; what that makes of a tensor of the network is
its kappa as a function of the images, and :func:`numerics.rounding.black_box_bound` turns it into a bound. A defect
that enters in code between two layers is seen there: the next layer receives more than rounding, and none before it
has made it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from equinorm.networks.calls import Call, Visit
from equinorm.networks.defects import Defect, carried, relative
from equinorm.networks.fitting import Fit
from equinorm.networks.grids import FIRST, Axes, Sizes, sizes_at
from equinorm.networks.rows import Carried
from numerics.rounding import Rounding
from numerics.translations import Table, move
from theory.spec.actions import ActionKind

Tensor = Any
Key = tuple[str, int]
Pair = tuple[list[Tensor], list[Tensor]]

MEMORY = 2**30
"""Bytes of activations that are kept at a time."""

SEED = 20250519


def windows(keys: Iterable[Key], sizes: Mapping[Key, int]) -> Iterator[set[Key]]:
    """``keys`` in their order, in sets whose tensors, of ``sizes`` bytes, fit into `MEMORY`."""
    window: set[Key] = set()
    total = 0
    for key in keys:
        if window and total + sizes[key] > MEMORY:
            yield window
            window, total = set(), 0
        window.add(key)
        total += sizes[key]
    if window:
        yield window


@dataclass
class Journey:
    """Moved images on their way through the network.

    Attributes:
        run: runs the network on images and shows each call of a layer.
        images: (B, C, H, W).
        fits: where the maps stand in each call.
        lost: sizes of maps on which the action on the images induces none.
        unit: the unit roundoff of what the network computes.
        found: what each call's input and output carry.
    """

    run: Callable[[Visit, Tensor], None]
    images: Tensor
    fits: Mapping[Key, Fit]
    lost: Collection[Sizes]
    unit: float
    torch: ModuleType
    found: dict[Key, dict[ActionKind, Carried]] = field(default_factory=dict)

    def through(self, window: Collection[Key], drawn: Mapping[ActionKind, Table]) -> None:
        """Compare the calls in ``window`` on the images moved by what was ``drawn``."""
        base: dict[Key, Pair] = {}
        self.run(_keeper(window, base), self.images)
        roundings = self._roundings(base)
        for kind, displacements in drawn.items():
            self.run(self._comparer(base, roundings, kind, displacements), move(kind, self.images, displacements))

    def _roundings(self, base: Mapping[Key, Pair]) -> dict[Key, tuple[Rounding, Rounding]]:
        """Of inputs and outputs, as functions of the images."""
        eta = math.sqrt(self.unit) / 8
        rng = np.random.Generator(np.random.PCG64(SEED))
        shape = tuple(self.images.shape)
        steps = eta * (rng.integers(0, 2, shape) * 2.0 - 1.0) * rng.uniform(0.75, 1.25, shape)
        factors = self.torch.from_numpy(1 + steps).to(device=self.images.device, dtype=self.images.dtype)
        found: dict[Key, tuple[Rounding, Rounding]] = {}

        def rounding(now: Sequence[Tensor], then: Sequence[Tensor]) -> Rounding:
            pairs = [(a, b) for a, b in zip(now, then, strict=False) if b.is_floating_point() and b.shape == a.shape]
            batch = self.images.shape[0]
            if not pairs or any(b.ndim == 0 or b.shape[0] != batch for _, b in pairs):
                return Rounding(self.unit, np.full(batch, np.inf))
            kappa = relative([a for a, _ in pairs], [b for _, b in pairs], self.torch) / eta
            # Each call before this one may have rounded once more, independently.
            return Rounding(self.unit * math.sqrt(len(found) + 1.0), kappa)

        def visit(call: Call, outputs: list[Tensor]) -> None:
            if call.key in base:
                inputs, before = base[call.key]
                found[call.key] = rounding(call.inputs, inputs), rounding(outputs, before)

        self.run(visit, self.images * factors)
        return found

    def _comparer(
        self,
        base: Mapping[Key, Pair],
        roundings: Mapping[Key, tuple[Rounding, Rounding]],
        kind: ActionKind,
        displacements: Table,
    ) -> Visit:
        """Compares the calls of a run on moved images with those in ``base``."""
        image = sizes_at(self.images.shape, FIRST)

        def defect(
            now: list[Tensor], then: list[Tensor], axes: Sequence[Axes | None], rounding: Rounding
        ) -> Defect | None:
            grids = {sizes_at(tensor.shape, one) for tensor, one in zip(then, axes, strict=True)}
            if grids & set(self.lost):
                return None
            return carried(now, then, axes, kind, displacements, image, rounding, self.torch)

        def visit(call: Call, outputs: list[Tensor]) -> None:
            if call.key not in base or call.key not in roundings:
                return
            place, (inputs, before) = self.fits[call.key], base[call.key]
            entering = defect(call.inputs, inputs, place.inputs, roundings[call.key][0])
            leaving = defect(outputs, before, place.outputs, roundings[call.key][1])
            self.found.setdefault(call.key, {})[kind] = Carried(
                None if entering is None else entering.error,
                None if leaving is None else leaving.error,
                None if entering is None else entering.bound,
            )

        return visit


def _keeper(window: Collection[Key], base: dict[Key, Pair]) -> Visit:
    """Keeps inputs and outputs of the calls in ``window``."""

    def visit(call: Call, outputs: list[Tensor]) -> None:
        if call.key in window:
            base[call.key] = call.inputs, [tensor.clone() for tensor in outputs]

    return visit
