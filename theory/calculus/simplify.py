"""Rewriting a term on a given setting without changing its value.

    mean over an axis along which its argument does not vary: dropped (one entry, band 0, or reduced already)
    mean of a mean: one mean over the union
    a factor that does not vary along the reduced axes: out of the mean
    like terms of a sum: added up (so x - mean(x, no axes) becomes 0)

Each occurrence of a parameter is one of its own, so before anything is rewritten the occurrences are numbered.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from theory.calculus.conditions import remembered
from theory.calculus.setting import Setting
from theory.spec.axes import AxisSet
from theory.spec.terms import (
    Constant,
    Input,
    InverseRoot,
    Mean,
    Parameter,
    Power,
    Product,
    Sum,
    Term,
    add,
    multiply,
    number,
    power,
)


@dataclass(frozen=True)
class Occurrence(Parameter):
    """The ``index``-th parameter of a term, from left to right."""

    index: int = 0
    __str__ = Term.__str__
    __hash__ = Term.__hash__


def numbered(term: Term) -> Term:
    """The same term with every parameter turned into an occurrence of its own."""
    count = 0

    def visit(node: Term) -> Term:
        nonlocal count
        if isinstance(node, Parameter):
            count += 1
            return Occurrence(node.axes, count - 1)
        return _rebuilt(node, tuple(visit(child) for child in node.children))

    return visit(term)


def at_one(term: Term, axis: str) -> Term:
    """A numbered term with every parameter that is constant along an axis set to 1."""
    if isinstance(term, Parameter):
        return term if axis in term.axes else number(1)
    return _rebuilt(term, tuple(at_one(child, axis) for child in term.children))


def _rebuilt(node: Term, children: tuple[Term, ...]) -> Term:
    """``node`` with other operands, in the normal shape."""
    if isinstance(node, Sum):
        return add(*children)
    if isinstance(node, Product):
        return multiply(*children)
    if isinstance(node, Power):
        return power(children[0], node.exponent)
    if isinstance(node, Mean):
        return Mean(children[0], node.axes)
    if isinstance(node, InverseRoot):
        return InverseRoot(children[0])
    return node


@remembered
def support(term: Term, setting: Setting) -> AxisSet:
    """The axes along which the value of a term can vary."""
    if isinstance(term, Input):
        return setting.varying
    if isinstance(term, Parameter):
        return term.axes & setting.plural
    axes: AxisSet = frozenset().union(*(support(child, setting) for child in term.children))
    return axes - term.axes if isinstance(term, Mean) else axes


def collected(term: Term) -> Term:
    """A sum with its like terms added up."""
    if not isinstance(term, Sum):
        return term
    coefficients: dict[Term, Fraction] = {}
    for part in term.terms:
        coefficient, body = _split_coefficient(part)
        coefficients[body] = coefficients.get(body, Fraction(0)) + coefficient
    return add(*(multiply(number(value), body) for body, value in coefficients.items()))


def _split_coefficient(term: Term) -> tuple[Fraction, Term]:
    if isinstance(term, Constant):
        return term.value, number(1)
    if isinstance(term, Product) and isinstance(term.factors[0], Constant):
        return term.factors[0].value, multiply(*term.factors[1:])
    return Fraction(1), term


def mean_of(term: Term, axes: AxisSet, setting: Setting) -> Term:
    """The mean of an already rewritten term, rewritten."""
    axes &= support(term, setting)
    if not axes:
        return term
    if isinstance(term, Mean):
        return mean_of(term.term, axes | term.axes, setting)
    if isinstance(term, Product):
        outside = [factor for factor in term.factors if not support(factor, setting) & axes]
        if outside:
            inside = multiply(*(factor for factor in term.factors if support(factor, setting) & axes))
            return multiply(*outside, mean_of(inside, axes, setting))
    return Mean(term, axes)


@remembered
def simplified(term: Term, setting: Setting) -> Term:
    """The term after all rewriting steps, of the same value on every array of the setting."""
    children = tuple(simplified(child, setting) for child in term.children)
    if isinstance(term, Mean):
        return mean_of(children[0], term.axes, setting)
    return collected(_rebuilt(term, children)) if children else term
