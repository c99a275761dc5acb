"""Product: frequencies add, so degrees add; an invariant factor has degree 0 and changes no frequency."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from sympy import Eq, I, Symbol, exp, pi, powsimp
from sympy.logic.boolalg import Boolean

from theory.derivations.exact import real
from theory.derivations.rule import L1, L2, Case, L, N, Rule, n
from theory.derivations.samples import X, polynomial, reached, scaled, translated, unknown, unknowns


def derive() -> Boolean:
    """Multiply the two highest waves and read the frequency of the wave that results."""
    first, second = Symbol("k_1", integer=True), Symbol("k_2", integer=True)
    wave = powsimp(exp(2 * pi * I * first * n / N) * exp(2 * pi * I * second * n / N))
    if wave.func is not exp:
        raise ArithmeticError(f"expected one wave, found {wave}")
    frequency = (wave.args[0] * N / (2 * pi * I * n)).expand()
    return Eq(L, frequency.subs({first: L1, second: L2}))


def exact(size: int) -> Iterator[Case]:
    """P Q has the degree L, P and Q having L_1 and L_2; and T_t (c y) = c T_t y, for every array y and number c."""
    y, c, t = unknowns(size), unknown("c"), real("t")
    together = translated(scaled(c, y), t) == scaled(c, translated(y, t))
    for first, second in product(range(size // 2 + 2), repeat=2):
        degree = reached(polynomial(first, X, size, "P") * polynomial(second, X, size, "Q"), size)
        for bound in range(first + second + 2):
            yield Case({"N": size, "L": bound, "L_1": first, "L_2": second}, together and bound == degree)


RULE = Rule("product", "the degrees add; equivariant if at most one factor is not invariant", derive, exact)
