"""Parameters do not move: a parameter has a fact along the moving axis only if every displacement leaves it as it is.

An array of period P along the axis holds the frequencies j N / P. The displacement by one sample, which both actions
contain, multiplies them by e^(-2 pi i j / P); it leaves every such array as it is iff the phase at j = 1 is 1.
"""

from __future__ import annotations

from sympy import S
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.rule import N, P, Rule, j, k, t


def derive() -> Boolean:
    """The turns of the first frequency of an array of period P under the displacement by one sample."""
    turns = k * t / N
    return whole_turns(turns.subs(k, j * N / P).subs({j: S.One, t: S.One}))


RULE = Rule("parameter", "constant along the moving axis: invariant; else no fact", derive)
