"""The steps of a derivation as what they say: a term that the rule builds, and claims about it.

Which rule allows which facts is not looked at; that is the kernel's part. The claims of facts about an array a are

    equivariant   a(T x) = T a(x)                degree 0      a(T x) = a(x), constant along the axis
    steady        a(T x) = a(x)                  degree L      band a <= L, of an equivariant array
    alternating   a is (y, -y) along the axis

The degree of an array that is not known to be equivariant has no claim here: it speaks of a function between samples.
"""

from dataclasses import dataclass
from typing import Any

from proofs.kernel.progressions import read_progression
from proofs.kernel.reading import MOST_STEPS, fraction, integer, items, require, take, word
from proofs.kernel.statements import NOTHING, Statement
from proofs.kernel.terms import LARGEST_POWER, Term, read_axes
from proofs.prove.arrays import flat, moved
from proofs.prove.axioms import Formula, band, constant, whole

LARGEST_DEGREE = 10**12


@dataclass(frozen=True)
class Step:
    """A step: its rule, its term as the kernel reads terms, the term written flat, and its claims by name."""

    rule: str
    term: Term
    array: Term
    claims: dict[str, Formula]


def read_steps(value: Any, statement: Statement) -> list[Step]:
    """The steps of one derivation. Raises Rejected."""
    found: list[Step] = []
    for data in items(value, MOST_STEPS):
        rule, of, stated, given = take(data, "rule of facts with")
        operands = [found[integer(place, 0, len(found) - 1)].term for place in items(of, MOST_STEPS)]
        term = _built(word(rule), operands, given, statement)
        array = flat(term, statement)
        found.append(Step(rule, term, array, _claims(stated, array)))
    require(bool(found), "a derivation without steps")
    return found


def equivariant(array: Term) -> Formula:
    """The array of T x is T of the array."""
    return ("=", moved(array), ("T", array))


def _claims(value: Any, array: Term) -> dict[str, Formula]:
    moves_with_x, degree, steady, alternating = take(value, "equivariant degree steady alternating")
    still, found = ("=", moved(array), array), dict[str, Formula]()
    if moves_with_x:
        found["equivariant"] = equivariant(array)
    if steady:
        found["steady"] = still
    if alternating:
        found["alternating"] = ("alternating", array)
    if degree is not None:
        most = read_progression(degree, 0, LARGEST_DEGREE)
        if most == NOTHING:
            found["degree 0"] = ("and", still, constant(array))
        elif moves_with_x:
            found["degree"] = ("<=", band(array), whole(most))
    return found


def _built(rule: str, operands: list[Term], given: Any, statement: Statement) -> Term:
    """The term of a step."""
    leaves = {"input": ("x",), "epsilon": ("eps",)}
    one = {"power", "power of pairs", "pointwise", "mean", "closing"}
    if rule in leaves:
        return leaves[rule]
    if rule == "number":
        return ("number", fraction(take(given, "value")[0]))
    if rule == "parameter":
        return ("par", integer(take(given, "number")[0], 0, len(statement.parameters) - 1))
    sums, products = {"sum", "centered pair", "sum of pairs"}, {"product", "product of pairs"}
    if rule in sums | products:
        require(len(operands) >= 2, f"{rule} of {len(operands)} operands")
        return ("sum" if rule in sums else "product", *operands)
    require(rule in one and len(operands) == 1, f"{rule[:40]!r} of {len(operands)} operands")
    if rule == "pointwise":
        return ("rsqrt", *operands)
    if rule == "mean":
        names = "".join(axis.name for axis in statement.axes)
        return ("mean", *operands, read_axes(word(take(given, "axes")[0]), names))
    if rule == "closing":
        return operands[0]
    return ("power", *operands, integer(take(given, "exponent")[0], 2, LARGEST_POWER))
