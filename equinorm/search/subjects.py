"""What may be looked at: a normalization layer, a term, or a target of which only the values are known.

Each is a function of an array, of parameter arrays and of epsilon. For the kernel a layer is spelled as a term here,
once more and without the calculus:

    c = x - mean(x, center),   c * rsqrt(mean(c^2, scale) + eps) * par(affine) + par(affine),

and with running statistics the mean is par(S) and the variance par(S')^2, over the axes that the step does not reduce.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np

from numerics.arrays import Array, unit_roundoff
from numerics.bounds import rounding_bound, sum_growth
from numerics.layers import Moments, Shape, affine_shape, normalize, running_shapes
from numerics.rounding import black_box_bound, probe_rounding
from numerics.terms import evaluate, parameter_shapes
from theory.spec.axes import AxisSet, spell_axes
from theory.spec.layers import Normalization, Statistics
from theory.spec.terms import Term, spell

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Unknown:
    """A function of which nothing is known but its values, the name it was given by, and the unit roundoff that it
    was seen to compute with: where an array is simple, its values do not show it.
    """

    name: str
    function: Callable[[Array], Array]
    unit: float = 0.0


Subject = Normalization | Term | Unknown


@singledispatch
def shapes_of_parameters(subject: object, shape: Sequence[int]) -> tuple[Shape, ...]:
    """The shapes of the parameter arrays for inputs of this shape, in the order of :func:`term_text`."""
    return ()


@shapes_of_parameters.register
def _(subject: Normalization, shape: Sequence[int]) -> tuple[Shape, ...]:
    affine = affine_shape(subject, shape)
    running = running_shapes(subject, shape) if subject.statistics is Statistics.RUNNING else ()
    return tuple(own for own in (*running, affine, affine) if own is not None)


@shapes_of_parameters.register
def _(subject: Term, shape: Sequence[int]) -> tuple[Shape, ...]:
    return parameter_shapes(subject, shape)


@singledispatch
def apply(subject: object, x: Array, parameters: Sequence[Array], eps: Fraction) -> Array:
    """The value at ``x``; NaN where a term is not defined."""
    raise TypeError(f"subject={subject!r}: expected a layer, a term or a target")


def _arguments(layer: Normalization, parameters: Sequence[Array]) -> dict[str, Any]:
    """Parameters in the order of :func:`shapes_of_parameters` as arguments of ``normalize``."""
    left, found = list(parameters), {}
    if layer.statistics is Statistics.RUNNING:
        mean = left.pop(0) if layer.center is not None else None
        found["running"] = Moments(mean, left.pop(0) ** 2 if layer.scale is not None else None)
    if layer.affine is not None:
        found["gain"], found["bias"] = left
    return found


@apply.register
def _(subject: Normalization, x: Array, parameters: Sequence[Array], eps: Fraction) -> Array:
    return normalize(replace(subject, eps=eps), x, **_arguments(subject, parameters))


@apply.register
def _(subject: Term, x: Array, parameters: Sequence[Array], eps: Fraction) -> Array:
    with np.errstate(all="ignore"):
        return evaluate(subject, x, parameters, eps)


@apply.register
def _(subject: Unknown, x: Array, parameters: Sequence[Array], eps: Fraction) -> Array:
    return subject.function(x)


def bound(
    subject: Subject,
    x: Array,
    y: Array,
    expected: Array,
    growth: float,
    parameters: Sequence[Array],
    eps: Fraction,
) -> tuple[Floats, float]:
    """The relative L2 error that rounding may make, one a sample, and the unit roundoff seen inside.

    Of a layer it is bounded beforehand (:mod:`numerics.bounds`), anything else is probed (:mod:`numerics.rounding`).
    """
    if isinstance(subject, Normalization):
        own = replace(subject, eps=eps)
        return rounding_bound(own, x, y, expected, growth, **_arguments(subject, parameters)), unit_roundoff(y)
    known, least = isinstance(subject, Term), subject.unit if isinstance(subject, Unknown) else 0.0
    with np.errstate(all="ignore"):
        rounding = probe_rounding(lambda array: apply(subject, array, parameters, eps), x, y, known, least)
        sums = sum_growth(tuple(x.shape), tuple(range(x.ndim)))
        return black_box_bound(rounding, y, expected, growth, max(sums, 1.0)), rounding.unit


@singledispatch
def term_text(subject: object) -> str | None:
    """The subject in the language of the kernel; ``None`` for a function of which nothing is known."""
    return None


@term_text.register
def _(subject: Term) -> str:
    return spell(subject)


@term_text.register
def _(subject: Normalization) -> str:
    running, everything = subject.statistics is Statistics.RUNNING, frozenset(subject.layout.names)

    def spelled(axes: AxisSet) -> str:
        return spell_axes(axes, subject.layout)

    value = "x"
    if subject.center is not None:
        kept = everything - subject.center
        value = f"(x - par({spelled(kept)}))" if running else f"(x - mean(x, {spelled(subject.center)}))"
    if subject.scale is not None:
        square = (
            f"par({spelled(everything - subject.scale)})" if running else f"mean({value}^2, {spelled(subject.scale)})"
        )
        value += f"*rsqrt({square}{'^2' if running else ''} + eps)"
    if subject.affine is not None:
        value += f"*par({spelled(subject.affine)}) + par({spelled(subject.affine)})"
    return value
