"""The defect at the Nyquist bin: how many Nyquist factors a monomial may have.

Under the policy `symmetric` a real translation puts cos(pi t) on the wave N/2 and a phase on all others. Take a
monomial with ``a`` Nyquist waves among its inputs, with an output that is the Nyquist wave (``a0`` = 1) or not
(``a0`` = 0), and with defect D over the other waves. It is tolerated iff, for all t,

    cos(pi t)^a e^(-2 pi i t D / N) = cos(pi t)^a0.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Abs, And, Eq, I, Rational, Symbol, cos, exp, expand_log, log, pi
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.defect import D, monomials, tolerated
from theory.derivations.exact import real
from theory.derivations.rule import Case, N, Rule, t
from theory.derivations.samples import told_apart

A = Symbol("a", integer=True, nonnegative=True)
A0 = Symbol("a0", integer=True, nonnegative=True)


def derive() -> Boolean:
    """Compare the moduli at t = 1/3, where the cosine is neither 0 nor 1, and then the phases at all t."""
    third = cos(pi * Rational(1, 3))
    moduli = expand_log(log(third**A) - log(third**A0), force=True) / log(third)
    phase = exp(-2 * pi * I * t * D / N)
    if Abs(phase) != 1:
        raise ArithmeticError(f"expected a phase, found {phase}")
    return And(Eq(moduli.simplify(), 0), whole_turns(t * D / N))


def exact(size: int) -> Iterator[Case]:
    """Monomials of up to three waves, the Nyquist wave among them, for all t at once."""
    for inputs, output in monomials(told_apart(size), 3):
        others = [k for k in inputs if 2 * k != size]
        into = int(2 * output == size)
        values = {"a": len(inputs) - len(others), "a0": into, "D": sum(others) - (1 - into) * output}
        yield Case({"N": size, **values, "t": "real"}, tolerated(inputs, output, size, real("real")))


RULE = Rule(
    "Nyquist defect",
    "a monomial is tolerated iff a = a0 and t D / N is whole; names the frequencies of a counterexample",
    derive,
    exact,
)
