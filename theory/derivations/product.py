"""Product: frequencies add, so degrees add; an invariant factor has degree 0 and changes no frequency."""

from __future__ import annotations

from sympy import Eq, I, Symbol, exp, pi, powsimp
from sympy.logic.boolalg import Boolean

from theory.derivations.rule import L1, L2, L, N, Rule, n


def derive() -> Boolean:
    """Multiply the two highest waves and read the frequency of the wave that results."""
    first, second = Symbol("k_1", integer=True), Symbol("k_2", integer=True)
    wave = powsimp(exp(2 * pi * I * first * n / N) * exp(2 * pi * I * second * n / N))
    if wave.func is not exp:
        raise ArithmeticError(f"expected one wave, found {wave}")
    frequency = (wave.args[0] * N / (2 * pi * I * n)).expand()
    return Eq(L, frequency.subs({first: L1, second: L2}))


RULE = Rule("product", "the degrees add; equivariant if at most one factor is not invariant", derive)
