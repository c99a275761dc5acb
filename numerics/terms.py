"""Terms as array functions: any tree of ``theory.spec.terms``, evaluated on a real array.

Constants, ``eps`` and parameters keep size 1 on the axes they do not vary over; broadcasting does the rest, and a mean
over an axis along which its argument is constant is that argument.

Reference: the grammar and its meaning are those of :mod:`theory.spec.terms`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import array_api_compat

from numerics.arrays import Array, Namespace, namespace_of
from numerics.layers import Shape, varying_shape
from theory.spec.axes import BCHW, Layout
from theory.spec.errors import refuse
from theory.spec.layers import DEFAULT_EPS
from theory.spec.terms import (
    Constant,
    Epsilon,
    Input,
    InverseRoot,
    Mean,
    Parameter,
    Power,
    Product,
    Sum,
    Term,
    parameters,
)


def parameter_shapes(term: Term, shape: Sequence[int], layout: Layout = BCHW) -> tuple[Shape, ...]:
    """The shape of each parameter of ``term``, in order of occurrence, for inputs of this shape."""
    return tuple(varying_shape(parameter.axes, shape, layout) for parameter in parameters(term))


def evaluate(
    term: Term,
    x: Array,
    values: Sequence[Array] = (),
    eps: Fraction | float = DEFAULT_EPS,
    layout: Layout = BCHW,
) -> Array:
    """The value of ``term`` at ``x``, broadcast to the shape of ``x``; NaN where the term is not defined.

    Args:
        term: any term over the axes of ``layout``.
        x: real array with one axis for each axis of ``layout``, float32 or float64.
        values: one array per occurrence of a parameter, from left to right, of shape :func:`parameter_shapes`.
        eps: the value of ``eps``.
        layout: names the axes.

    Raises:
        SpecificationError: an array of another rank or dtype, or parameters of another number or shape.
    """
    xp = namespace_of(x)
    shape = tuple(x.shape)
    if len(shape) != len(layout):
        raise refuse(f"x of shape {shape}", f"one axis for each of {layout.names}")
    expected = parameter_shapes(term, shape, layout)
    given = tuple(tuple(value.shape) for value in values)
    if given != expected:
        raise refuse(f"parameters of shapes {list(given)}", f"shapes {list(expected)}, in order of occurrence")
    value = _Evaluation(xp, x, iter(values), float(eps), layout).value(term)
    return xp.asarray(xp.broadcast_to(value, shape), copy=True)


class _Evaluation:
    """One walk over a term; the children of a node come in the order in which parameters are numbered."""

    def __init__(self, xp: Namespace, x: Array, values: Iterator[Array], eps: float, layout: Layout) -> None:
        self.xp = xp
        self.x = x
        self.values = values
        self.eps = eps
        self.layout = layout

    def constant(self, number: float) -> Array:
        return self.xp.full((1,) * self.x.ndim, number, dtype=self.x.dtype, device=array_api_compat.device(self.x))

    def value(self, term: Term) -> Array:
        match term:
            case Input():
                return self.x
            case Epsilon():
                return self.constant(self.eps)
            case Constant(value=number):
                return self.constant(float(number))
            case Parameter():
                return self.xp.astype(next(self.values), self.x.dtype, copy=False)
            case Mean(term=inner, axes=axes):
                value = self.value(inner)
                places = tuple(place for place, name in enumerate(self.layout.names) if name in axes)
                return self.xp.mean(value, axis=places, keepdims=True) if places else value
            case Sum(terms=terms):
                total = self.value(terms[0])
                for part in terms[1:]:
                    total = total + self.value(part)
                return total
            case Product(factors=factors):
                total = self.value(factors[0])
                for part in factors[1:]:
                    total = total * self.value(part)
                return total
            case Power(term=inner, exponent=exponent):
                return self.value(inner) ** exponent
            case InverseRoot(term=inner):
                value = self.value(inner)
                return 1 / self.xp.sqrt(self.xp.where(value > 0, value, math.nan))
            case _:
                raise refuse(f"term={term}", "a term of theory.spec.terms")
