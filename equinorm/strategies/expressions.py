"""Strategies for terms that are no normalization at all.

Terms are built by the constructors of :mod:`theory.spec.terms`, so they are in the normal shape in which reading back
what was printed gives the same term. Notation: the *depth* of a leaf is 0, of another node one more than its deepest
child's; the *degree* is that of the polynomial in the entries of x (parameters and epsilon count as constants).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import strategies as st

from equinorm.strategies.spaces import axis_sets
from theory.spec.axes import BCHW, Layout
from theory.spec.terms import (
    EPS,
    Input,
    InverseRoot,
    Mean,
    Parameter,
    Power,
    Product,
    Term,
    X,
    add,
    multiply,
    number,
    power,
    subtract,
)

NUMBERS = (Fraction(2), Fraction(-1), Fraction(1, 2), Fraction(1), Fraction(-3, 2))
HIGHEST_POWER = 3
MODEST_DEGREE = 12
"""The bound on the degree when the caller gives none: powers of powers would soon leave what float64 can hold."""


def depth(term: Term) -> int:
    """The number of nodes above the deepest leaf.

    >>> from theory.spec.syntax import parse
    >>> depth(parse("mean(x^2, C) + 1"))
    3
    """
    return 1 + max(depth(child) for child in term.children) if term.children else 0


def degree(term: Term) -> int | None:
    """The degree of a polynomial in the entries of x; ``None`` where a root is taken of something that varies with x.

    >>> from theory.spec.syntax import parse
    >>> degree(parse("x * mean(par(C)*x^2, CHW) + 1")), degree(parse("x * rsqrt(x^2 + eps)"))
    (3, None)
    """
    if isinstance(term, Input):
        return 1
    below = [degree(child) for child in term.children]
    known = [value for value in below if value is not None]
    if len(known) < len(below) or (isinstance(term, InverseRoot) and known != [0]):
        return None
    if isinstance(term, Product):
        return sum(known)
    return max(known, default=0) * (term.exponent if isinstance(term, Power) else 1)


@dataclass(frozen=True)
class _Budget:
    """What a node may still use: levels below it, and the degree in x (roots not counted)."""

    layout: Layout
    levels: int
    degree: int
    roots: bool

    def below(self, levels: int, degree: int) -> _Budget:
        return replace(self, levels=self.levels - levels, degree=degree)


def terms(
    layout: Layout = BCHW,
    depth: int = 4,
    polynomial: bool = False,
    degree: int | None = None,
) -> st.SearchStrategy[Term]:
    """Terms over ``layout`` of at most this ``depth``; ``polynomial`` leaves out ``rsqrt``.

    With ``degree`` given the term is polynomial and its degree is at most that; otherwise no polynomial in it has a
    degree above ``MODEST_DEGREE``. The argument of ``rsqrt`` is positive
    for every x (epsilon, or a square or a mean of squares plus epsilon or 1), so the term is defined everywhere. The
    simplest term is ``x``.
    """
    most = MODEST_DEGREE if degree is None else degree
    return _nodes(_Budget(layout, depth, most, roots=not polynomial and degree is None))


# The three strategies below draw their parts from one another as strategies, not as plain function calls, because only
# then Hypothesis can shrink a term to one of its own subterms. In each the simplest alternative stands first, and what
# depends on the budget last, so that a choice keeps its meaning when others are shrunk away.


@st.composite
def _nodes(draw: st.DrawFn, budget: _Budget) -> Term:
    same = budget.below(1, budget.degree)
    kinds = ["leaf"]
    if budget.levels > 0:
        kinds += ["mean", "product", "sum"] + ["power"] * (budget.degree > 1) + ["rsqrt"] * budget.roots
        kinds += ["difference"] * (budget.levels > 1)
    kind = draw(st.sampled_from(kinds))
    if kind == "leaf":
        return draw(_leaves(budget))
    if kind == "mean":
        return Mean(draw(_nodes(same)), draw(axis_sets(budget.layout)))
    if kind == "rsqrt":
        return InverseRoot(draw(_positive(same)))
    if kind == "power":
        exponent = draw(st.integers(2, min(HIGHEST_POWER, budget.degree)))
        return power(draw(_nodes(budget.below(1, budget.degree // exponent))), exponent)
    if kind == "product":
        # The even split is the simplest: a factor that may have no degree at all cannot shrink to x.
        share = draw(st.sampled_from(sorted(range(budget.degree + 1), key=lambda d: abs(2 * d - budget.degree))))
        factors = (draw(_nodes(budget.below(1, part))) for part in (share, budget.degree - share))
        return multiply(*factors)
    if kind == "sum":
        return add(draw(_nodes(same)), draw(_nodes(same)))
    # The factor -1 of what is subtracted takes a level of its own.
    return subtract(draw(_nodes(same)), draw(_nodes(budget.below(2, budget.degree))))


@st.composite
def _leaves(draw: st.DrawFn, budget: _Budget) -> Term:
    # Most leaves are x where the degree allows it, or many terms would not depend on x at all.
    kind = draw(st.sampled_from(["x"] * 5 * (budget.degree > 0) + ["number", "parameter", "eps"]))
    if kind == "x":
        return X
    if kind == "parameter":
        return Parameter(draw(axis_sets(budget.layout)))
    return EPS if kind == "eps" else number(draw(st.sampled_from(NUMBERS)))


@st.composite
def _positive(draw: st.DrawFn, budget: _Budget) -> Term:
    """Terms that are positive for every x: a square takes one level, the sum another, a mean one more."""
    shapes = ["eps"] + ["square"] * 3 * (budget.levels > 1) + ["mean"] * 3 * (budget.levels > 2)
    shape = draw(st.sampled_from(shapes))
    if shape == "eps":
        return EPS
    if shape == "square":
        square = power(draw(_nodes(budget.below(2, budget.degree // 2))), 2)
    else:
        square = Mean(power(draw(_nodes(budget.below(3, budget.degree // 2))), 2), draw(axis_sets(budget.layout)))
    return add(square, draw(st.sampled_from([EPS, number(1)])))
