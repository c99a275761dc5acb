"""The band of a real array, and of a Nyquist-free one.

A real array holds the frequencies k and -k together. The range |k| <= K reaches all N classes of frequencies as soon
as its 2K + 1 members are N; no two of its members look alike as long as its two ends stay less than N apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import count

from sympy import Eq, ceiling, linsolve
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import first_alias
from theory.derivations.exact import Displacement, number, real
from theory.derivations.rule import Case, K, Rule
from theory.derivations.samples import Array, moved, plus, samples, scaled


def derive_all() -> Boolean:
    """The smallest whole K at which the range of 2K + 1 frequencies has as many members as there are classes."""
    ((bound,),) = linsolve([2 * K + 1 - first_alias()], K)
    return Eq(K, ceiling(bound))


def derive_nyquist_free() -> Boolean:
    """The largest whole K whose two ends K and -K are nearer to each other than the first alias."""
    ((bound,),) = linsolve([K - (-K) - first_alias()], K)
    return Eq(K, ceiling(bound) - 1)


def exact_all(size: int) -> Iterator[Case]:
    """K is the least number such that T_t of each wave on N samples is made of waves up to K moved by t."""
    return _least(size, range(size))


def exact_nyquist_free(size: int) -> Iterator[Case]:
    """The same for the waves on N samples other than (-1)^n, which span the arrays without energy there."""
    nyquist = tuple(number((-1) ** n) for n in range(size))
    return _least(size, [k for k in range(size) if samples(k, size) != nyquist])


def _least(size: int, frequencies: Sequence[int]) -> Iterator[Case]:
    # Distinct waves are orthogonal: one that is not among the waves up to K is not made of them either.
    t = real("t")
    least = next(bound for bound in count() if all(moved(k, size, t) in _held(bound, size, t) for k in frequencies))
    for bound in range(size + 2):
        yield Case({"N": size, "K": bound}, bound == least)


def _held(bound: int, size: int, t: Displacement) -> list[Array]:
    """Waves up to ``bound`` moved by t, and the cosines among their means."""
    pairs = [(samples(k, size, t), samples(-k, size, t)) for k in range(bound + 1)]
    return [array for k, minus in pairs for array in (k, minus, scaled(Fraction(1, 2), plus(k, minus)))]


ALL = Rule("band", "a real array on N samples has band K = ceil((N-1)/2) = floor(N/2)", derive_all, exact_all)
NYQUIST_FREE = Rule(
    "Nyquist-free band",
    "a real array without energy at N/2 has band K = ceil(N/2) - 1",
    derive_nyquist_free,
    exact_nyquist_free,
)
