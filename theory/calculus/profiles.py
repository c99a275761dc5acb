"""Inputs built from few waves: sums of outer products of one-dimensional profiles with rational amplitudes.

    constant        1, 1, 1, …
    entry i         1 at i, else 0; holds every frequency
    pair i          1 at i and i + 1, else 0; on an even axis it has no energy at N/2
    cosine k        cos(2 pi k n / N)
    sine k          sin(2 pi k n / N)

The first three have integer entries on every grid; a cosine has rational ones on 1, 2, 3, 4 and 6 samples only.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

RATIONAL_COSINES = {0: Fraction(1), 1: Fraction(1, 2), 2: Fraction(-1, 2), 3: Fraction(-1)}
"""cos(2 pi i / 6); together with cos(2 pi i / 4) all rational cosines of rational angles (Niven 1956)."""


def rational_cosine(turns: Fraction) -> Fraction | None:
    """cos(2 pi turns) if it is rational, else ``None``."""
    turns %= 1
    turns = min(turns, 1 - turns)
    if turns == Fraction(1, 4):
        return Fraction(0)
    sixths = turns * 6
    return RATIONAL_COSINES[int(sixths)] if sixths.denominator == 1 else None


@dataclass(frozen=True)
class Profile:
    """One of the profiles above along one axis; ``number`` is the entry or the frequency."""

    kind: str
    number: int = 0

    def __str__(self) -> str:
        return self.kind if self.kind == "constant" else f"{self.kind} {self.number}"

    def turns(self, n: int, size: int) -> Fraction | None:
        """The phase of a wave at sample ``n`` as the turns of a cosine; ``None`` for the other profiles."""
        if self.kind == "cosine":
            return Fraction(self.number * n, size)
        if self.kind == "sine":
            return Fraction(self.number * n, size) - Fraction(1, 4)
        return None

    def at(self, n: int, size: int) -> Fraction | None:
        """The value at sample ``n`` of ``size`` if it is rational, else ``None``."""
        turns = self.turns(n, size)
        if turns is not None:
            return rational_cosine(turns)
        if self.kind == "entry":
            return Fraction(int(n == self.number % size))
        if self.kind == "pair":
            return Fraction(int(n in (self.number % size, (self.number + 1) % size)))
        return Fraction(1)


@dataclass(frozen=True)
class Part:
    """An amplitude times the outer product of one profile per axis, in the order of the layout."""

    amplitude: Fraction
    profiles: tuple[Profile, ...]
