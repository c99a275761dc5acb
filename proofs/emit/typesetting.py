r"""Terms as formulas of LaTeX, which need amssymb.

x, \varepsilon          the input, and the positive number of the scaling
\langle t \rangle_{CHW} the mean of t over the axes C, H and W
t^{-1/2}                rsqrt(t)
\gamma_i                the i-th parameter from the left
"""

from __future__ import annotations

from fractions import Fraction
from functools import singledispatch
from typing import NamedTuple

from theory.calculus.simplify import Occurrence, numbered
from theory.calculus.trials import occurrences
from theory.spec.axes import AxisSet
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
    negate,
    walk,
)

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly a formula holds together."""


class _Formula(NamedTuple):
    """A formula, how tightly it holds together, and how deep its brackets are nested."""

    text: str
    level: int = ATOM
    depth: int = 0


def typeset(term: Term, names: str) -> str:
    r"""A term as a formula over the axes ``names``.

    >>> from theory.spec.syntax import parse
    >>> typeset(parse("x*rsqrt(mean(x^2, HW) + eps)"), "BCHW")
    'x\\,(\\langle x^{2}\\rangle_{\\mathrm{HW}} + \\varepsilon)^{-1/2}'
    """
    return _set(term, names).text


@singledispatch
def _set(term: Term, names: str) -> _Formula:
    raise TypeError(f"term={term!r}: expected a term")


@_set.register
def _(term: Input, names: str) -> _Formula:
    return _Formula("x")


@_set.register
def _(term: Epsilon, names: str) -> _Formula:
    return _Formula(r"\varepsilon")


@_set.register
def _(term: Constant, names: str) -> _Formula:
    return _Formula(number(term.value), ATOM if term.value >= 0 else SUM)


@_set.register
def _(term: Parameter, names: str) -> _Formula:
    return _Formula(rf"\gamma_{{{letters_of(term.axes, names)}}}")


@_set.register
def _(term: Occurrence, names: str) -> _Formula:
    return _Formula(rf"\gamma_{{{term.index + 1}}}")


@_set.register
def _(term: Mean, names: str) -> _Formula:
    inner = _fenced(_set(term.term, names), r"\langle ", r"\rangle")
    return _Formula(rf"{inner.text}_{{{letters_of(term.axes, names)}}}", ATOM, inner.depth)


@_set.register
def _(term: Power, names: str) -> _Formula:
    base = _within(term.term, names, ATOM)
    return _Formula(f"{base.text}^{{{term.exponent}}}", POWER, base.depth)


@_set.register
def _(term: InverseRoot, names: str) -> _Formula:
    base = _within(term.term, names, ATOM)
    return _Formula(f"{base.text}^{{-1/2}}", POWER, base.depth)


@_set.register
def _(term: Sum, names: str) -> _Formula:
    parts = []
    for part in term.terms:
        positive = negate(part) if _negative(part) else part
        parts.append(("-" if _negative(part) else "+", _within(positive, names, PRODUCT)))
    text = "".join(f" {sign} {part.text}" for sign, part in parts)
    return _Formula(text[3:] if text[1] == "+" else "-" + text[3:], SUM, max(part.depth for _, part in parts))


@_set.register
def _(term: Product, names: str) -> _Formula:
    if _negative(term):
        inner = _within(negate(term), names, PRODUCT)
        return _Formula("-" + inner.text, SUM, inner.depth)
    factors = [_within(factor, names, POWER) for factor in term.factors]
    return _Formula(r"\,".join(factor.text for factor in factors), PRODUCT, max(f.depth for f in factors))


def _negative(term: Term) -> bool:
    lead = term.factors[0] if isinstance(term, Product) else term
    return isinstance(lead, Constant) and lead.value < 0


def _within(term: Term, names: str, level: int) -> _Formula:
    found = _set(term, names)
    return found if found.level >= level else _fenced(found)


def _fenced(inner: _Formula, left: str = "(", right: str = ")") -> _Formula:
    # Brackets of a fixed size, unlike \left and \right, let a line end between them.
    size = (None, None, "big", "Big")[min(inner.depth, 3)]
    opening, closing = (rf"\{size}l", rf"\{size}r") if size else ("", "")
    return _Formula(f"{opening}{left}{inner.text}{closing}{right}", ATOM, inner.depth + 1)


def letters_of(axes: AxisSet, names: str) -> str:
    """The letters of some axes, upright; an empty set for none."""
    found = "".join(name for name in names if name in axes)
    return rf"\mathrm{{{found}}}" if found else r"\varnothing"


def number(value: Fraction | str) -> str:
    """A rational number, given as such or as text."""
    value = Fraction(value)
    if value.denominator == 1:
        return str(value)
    return rf"{'-' if value < 0 else ''}\tfrac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def definition(term: Term, names: str) -> str:
    r"""``$f(x) = …$`` for the term as it was given, and what its letters and brackets mean."""
    given = numbered(term)
    found = [rf"${typeset(each, names)}$ over ${letters_of(each.axes, names)}$" for each in occurrences(given)]
    said = f", with parameters {' and '.join(found)}" if found else ""
    if any(isinstance(node, Mean) for node in walk(term)):
        said += r"; $\langle\cdot\rangle$ is the mean over the axes below it"
    return f"$f(x) = {typeset(given, names)}${said}"
