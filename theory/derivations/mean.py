"""Mean over the moving axis: invariant, as long as no frequency but 0 looks like 0.

Let y(T_t x)[n] = sum_{|k| <= L} P_k e^(2 pi i k (n - t) / N). Its mean over n keeps the frequencies k that look like 0,
each with its phase e^(-2 pi i k t / N); the phase is 1 for every t only at k = 0. Of an equivariant array, T_t y, the
mean is the coefficient of y at k = 0 times the phase there: the case L = 0.
"""

from __future__ import annotations

from sympy import Ge, Not
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import first_alias
from theory.derivations.rule import L, Rule


def derive() -> Boolean:
    """No frequency in [-L, L] but 0 looks like 0: the largest one stays below the first alias."""
    largest_frequency = L
    return Not(Ge(largest_frequency, first_alias()))


RULE = Rule("mean over the moving axis", "of an equivariant array, or of degree L < N: invariant", derive)
