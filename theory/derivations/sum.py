"""Sum: translation is linear, so equivariance passes to sums, and the degree is the larger one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from sympy import Eq, Interval, Union
from sympy.logic.boolalg import Boolean

from theory.derivations.exact import real
from theory.derivations.rule import L1, L2, Case, L, Rule
from theory.derivations.samples import X, plus, polynomial, reached, translated, unknowns


def derive() -> Boolean:
    """The frequencies of a sum are those of its terms; its degree is the largest of them."""
    frequencies = Union(Interval(-L1, L1), Interval(-L2, L2))
    return Eq(L, frequencies.sup)


def exact(size: int) -> Iterator[Case]:
    """P + Q has the degree L, P and Q having L_1 and L_2; and T_t (y + z) = T_t y + T_t z, for all arrays y and z."""
    y, z, t = unknowns(size), unknowns(size, "z"), real("t")
    together = translated(plus(y, z), t) == plus(translated(y, t), translated(z, t))
    for first, second in product(range(size // 2 + 2), repeat=2):
        degree = reached(polynomial(first, X, size, "P") + polynomial(second, X, size, "Q"), size)
        for bound in range(first + second + 2):
            yield Case({"N": size, "L": bound, "L_1": first, "L_2": second}, together and bound == degree)


RULE = Rule("sum", "equivariant if all terms are; the degree is the largest", derive, exact)
