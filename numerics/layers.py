"""Normalization layers as array functions, read from the specification and from nothing else.

    c = x - mean(x, center),   y = c / sqrt(mean(c^2, scale) + eps) * gain(affine) + bias(affine)

This reading is independent of the symbolic one: no term is compiled here. The variance takes two passes (the mean,
then the squares of what is left), because mean(x^2) - mean(x)^2 cancels when the mean is large.

A step over no axes is a step: centering gives c = 0, scaling divides each entry by the root of its own square plus
eps. An absent step changes nothing. With running statistics the two means are constants that vary over the axes that
training does not reduce; fresh ones are 0 and 1.

Notation: B, C, H, W as in the layout of the layer; parameters and statistics have every axis of ``x``, of size 1
where they do not vary.

References: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805; Ioffe and Szegedy (2015),
arXiv 1502.03167, for running statistics; Chan, Golub and LeVeque (1983), The American Statistician 37(3), for the two
passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from numerics.arrays import Array, Namespace, blocks, in_blocks, namespace_of, sum_of_products
from theory.spec.axes import AxisSet, Layout, spell_step
from theory.spec.errors import refuse
from theory.spec.layers import Normalization, Statistics

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Moments:
    """The mean and the mean square about it, each of full rank; ``None`` where the layer has no such step."""

    mean: Array | None
    variance: Array | None


def varying_shape(axes: AxisSet, shape: Sequence[int], layout: Layout) -> Shape:
    """The shape of an array that varies over ``axes``: the size of ``shape`` there, 1 elsewhere."""
    return tuple(size if axis.name in axes else 1 for axis, size in zip(layout, shape, strict=True))


def affine_shape(layer: Normalization, shape: Sequence[int]) -> Shape | None:
    """The shape of gain and of bias for inputs of this shape; ``None`` without an affine step."""
    return None if layer.affine is None else varying_shape(layer.affine, shape, layer.layout)


def running_shapes(layer: Normalization, shape: Sequence[int]) -> tuple[Shape | None, Shape | None]:
    """The shapes of the running mean and variance: what training reduces has size 1."""
    everything = frozenset(layer.layout.names)
    mean, variance = (
        None if axes is None else varying_shape(everything - axes, shape, layer.layout)
        for axes in (layer.center, layer.scale)
    )
    return mean, variance


def normalize(
    layer: Normalization,
    x: Array,
    gain: Array | None = None,
    bias: Array | None = None,
    running: Moments | None = None,
) -> Array:
    """Apply ``layer`` to ``x``; shape and dtype stay.

    Args:
        layer: the specification; ``layer.statistics`` chooses between the statistics of ``x`` and running ones.
        x: real array with one axis for each axis of ``layer.layout``, float32 or float64.
        gain: of shape :func:`affine_shape`, left out: 1.
        bias: of the same shape, left out: 0.
        running: running mean and variance of shapes :func:`running_shapes`; a part that is ``None`` is fresh (mean 0,
            variance 1). Only for a layer with running statistics.

    Raises:
        SpecificationError: an array of another rank or dtype, a parameter of another shape or without its step.
    """
    xp = _checked(layer, x)
    shape = tuple(x.shape)
    for name, value in (("gain", gain), ("bias", bias)):
        _check_shape(name, value, affine_shape(layer, shape), f"affine={spell_step(layer.affine, layer.layout)}")
    constants = Moments(None, None)
    if layer.statistics is Statistics.RUNNING:
        constants = running or constants
        for name, value, expected in zip(
            ("mean", "variance"), (constants.mean, constants.variance), running_shapes(layer, shape), strict=True
        ):
            _check_shape(f"running {name}", value, expected, str(layer))
    elif running is not None:
        raise refuse("running=given", f"a layer with statistics=running, not {layer}")

    def normalized(block: tuple[slice, ...]) -> Array:
        cut = Moments(_cut(constants.mean, block), _cut(constants.variance, block))
        return _normalized(xp, layer, x[block], _cut(gain, block), _cut(bias, block), cut)[0]

    return in_blocks(xp, x, normalized, _free_axis(layer, shape))


def normalize_with_variance(
    layer: Normalization, x: Array, gain: Array | None = None, bias: Array | None = None
) -> tuple[Array, Array | None]:
    """The layer, and the variance that it divides by, in one go over all of ``x``; without gain and bias left out.

    For who cuts ``x`` into parts that need no other, and wants both; see :func:`normalize` and :func:`moments`.

    Raises:
        SpecificationError: an array of another rank or dtype.
    """
    return _normalized(_checked(layer, x), layer, x, gain, bias, Moments(None, None))


def _normalized(
    xp: Namespace, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, constants: Moments
) -> tuple[Array, Array | None]:
    """A part of the array that needs no other, never ``x`` itself, and its variance."""
    if layer.statistics is Statistics.BATCH:
        y, variance = _centered(xp, layer, x)
    else:
        y, variance = x, constants.variance
        if layer.center is not None and constants.mean is not None:
            y = y - constants.mean
    factors = ([] if layer.scale is None else [_inverse_root(xp, layer, variance)]) + ([] if gain is None else [gain])
    for factor in factors:
        if y is x:
            y = y * factor
        else:  # in place, for the array is not the caller's
            y *= factor
    if bias is not None and y is not x:
        y += bias
    elif bias is not None:
        y = y + bias
    return (xp.asarray(x, copy=True) if y is x else y), variance


def moments(layer: Normalization, x: Array) -> Moments:
    """The statistics of ``x`` that ``layer`` uses in training, whatever its mode: axes reduced have size 1.

    Raises:
        SpecificationError: an array of another rank or dtype.
    """
    xp = _checked(layer, x)
    means, variances = [], []
    free = _free_axis(layer, tuple(x.shape), training=True)
    for block in blocks(x, free):
        part = x[block]
        means.append(_mean(xp, part, _places(layer, layer.center)) if layer.center is not None else None)
        variances.append(_centered(xp, layer, part)[1])

    def join(parts: list[Array | None]) -> Array | None:
        return parts[0] if len(parts) == 1 or parts[0] is None else xp.concat(parts, axis=free)

    return Moments(join(means), join(variances))


def _checked(layer: Normalization, x: Array) -> Namespace:
    xp = namespace_of(x)
    if x.ndim != len(layer.layout) or 0 in x.shape:
        raise refuse(f"x of shape {tuple(x.shape)}", f"one axis of size at least 1 for each of {layer.layout.names}")
    if float(layer.eps) < float(xp.finfo(x.dtype).smallest_normal):
        raise refuse(f"eps={float(layer.eps):g}", f"a positive number in {x.dtype}", "compute in float64")
    return xp


def _check_shape(name: str, value: Array | None, expected: Shape | None, step: str) -> None:
    if value is not None and tuple(value.shape) != expected:
        wanted = "none" if expected is None else f"shape {expected}"
        raise refuse(f"{name} of shape {tuple(value.shape)}", f"{wanted} for {step}")


def _free_axis(layer: Normalization, shape: Shape, training: bool = False) -> int | None:
    """An axis along which the layer falls into independent parts, so that it can be applied block by block."""
    reduced: AxisSet = frozenset()
    if training or layer.statistics is Statistics.BATCH:
        reduced = (layer.center or frozenset()) | (layer.scale or frozenset())
    names = layer.layout.names
    return next((place for place, name in enumerate(names) if name not in reduced and shape[place] > 1), None)


def _places(layer: Normalization, axes: AxisSet) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(layer.layout.names) if name in axes)


def _mean(xp: Namespace, x: Array, axes: tuple[int, ...]) -> Array:
    # Libraries differ on the meaning of no axes; here it is no reduction.
    return xp.mean(x, axis=axes, keepdims=True) if axes else x


def _centered(xp: Namespace, layer: Normalization, x: Array) -> tuple[Array, Array | None]:
    """The centered array, and its mean square over the scaling axes."""
    c = x if layer.center is None else x - _mean(xp, x, _places(layer, layer.center))
    return c, None if layer.scale is None else _mean_square(xp, c, _places(layer, layer.scale))


def _mean_square(xp: Namespace, c: Array, axes: tuple[int, ...]) -> Array:
    if not axes:
        return c * c
    kept = tuple(1 if place in axes else size for place, size in enumerate(c.shape))
    count = math.prod(c.shape[place] for place in axes)
    return xp.reshape(sum_of_products(xp, c, c, axes), kept) / count


def _inverse_root(xp: Namespace, layer: Normalization, variance: Array | None) -> Array | float:
    eps = float(layer.eps)
    return float((1 + eps) ** -0.5) if variance is None else 1 / xp.sqrt(variance + eps)


def _cut(value: Array | None, block: tuple[slice, ...]) -> Array | None:
    """The part of a broadcastable array that belongs to ``block``."""
    if value is None:
        return None
    return value[tuple(part if size > 1 else slice(None) for part, size in zip(block, value.shape, strict=True))]
