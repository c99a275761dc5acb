"""Mean over an index axis: what it mixes must move alike.

Let entries b and b' move by t and s. Their waves of frequency k get the phases e^(-2 pi i k t / N) and
e^(-2 pi i k s / N). The mean of the moved entries is the moved mean for every y of degree L iff the quotient of the
phases is 1 at each frequency up to L. At L = 0 it is; else it must be 1 at k = 1, and then is so at every k, where it
is the k-th power of that.
"""

from __future__ import annotations

from sympy import Eq, Or
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.rule import L, N, Rule, k, s, t


def derive() -> Boolean:
    """The quotient of the two phases makes whole turns at k = 1, or there is no other frequency than 0."""
    turns = k * (s - t) / N
    return Or(Eq(L, 0), whole_turns(turns.subs(k, 1)))


RULE = Rule("mean over an index axis", "of entries that move alike, or are invariant: keeps both facts", derive)
