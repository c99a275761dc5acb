"""Mean over the moving axis: invariant, as long as no frequency but 0 looks like 0.

Let y(T_t x)[n] = sum_{|k| <= L} P_k e^(2 pi i k (n - t) / N). Its mean over n keeps the frequencies k that look like 0,
each with its phase e^(-2 pi i k t / N); the phase is 1 for every t only at k = 0. Of an equivariant array, T_t y, the
mean is the coefficient of y at k = 0 times the phase there: the case L = 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Ge, Not
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import first_alias
from theory.derivations.exact import real
from theory.derivations.rule import Case, L, Rule
from theory.derivations.samples import mean, sampled, translated, unknowns


def derive() -> Boolean:
    """No frequency in [-L, L] but 0 looks like 0: the largest one stays below the first alias."""
    largest_frequency = L
    return Not(Ge(largest_frequency, first_alias()))


def exact(size: int) -> Iterator[Case]:
    """T_t y has the mean of y, for every array y; P(n - t) has that of P(n), for every P of degree L."""
    y, t = unknowns(size), real("t")
    of_equivariant = mean(translated(y, t)) == mean(y)
    for degree in range(size + 2):
        of_degree = mean(sampled(degree, size, t)) == mean(sampled(degree, size))
        yield Case({"N": size, "L": degree}, of_equivariant and of_degree)


RULE = Rule("mean over the moving axis", "of an equivariant array, or of degree L < N: invariant", derive, exact)
