"""A measured number as the simplest one that fits: 1/100000 rather than 1.0000000003e-05."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

SHORT = 3
"""Digits of a decimal that is simpler than any fraction."""

LARGEST_DENOMINATOR = 100


def simplest(value: float, error: float) -> Fraction:
    """The simplest number within ``error`` of ``value`` > 0.

    Tried in turn: decimals of up to three digits, fractions with a denominator of up to 100, longer decimals.

    >>> simplest(1.00000003e-5, 1e-12), simplest(0.428571428, 1e-8), simplest(0.1234567, 1e-9)
    (Fraction(1, 100000), Fraction(3, 7), Fraction(1234567, 10000000))
    """
    shorter = (decimal(value, digits) for digits in range(1, SHORT + 1))
    longer = (decimal(value, digits) for digits in range(SHORT + 1, 18))
    for tried in (*shorter, Fraction(value).limit_denominator(LARGEST_DENOMINATOR), *longer):
        if tried > 0 and abs(float(tried) - value) <= error:
            return tried
    return Fraction(value)


def decimal(value: float, digits: int) -> Fraction:
    """``value`` rounded to this many significant digits."""
    return Fraction(Decimal(f"{value:.{digits - 1}e}"))
