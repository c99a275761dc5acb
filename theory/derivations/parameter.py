"""Parameters do not move: a parameter has a fact along the moving axis only if every displacement leaves it as it is.

An array of period P along the axis holds the frequencies j N / P. The displacement by one sample, which both actions
contain, multiplies them by e^(-2 pi i j / P); it leaves every such array as it is iff the phase at j = 1 is 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import S
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.rule import Case, N, P, Rule, j, k, t
from theory.derivations.samples import meant, translated, unknowns


def derive() -> Boolean:
    """The turns of the first frequency of an array of period P under the displacement by one sample."""
    turns = k * t / N
    return whole_turns(turns.subs(k, j * N / P).subs({j: S.One, t: S.One}))


def exact(size: int) -> Iterator[Case]:
    """Every array of period P is left as it is by all displacements of either action."""
    for period in (p for p in range(1, size + 1) if size % p == 0):
        array = unknowns(period) * (size // period)
        for action in ("integer", "real"):
            still = all(translated(array, u) == array for u in meant(action, size))
            yield Case({"N": size, "P": period}, still)


RULE = Rule("parameter", "constant along the moving axis: invariant; else no fact", derive, exact)
