"""From a specification to a term; after this nothing knows that there was a layer.

    c = x - mean(x, center)                       (x, if centring is absent)
    y = c * rsqrt(mean(c^2, scale) + eps)         (c, if scaling is absent)
    y * par(affine) + par(affine)                 (y, if the affine step is absent)

With running statistics the mean is a parameter over the axes that centring does not reduce, and the variance the square
of a parameter over the axes that scaling does not reduce, since it is not negative.
"""

from __future__ import annotations

from functools import singledispatch

from theory.spec.axes import AxisSet
from theory.spec.layers import Normalization, Statistics
from theory.spec.terms import EPS, InverseRoot, Mean, Parameter, Term, X, add, multiply, power, subtract


@singledispatch
def compile_term(specification: object) -> Term:
    """The term of a specification."""
    raise TypeError(f"specification={specification!r}: expected a layer of theory.spec")


@compile_term.register
def _(layer: Normalization) -> Term:
    running = layer.statistics is Statistics.RUNNING
    everything: AxisSet = frozenset(layer.layout.names)
    value: Term = X
    if layer.center is not None:
        value = subtract(X, Parameter(everything - layer.center) if running else Mean(X, layer.center))
    if layer.scale is not None:
        square = power(Parameter(everything - layer.scale), 2) if running else Mean(power(value, 2), layer.scale)
        value = multiply(value, InverseRoot(add(square, EPS)))
    if layer.affine is not None:
        value = add(multiply(value, Parameter(layer.affine)), Parameter(layer.affine))
    return value
