"""The frequency defect: which monomials an action tolerates. This is the necessary half of the calculus.

A homogeneous term that sends waves k_1, ..., k_p to the wave k_0 is equivariant iff the phase that the displacement
puts on its inputs equals the phase it puts on its output: e^(-2 pi i t (k_1 + ... + k_p) / N) = e^(-2 pi i t k_0 / N).
With D = k_1 + ... + k_p - k_0, the quotient of the phases is e^(-2 pi i t D / N).
"""

from __future__ import annotations

from sympy import Symbol
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.rule import N, Rule, t

D = Symbol("D", integer=True)


def derive() -> Boolean:
    """The quotient of the two phases makes whole turns for the displacement t."""
    return whole_turns(t * D / N)


RULE = Rule(
    "defect",
    "a monomial of defect D is tolerated iff t D / N is whole; names the frequencies of a counterexample",
    derive,
)
