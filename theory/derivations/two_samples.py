"""Two samples: an array centred along the moving axis alone alternates, so its even functions do not move.

Such an array holds the frequency 1 = N/2 only: c[n] = C e^(2 pi i n / N). A displacement multiplies c by the phase
e^(-2 pi i t / N) and c^2, or the product of two such arrays, by its square.
"""

from __future__ import annotations

from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.rule import N, Rule, k, t


def derive() -> Boolean:
    """The square of the phase at k = 1 makes whole turns."""
    turns = k * t / N
    return whole_turns(2 * turns.subs(k, 1))


RULE = Rule("two samples", "centred along a moving axis of two samples: even powers are invariant under shifts", derive)
