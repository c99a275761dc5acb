"""Aliasing: which frequencies look alike on N samples. The sum that every other derivation starts from.

On one axis x[n] = sum_k X_k e^(2 pi i k n / N). The geometric sum

    sum_{n=0}^{N-1} e^(2 pi i k n / N) = N if e^(2 pi i k / N) = 1, else 0

says both which frequencies have a non-zero mean and, applied to a difference k - k', which two have the same samples.
"""

from __future__ import annotations

from functools import cache

from sympy import Eq, FiniteSet, I, ImageSet, Interval, Or, Piecewise, Symbol, exp, frac, pi, solveset, summation
from sympy.core.expr import Expr
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from theory.derivations.rule import N, j, k, n

u = Symbol("u", real=True)


def character_sum() -> Piecewise:
    """The sum over all samples of e^(2 pi i k n / N), as SymPy evaluates it."""
    total = summation(exp(2 * pi * I * k * n / N), (n, 0, N - 1))
    if not isinstance(total, Piecewise) or total.args[-1].expr != 0:
        raise ArithmeticError(f"the geometric sum did not evaluate to a case distinction: {total}")
    return total


@cache
def vanishing_exception() -> Relational:
    """The condition on k under which the sum is not zero."""
    condition: Relational = character_sum().args[0].cond
    return condition


@cache
def aliases_of_zero() -> Expr:
    """The frequencies that look like 0, as an expression in an integer j: solving the condition gives j N."""
    # Over the complex numbers: restricted to the integers, solveset loses all solutions but 0.
    solutions = solveset(vanishing_exception(), k)
    if not isinstance(solutions, ImageSet):
        raise ArithmeticError(f"expected an arithmetic progression, found {solutions}")
    return solutions.lamda(j)


def first_alias() -> Expr:
    """The smallest positive frequency that looks like 0."""
    progression = aliases_of_zero()
    if (progression.subs(j, 1) - progression.subs(j, 0)).is_positive is not True:
        raise ArithmeticError(f"expected an increasing progression, found {progression}")
    return progression.subs(j, 1)


@cache
def _zeros_of_a_turn() -> tuple[Expr, ...]:
    """The u in [0, 1) with e^(2 pi i u) = 1. The function has period 1, so they stand for all."""
    zeros = solveset(exp(2 * pi * I * u) - 1, u, Interval.Ropen(0, 1))
    if not isinstance(zeros, FiniteSet) or exp(2 * pi * I * (u + 1)).expand() != exp(2 * pi * I * u):
        raise ArithmeticError(f"expected finitely many zeros of a function of period 1, found {zeros}")
    return tuple(zeros)


def whole_turns(turns: Expr) -> Boolean:
    """The condition that a phase of so many turns is 1: e^(2 pi i turns) = 1."""
    return Or(*(Eq(frac(turns), zero) for zero in _zeros_of_a_turn()))
