"""Closing: a trigonometric polynomial of degree L with 2L < N is recovered from its samples.

Let y(T_t x)[n] = P(n - t) with P of degree at most L. Two frequencies of P have the same samples iff their difference
looks like 0. If no two of them do, the samples of P(. - t) are those of T_t applied to the samples of P: equivariance.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Ge, Not
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import first_alias
from theory.derivations.exact import real
from theory.derivations.rule import Case, L, Rule
from theory.derivations.samples import sampled, translated


def derive() -> Boolean:
    """No difference of two frequencies in [-L, L] reaches the first alias of 0."""
    widest_difference = L - (-L)
    return Not(Ge(widest_difference, first_alias()))


def exact(size: int) -> Iterator[Case]:
    """The samples of P(. - t) are T_t applied to those of P, for all t and every P of degree L."""
    t = real("t")
    for degree in range(size + 2):
        yield Case({"N": size, "L": degree}, sampled(degree, size, t) == translated(sampled(degree, size), t))


RULE = Rule("closing", "degree L with 2L < N gives equivariance", derive, exact)
