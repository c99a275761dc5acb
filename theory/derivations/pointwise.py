"""Pointwise functions commute with T_t iff T_t permutes the samples: t must be whole.

T_t is the circulant map with entries d(m) = (1/N) sum_k e^(2 pi i k (m - t) / N), m = n - n'. It commutes with every
function applied to each sample iff d is 1 at one m and 0 at all others. The geometric sum over the N frequencies has
the numerator e^(2 pi i (m - t)) - 1 (up to a phase): if it vanishes, d is 1 at m = t and 0 elsewhere; if not, no entry
of d is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import mul

from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.exact import Displacement
from theory.derivations.rule import Case, Rule, t
from theory.derivations.samples import Array, displacements, meant, times, translated, unknowns


def derive() -> Boolean:
    """The numerator vanishes: m - t makes whole turns, and so does t, since m is whole."""
    return whole_turns(t)


def exact(size: int) -> Iterator[Case]:
    """T_t of the square and the cube of y is that power of T_t y, for every array y."""
    y = unknowns(size)
    for spelled in displacements(size):
        yield Case({"N": size, "t": spelled}, all(_commutes(y, u) for u in meant(spelled, size)))


def _commutes(y: Array, u: Displacement) -> bool:
    after = translated(y, u)
    return all(
        reduce(mul, [value] * power) == moved
        for power in (2, 3)
        for value, moved in zip(after, translated(times(*[y] * power), u), strict=True)
    )


RULE = Rule(
    "pointwise", "of invariant arrays: invariant; of equivariant ones: equivariant under shifts only", derive, exact
)
