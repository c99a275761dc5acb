"""Exact numbers for exact checks: sums of phases, in which a displacement may stay without a value.

A *number* is a finite sum of c e^(2 pi i u) with rational c, where the turns u = q + a t + b s + … are rational but for
the real unknowns t, s, … that they may name. So 1/2 (e^(pi i t) + e^(-pi i t)) is cos(pi t), for all t at once.

Two numbers are *equal* if they are for every value of the unknowns. The phases of different a t + b s + … are linearly
independent functions, so the terms of each must cancel among themselves: sum c_q e^(2 pi i q) = 0, which is so iff the
polynomial sum c_q x^(M q), M a common denominator of the q, is divisible by the cyclotomic polynomial Phi_M.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from math import gcd, lcm

Unknowns = tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True)
class Turns:
    """A rational number plus rational multiples of real unknowns.

    >>> 3 - 2 * real("t")
    Turns(known=Fraction(3, 1), unknown=(('t', Fraction(-2, 1)),))
    """

    known: Fraction
    unknown: Unknowns = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.known, self.unknown))

    def __add__(self, other: Displacement) -> Turns:
        if not isinstance(other, Turns):
            return Turns(self.known + other, self.unknown)
        if not (self.unknown and other.unknown):
            return Turns(self.known + other.known, self.unknown or other.unknown)
        factors = dict(self.unknown)
        for name, factor in other.unknown:
            factors[name] = factors.get(name, Fraction(0)) + factor
        return Turns(self.known + other.known, tuple(sorted((n, a) for n, a in factors.items() if a)))

    def __rmul__(self, factor: int | Fraction) -> Turns:
        return Turns(self.known * factor, tuple((n, a * factor) for n, a in self.unknown) if factor else ())

    def __sub__(self, other: Displacement) -> Turns:
        return self + -1 * other

    def __rsub__(self, other: int | Fraction) -> Turns:
        return -1 * self + other


NONE = Turns(Fraction(0))
Displacement = int | Fraction | Turns
"""By how many samples: a number, or an unknown for all real numbers at once."""


def real(name: str) -> Turns:
    """A real unknown; two of one name are equal, and others are independent."""
    return Turns(Fraction(0), ((name, Fraction(1)),))


@dataclass(frozen=True, eq=False)
class Number:
    """The sum of ``terms[u]`` e^(2 pi i u), divided by ``below``; the known part of each u is at least 0, and below 1.

    >>> 1 + cis(Fraction(1, 3)) + cis(Fraction(2, 3)) == 0
    True
    >>> t = real("t")
    >>> cis(t) * cis(-1 * t) == 1, cis(t) == 1
    (True, False)
    """

    terms: Mapping[Turns, int]
    below: int = 1

    def __add__(self, other: Number | int | Fraction) -> Number:
        return total((self, number(other)))

    def __mul__(self, other: Number | int | Fraction) -> Number:
        other = number(other)
        terms: defaultdict[Turns, int] = defaultdict(int)
        for u, a in self.terms.items():
            for v, b in other.terms.items():
                terms[_together(u, v)] += a * b
        return Number(terms, self.below * other.below)

    def __sub__(self, other: Number | int | Fraction) -> Number:
        return total((self, -number(other)))

    def __neg__(self) -> Number:
        return Number({turns: -count for turns, count in self.terms.items()}, self.below)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Number | int | Fraction):
            return NotImplemented
        return not (self - other).reduced().terms

    __radd__ = __add__
    __rmul__ = __mul__

    def reduced(self) -> Number:
        """The same number without terms that cancel: 0 has none, and a rational number has one."""
        alike: defaultdict[Unknowns, dict[Turns, int]] = defaultdict(dict)
        for turns, count in self.terms.items():
            if count:
                alike[turns.unknown][turns] = count
        terms = {turns: count for unknown, counts in alike.items() for turns, count in _remainder(counts, unknown)}
        common = gcd(self.below, *terms.values())
        return Number({turns: count // common for turns, count in terms.items()}, self.below // common)


def cis(turns: Displacement) -> Number:
    """The phase e^(2 pi i turns)."""
    return Number({_together(NONE, turns): 1})


def number(value: Number | int | Fraction) -> Number:
    """A rational number as a sum of phases."""
    if isinstance(value, Number):
        return value
    return Number({NONE: value.numerator}, value.denominator)


def total(summands: Iterable[Number]) -> Number:
    """The sum."""
    summands = tuple(summands)
    below = lcm(*(summand.below for summand in summands))
    terms: defaultdict[Turns, int] = defaultdict(int)
    for summand in summands:
        for turns, count in summand.terms.items():
            terms[turns] += count * (below // summand.below)
    return Number(terms, below)


@lru_cache(maxsize=50_000)
def _together(first: Turns, second: Displacement) -> Turns:
    """The sum of two turns, without whole ones. Remembered, since few sums occur and they occur often."""
    turns = first + second
    return _one(Turns(turns.known % 1, turns.unknown))


@lru_cache(maxsize=50_000)
def _one(turns: Turns) -> Turns:
    """The first of all equal ones, since a dictionary finds what is identical without comparing it."""
    return turns


def _remainder(counts: Mapping[Turns, int], unknown: Unknowns) -> Iterable[tuple[Turns, int]]:
    """The remainder of sum c_q x^(M q) on division by Phi_M, as multiples of phases again."""
    if len(counts) < 2:
        return counts.items()
    order = lcm(*(turns.known.denominator for turns in counts))
    rest = [0] * order
    for turns, count in counts.items():
        rest[int(turns.known * order)] = count
    divisor = _cyclotomic(order)
    for start in range(order - len(divisor), -1, -1):
        leading = rest[start + len(divisor) - 1]
        if leading:
            for place, coefficient in enumerate(divisor, start):
                rest[place] -= leading * coefficient
    return [(_one(Turns(Fraction(place, order), unknown)), count) for place, count in enumerate(rest) if count]


@cache
def _cyclotomic(order: int) -> tuple[int, ...]:
    """The coefficients of Phi_order, the constant one first; the last one is 1."""
    from sympy import cyclotomic_poly

    return tuple(int(c) for c in reversed(cyclotomic_poly(order, polys=True).all_coeffs()))
