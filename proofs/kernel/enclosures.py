"""Rational enclosures: pairs of integers (low, high) that stand for all numbers from low to high times 2^-bits.

Every operation encloses all values that it can have, so an enclosure of the result is proved and not estimated.
"""

from fractions import Fraction
from functools import cache
from math import isqrt

from proofs.kernel.progressions import Progression
from proofs.kernel.reading import require

Enclosure = tuple[int, int]

GUARD = 24
"""Bits beyond those of the result that a cosine is summed with."""


class Enclosures:
    """Arithmetic with so many binary digits behind the point."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def number(self, value: Fraction) -> Enclosure:
        """The enclosure of a rational number."""
        above, below = value.numerator << self.bits, value.denominator
        return above // below, -(-above // below)

    def add(self, left: Enclosure, right: Enclosure) -> Enclosure:
        """The sum."""
        return left[0] + right[0], left[1] + right[1]

    def multiply(self, left: Enclosure, right: Enclosure) -> Enclosure:
        """The product."""
        (a, b), (c, d) = left, right
        corners = (a * c, a * d, b * c, b * d)
        return min(corners) >> self.bits, -(-max(corners) >> self.bits)

    def weights(self, axis: int, size: Progression, count: int) -> tuple[Enclosure, Enclosure]:
        """The shares of one entry of an axis in a mean, and of all but ``count`` of them."""
        return self.number(Fraction(1, size.first)), self.number(Fraction(size.first - count, size.first))

    def inverse_root(self, value: Enclosure) -> Enclosure:
        """One over the square root. Raises Rejected where the value may be 0 or less."""
        require(value[0] > 0, "a root of a number that is not known to be positive")
        cube = 1 << (3 * self.bits)
        return isqrt(cube // value[1]), isqrt(-(-cube // value[0])) + 1

    def wave(self, kind: str, turns: Fraction) -> Enclosure:
        """The cosine, or the sine."""
        return self.cosine(turns - Fraction(1, 4) if kind == "sine" else turns)

    def cosine(self, turns: Fraction) -> Enclosure:
        """cos(2 pi turns), by its series between 0 and a quarter turn."""
        turns = min(turns % 1, -turns % 1)
        if turns > Fraction(1, 4):
            low, high = self.cosine(Fraction(1, 2) - turns)
            return -high, -low
        one = 1 << (self.bits + GUARD)
        angle = 2 * _pi(self.bits + GUARD) * turns.numerator // turns.denominator
        term, found, n = one, one, 0
        while abs(term) > 1:
            n += 2
            term = -term * angle * angle // (one * one * n * (n - 1))
            found += term
        # The angle is off by less than 4 units and so is its cosine; each of the n / 2 terms by less than 4 more, and
        # the terms that are left out, by less than 5 together.
        error = 16 + 4 * n
        unit = 1 << self.bits
        return max((found - error) >> GUARD, -unit), min(-(-(found + error) >> GUARD), unit)


@cache
def _pi(bits: int) -> int:
    """Pi times 2^bits, less than 2 units away from it (Machin 1706: pi = 16 arctan 1/5 - 4 arctan 1/239)."""
    found = 0
    for factor, below in ((16, 5), (-4, 239)):
        power, n = (factor << (bits + 16)) // below, 1
        while abs(power) > 1:
            found += power // n
            power, n = -power // (below * below), n + 2
    return found >> 16
