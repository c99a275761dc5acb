"""Terms written flat: the arrays of a first-order problem, and the same arrays of T x.

    ("x",)  ("T", a)  ("eps",)  ("number", q)  ("par", i)  ("rsqrt", a)  ("mean", a, "HW")
    ("sum", a, …)  ("product", a, …)

Products are flat and their factors in one order, powers are products, a mean of a mean is one mean, and axes of one
entry are left out of means: finite means commute, and so do factors. Nothing else is rewritten.
"""

from fractions import Fraction
from typing import Any

from proofs.kernel.reading import require
from proofs.kernel.statements import ONE, Statement
from proofs.kernel.terms import Term

LONGEST_PRODUCT = 256


def flat(term: Term, statement: Statement) -> Term:
    """A term of the kernel's reader, written flat. Raises Rejected for a product of too many factors."""
    kind = term[0]
    if kind == "sum":
        return ("sum", *(flat(part, statement) for part in term[1:]))
    if kind == "power":
        return product([flat(term[1], statement)] * term[2])
    if kind == "product":
        return product([flat(factor, statement) for factor in term[1:]])
    if kind == "mean":
        plural = "".join(axis.name for axis in statement.axes if axis.name in term[2] and axis.size != ONE)
        return mean(flat(term[1], statement), plural)
    return ("rsqrt", flat(term[1], statement)) if kind == "rsqrt" else term


def product(factors: list[Term]) -> Term:
    """A product of flat terms."""
    found = [part for factor in factors for part in (factor[1:] if factor[0] == "product" else (factor,))]
    require(len(found) <= LONGEST_PRODUCT, f"a product of more than {LONGEST_PRODUCT} factors")
    return ("product", *sorted(found, key=repr))


def mean(term: Term, axes: str) -> Term:
    """The mean of a flat term over some axes."""
    if term[0] == "mean":
        term, axes = term[1], "".join(sorted({*axes, *term[2]}))
    return ("mean", term, "".join(sorted(axes))) if axes else term


def moved(term: Term) -> Term:
    """The same array of T x; what does not depend on x stays as it is."""
    if term == ("x",):
        return ("T", term)
    return tuple(moved(part) if isinstance(part, tuple) else part for part in term)


def is_centered(term: Term, axis: str) -> bool:
    """True for y - mean(y, axis)."""
    return any(second == _minus(mean(first, axis)) for first, second in _pairs(term))


def is_cancelled(term: Term) -> bool:
    """True for y - y."""
    return any(second == _minus(first) for first, second in _pairs(term))


def _minus(term: Term) -> Term:
    return product([("number", Fraction(-1)), term])


def _pairs(term: Term) -> list[tuple[Term, Term]]:
    """The parts of a sum of two, in both orders."""
    return [(term[1], term[2]), (term[2], term[1])] if term[0] == "sum" and len(term) == 3 else []


def subterms(term: Term) -> dict[Any, None]:
    """All arrays that a flat term is made of, operands first, each once."""
    found: dict[Any, None] = {}

    def visit(node: Term) -> None:
        if node not in found:
            for part in node[1:]:
                if isinstance(part, tuple):
                    visit(part)
            found[node] = None

    visit(term)
    return found
