"""How far a layer is from being equivariant, and how much of that is its own.

The *own* defect of a layer f at its input x is |f(gx) - g f(x)| / |g f(x)|, with a g drawn on the grid of x. The
*carried* defect of a tensor of the network, x = x(image), is |x(g image) - g x(image)| / |g x(image)|, with a g drawn
on the grid of the images. What a layer adds to it is that of its output less that of its input; it may be negative, and
it may be large without any defect of its own, where the layer amplifies.

Norms are over all entries of a sample; of the samples, each moved by its own displacement, the worst counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from equinorm.networks.calls import Call
from equinorm.networks.fitting import Fit, Unfit
from equinorm.networks.grids import Axes, Sizes, draw_shifts, induced, sizes_at, step
from numerics.arrays import to_numpy
from numerics.bounds import Judgement, judge, sum_growth, transform_growth
from numerics.rounding import Rounding, black_box_bound, probe_rounding
from numerics.translations import Table, draw_displacements, move, remove_nyquist
from theory.spec.actions import ActionKind, NyquistPolicy

Tensor = Any


@dataclass(frozen=True)
class Defect:
    """A relative L2 error and the bound on what rounding may make of it, of the sample that is worst."""

    error: float
    bound: float
    displacements: tuple[tuple[float, ...], ...] = ()
    """Of each sample, on the grid of the layer's largest input; empty where they are told elsewhere."""

    @property
    def judgement(self) -> Judgement:
        """Whether the error is more than rounding."""
        return judge(self.error, self.bound)


def moved(
    tensors: Sequence[Tensor],
    axes: Sequence[Axes | None],
    kind: ActionKind,
    displacements: Table,
    reference: Sizes,
) -> list[Tensor]:
    """g of each tensor, whose map stands on ``axes``; ``displacements`` are counted on the grid ``reference``."""
    found = []
    for tensor, one in zip(tensors, axes, strict=True):
        sizes = sizes_at(tensor.shape, one)
        still = one is None or sizes == (1, 1)
        found.append(tensor if still else move(kind, tensor, induced(displacements, reference, sizes), one or ()))
    return found


def draw(kind: ActionKind, batch: int, sizes: Sizes, steps: Sequence[int], seed: int) -> Table:
    """Displacements of a grid: (batch, 2); of shifts multiples of ``steps``. Equal grids move alike."""
    rng = np.random.Generator(np.random.PCG64([seed, list(ActionKind).index(kind)]))
    if kind is ActionKind.SHIFT:
        return draw_shifts(batch, sizes, steps, rng)
    return draw_displacements(kind, batch, sizes, rng)


def relative(actual: Sequence[Tensor], expected: Sequence[Tensor], torch: Any) -> np.ndarray[Any, Any]:
    """The relative L2 error of each sample over all tensors together: float64 of shape (B,); 0 over 0 is 0."""
    a, e = joined(actual, torch), joined(expected, torch)
    error, size = (to_numpy(torch.linalg.vector_norm(each, dim=1)).astype(np.float64) for each in (a - e, e))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(error == 0, 0.0, error / size))


def joined(tensors: Sequence[Tensor], torch: Any) -> Tensor:
    """The tensors as one of shape (B, entries)."""
    flat = [tensor.reshape(tensor.shape[0], -1) for tensor in tensors]
    return flat[0] if len(flat) == 1 else torch.cat(flat, dim=1)


def own_defects(
    call: Call,
    fit: Fit,
    kinds: Sequence[ActionKind],
    policy: NyquistPolicy,
    seed: int,
    full_precision: bool = False,
    rounding: Rounding | None = None,
) -> dict[ActionKind, Defect]:
    """The own defect of ``call`` under each action.

    Args:
        call: the layer and its input.
        fit: where its maps stand.
        kinds: the actions.
        policy: under PROJECT the input loses its Nyquist bins before translations.
        seed: of the displacements.
        full_precision: as :func:`numerics.rounding.probe_rounding` has it.
        rounding: of the layer at its input, where it is known.

    Raises:
        Unfit: the layer gives other shapes when it is called again.
    """
    given, torch = call.inputs, call.torch
    batch = given[0].shape[0]
    if policy is NyquistPolicy.PROJECT and ActionKind.TRANSLATION in kinds:
        given = [
            tensor if one is None else remove_nyquist(tensor, one)[0]
            for tensor, one in zip(given, fit.inputs, strict=True)
        ]
    maps = [place for place, one in enumerate(fit.inputs) if one is not None]

    def layer(flat: Tensor) -> Tensor:
        parts = flat.split([math.prod(given[place].shape[1:]) for place in maps], dim=1)
        inputs = list(given)
        for place, part in zip(maps, parts, strict=True):
            inputs[place] = part.reshape(given[place].shape)
        return joined(call.outputs(inputs), torch)

    x = joined([given[place] for place in maps], torch)
    y = call.outputs(given)
    flat = joined(y, torch)
    rounding = probe_rounding(layer, x, flat, full_precision) if rounding is None else rounding
    sums = sum_growth(tuple(x.shape), (0, 1)) if math.prod(x.shape) > 1 else 1.0
    found = {}
    for kind in kinds:
        displacements = draw(kind, batch, fit.reference, fit.steps, seed)
        expected = moved(y, fit.outputs, kind, displacements, fit.reference)
        actual = call.outputs(moved(given, fit.inputs, kind, displacements, fit.reference))
        if [tensor.shape for tensor in actual] != [tensor.shape for tensor in expected]:
            raise Unfit("the shape of its output depends on the values of its input")
        growth = transform_growth(kind, fit.reference)
        limits = black_box_bound(rounding, flat, joined(expected, torch), growth, sums)
        told = tuple(tuple(float(step) for step in sample) for sample in displacements)
        found[kind] = replace(_worst(relative(actual, expected, torch), limits), displacements=told)
    return found


def _worst(errors: np.ndarray[Any, Any], limits: np.ndarray[Any, Any]) -> Defect:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(errors == 0, 0.0, errors / limits)
    place = int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))
    return Defect(float(errors[place]), float(limits[place]))


def carried(
    actual: Sequence[Tensor],
    base: Sequence[Tensor],
    axes: Sequence[Axes | None],
    kind: ActionKind,
    displacements: Table,
    image: Sizes,
    rounding: Rounding,
    torch: Any,
) -> Defect | None:
    """The defect that tensors carry: ``actual`` of the moved images against ``base`` of the images, moved alike.

    ``rounding`` is that of ``base`` as a function of the images. None where a grid has no action that the one of the
    images induces, or where shapes differ.
    """
    pairs = [(a, b, one) for a, b, one in zip(actual, base, axes, strict=False) if b.is_floating_point()]
    if not pairs or len(actual) != len(base) or any(a.shape != b.shape for a, b, _ in pairs):
        return None
    grids = [sizes_at(b.shape, one) for _, b, one in pairs]
    for axis in (0, 1):
        least = step(image[axis], (sizes[axis] for sizes in grids))
        if least is None or (kind is ActionKind.SHIFT and np.any(displacements[:, axis] % least)):
            return None
    before = [b for _, b, _ in pairs]
    expected = moved(before, [one for _, _, one in pairs], kind, displacements, image)
    errors = relative([a for a, _, _ in pairs], expected, torch)
    flat = joined(before, torch)
    sums = sum_growth(tuple(flat.shape), (0, 1)) if math.prod(flat.shape) > 1 else 1.0
    return _worst(errors, black_box_bound(rounding, flat, joined(expected, torch), transform_growth(kind, image), sums))
