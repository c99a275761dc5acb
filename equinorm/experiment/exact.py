"""Sums of floating point numbers and of their squares without any rounding, so that no order or split shows in them.

A finite float64 is m 2^(e - 53) with integers |m| <= 2^53 and -1073 <= e <= 1024. Numbers of one exponent e are summed
as integers: m = h 2^27 + l, and the sums of h, l, h^2, h l, l^2 (the squares once more in two halves) fit into 64 bits
for as many numbers as a table can have. Exponents meet in Python's integers, in units of 2^-1126 (2^-2252 for squares).

Mean and standard error are then rationals; each is rounded once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int64]]

PRECISION = 53
LEAST = -1126
"""The unit of the sums is 2^LEAST: no exponent e - 53 is smaller, the least one being -1073 - 53."""

HALF = 27


@dataclass
class ExactSum:
    """What ``count`` numbers add up to: ``first`` 2^LEAST their sum, ``second`` 2^(2 LEAST) that of their squares.

    ``infinite`` of them were infinite or NaN, and are in neither sum.
    """

    count: int = 0
    infinite: int = 0
    first: int = 0
    second: int = 0

    def merge(self, other: ExactSum) -> None:
        """Take the numbers of ``other`` in as well."""
        self.count += other.count
        self.infinite += other.infinite
        self.first += other.first
        self.second += other.second

    @property
    def mean(self) -> float | None:
        """The mean, rounded once; None where there is no finite one."""
        if self.count == 0 or self.infinite:
            return None
        return float(Fraction(self.first, self.count) * Fraction(2) ** LEAST)

    @property
    def standard_error(self) -> float | None:
        """s/√n with s the sample deviation (n − 1); None where there is no finite one."""
        if self.count < 2 or self.infinite:
            return None
        count = self.count
        scattered = Fraction(count * self.second - self.first**2, count * count * (count - 1))
        return _root(scattered, 2 * LEAST)


def exact_sums(values: np.ndarray[Any, Any], groups: Ints, count: int) -> list[ExactSum]:
    """The sums of ``values`` in each of ``count`` groups; ``groups`` holds the group of each value.

    >>> [found.mean for found in exact_sums(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1]), 2)]
    [2.0, 5.0]
    """
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    found = [ExactSum(int(number)) for number in np.bincount(groups, minlength=count)]
    for group, number in enumerate(np.bincount(groups[~finite], minlength=count)):
        found[group].infinite = int(number)
    fractions, exponents = np.frexp(values[finite])
    whole = np.ldexp(fractions, PRECISION).astype(np.int64)
    keys, places = np.unique(groups[finite] * 4096 + (exponents - PRECISION - LEAST), return_inverse=True)
    high, low = whole >> HALF, whole & ((1 << HALF) - 1)

    def total(part: Ints) -> list[int]:
        """The sums of one part for each key, by halves, since products have up to 54 bits."""
        sums = np.zeros((2, len(keys)), dtype=np.int64)
        np.add.at(sums[0], places, part >> HALF)
        np.add.at(sums[1], places, part & ((1 << HALF) - 1))
        return [(int(upper) << HALF) + int(lower) for upper, lower in sums.T]

    parts = zip(total(whole), total(high * high), total(high * low), total(low * low), strict=True)
    for key, (linear, upper, mixed, lower) in zip(keys.tolist(), parts, strict=True):
        group, shift = divmod(key, 4096)
        found[group].first += linear << shift
        found[group].second += ((upper << 2 * HALF) + (mixed << HALF + 1) + lower) << 2 * shift
    return found


def _root(value: Fraction, exponent: int) -> float:
    """The square root of ``value`` 2^exponent, ``exponent`` even, to 64 bits, then rounded to a float."""
    if value == 0:
        return 0.0
    shift = max(0, 130 - value.numerator.bit_length() + value.denominator.bit_length())
    shift += shift % 2
    root = math.isqrt((value.numerator << shift) // value.denominator)
    return float(root * Fraction(2) ** ((exponent - shift) // 2))
