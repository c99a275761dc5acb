"""The band of a real array, and of a Nyquist-free one.

A real array holds the frequencies k and -k together. The range |k| <= K reaches all N classes of frequencies as soon
as its 2K + 1 members are N; no two of its members look alike as long as its two ends stay less than N apart.
"""

from __future__ import annotations

from sympy import Eq, ceiling, linsolve
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import first_alias
from theory.derivations.rule import K, Rule


def derive_all() -> Boolean:
    """The smallest whole K at which the range of 2K + 1 frequencies has as many members as there are classes."""
    ((bound,),) = linsolve([2 * K + 1 - first_alias()], K)
    return Eq(K, ceiling(bound))


def derive_nyquist_free() -> Boolean:
    """The largest whole K whose two ends K and -K are nearer to each other than the first alias."""
    ((bound,),) = linsolve([K - (-K) - first_alias()], K)
    return Eq(K, ceiling(bound) - 1)


ALL = Rule("band", "a real array on N samples has band K = ceil((N-1)/2) = floor(N/2)", derive_all)
NYQUIST_FREE = Rule(
    "Nyquist-free band", "a real array without energy at N/2 has band K = ceil(N/2) - 1", derive_nyquist_free
)
