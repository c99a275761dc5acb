"""Sum: translation is linear, so equivariance passes to sums, and the degree is the larger one."""

from __future__ import annotations

from sympy import Eq, Max
from sympy.logic.boolalg import Boolean

from theory.derivations.rule import L1, L2, L, Rule


def derive() -> Boolean:
    """The frequencies of a sum are those of its terms."""
    return Eq(L, Max(L1, L2))


RULE = Rule("sum", "equivariant if all terms are; the degree is the largest", derive)
