"""Mean over an index axis: what it mixes must move alike.

Let entries b and b' move by t and s. Their waves of frequency k get the phases e^(-2 pi i k t / N) and
e^(-2 pi i k s / N). The mean of the moved entries is the moved mean for every y of degree L iff the quotient of the
phases is 1 at each frequency up to L. At L = 0 it is; else it must be 1 at k = 1, and then is so at every k, where it
is the k-th power of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from sympy import Eq, Or, linsolve
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.rule import Case, L, N, Rule, k, s, t
from theory.derivations.samples import Spelled, displacements, meant, sampled


def derive() -> Boolean:
    """The quotient of the two phases makes whole turns at k = 1, or L is the frequency at which it makes none."""
    turns = k * (s - t) / N
    first = turns.subs(k, 1)
    if (turns - k * first).expand() != 0:
        raise ArithmeticError(f"expected the k-th power of the first phase, found {turns} turns")
    ((still,),) = linsolve([turns], k)
    return Or(Eq(L, still), whole_turns(first))


def exact(size: int) -> Iterator[Case]:
    """P moved by t and an entry that is 0 have the mean P/2 moved by t, and by s as well, for every P of degree L."""
    for (first, second), degree in product(_pairs(size), range(3)):
        moves = [(u, v) for u, v in product(meant(first, size), meant(second, size)) if u == v or first != second]
        alike = all(sampled(degree, size, u) == sampled(degree, size, v) for u, v in moves)
        yield Case({"N": size, "L": degree, "t": first, "s": second}, alike)


def _pairs(size: int) -> Iterator[tuple[Spelled, Spelled]]:
    """How two entries may move: as an action says, alike or apart, or by two numbers."""
    for action in ("integer", "real"):
        yield from ((action, action), (action, f"{action} of another entry"))
    yield from product((0, Fraction(1, 3)), displacements(size)[2:])


RULE = Rule("mean over an index axis", "of entries that move alike, or are invariant: keeps both facts", derive, exact)
