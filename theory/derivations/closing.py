"""Closing: a trigonometric polynomial of degree L with 2L < N is recovered from its samples.

Let y(T_t x)[n] = P(n - t) with P of degree at most L. Two frequencies of P have the same samples iff their difference
looks like 0. If no two of them do, the samples of P(. - t) are those of T_t applied to the samples of P: equivariance.
"""

from __future__ import annotations

from sympy import Ge, Not
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import first_alias
from theory.derivations.rule import L, Rule


def derive() -> Boolean:
    """No difference of two frequencies in [-L, L] reaches the first alias of 0."""
    widest_difference = L - (-L)
    return Not(Ge(widest_difference, first_alias()))


RULE = Rule("closing", "degree L with 2L < N gives equivariance", derive)
