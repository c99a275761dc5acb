"""Numbers that grow with the size of a family: first + step * m for m = 0, 1, 2, ….

A family of sizes is such a progression (N = 3 + 2m), and so are the degrees on it (K = 1 + m). A statement that holds
for every m is a proof for all sizes at once. ``step`` is 0 for a single size.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from theory.spec.grids import Size


@dataclass(frozen=True)
class Linear:
    """The number first + step * m.

    >>> Linear(1, 1) + 2 * Linear(0, 3)
    Linear(first=1, step=7)
    """

    first: int
    step: int = 0

    def __add__(self, other: Linear) -> Linear:
        return Linear(self.first + other.first, self.step + other.step)

    def __rmul__(self, factor: int) -> Linear:
        return Linear(factor * self.first, factor * self.step)

    def at(self, m: int) -> int:
        """The value for one m."""
        return self.first + self.step * m

    @property
    def zero(self) -> bool:
        """True for the number 0."""
        return self.first == 0 and self.step == 0


NOTHING = Linear(0)


def samples(size: Size) -> Linear:
    """The number of samples of a size, as a progression in m."""
    return Linear(size.least, size.step)


def spell(value: Linear, size: Size, letter: str = "N") -> str:
    """Spell ``value`` in terms of the number of samples ``letter`` of the family ``size``.

    >>> spell(Linear(1, 1), Size(3, 2))
    '(N-1)/2'
    """
    if value.step == 0 or size.step == 0:
        return str(value.first)
    slope = Fraction(value.step, size.step)
    rest = value.first - slope * size.least
    below = slope.denominator * rest.denominator // _gcd(slope.denominator, rest.denominator)
    top, offset = int(slope * below), int(rest * below)
    text = letter if top == 1 else f"{top}{letter}"
    if offset:
        text += f"{'+' if offset > 0 else '-'}{abs(offset)}"
    if below == 1:
        return text
    return f"({text})/{below}" if offset else f"{text}/{below}"


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a
