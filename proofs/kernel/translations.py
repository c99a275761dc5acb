"""Translations of N samples by their rows.

    T x[n] = sum_m d(n - m) x[m],

    d(m) = (1/N) (1 + 2 sum_{0<k<N/2} cos(2 pi k m / N - k a) + [N even] cos(pi m) cos(N a / 2)),   a = 2 pi t / N,

the last summand being the policy `symmetric`. A displacement is t in samples, or the rational cosine and sine of a
where both are (on 2 and 4 samples, then so are all entries).
"""

from fractions import Fraction
from functools import cache, reduce
from typing import Any

from proofs.kernel.enclosures import Enclosure, Enclosures
from proofs.kernel.reading import fraction, require, take

LARGEST_TURN = 10_000


def row(displacement: Any, size: int, shifts: bool, arithmetic: Enclosures) -> list[Enclosure]:
    """The entries d(0), …, d(N-1) for ``{"samples": t}``, or ``{"cosine": c, "sine": s}`` on 2 or 4 samples."""
    if isinstance(displacement, dict) and "samples" not in displacement:
        c, s = map(fraction, take(displacement, "cosine sine"))
        require(size in (2, 4) and not shifts, "a phase is for translations of 2 or 4 samples")
        require(c**2 + s**2 == 1, "the squares of cosine and sine do not add up to 1")
        turned = (c, s, -c, -s)  # cos(2 pi m / 4 - a)
        four = [(1 + 2 * turned[m] + (-1) ** m * (2 * c * c - 1)) / 4 for m in range(4)]
        return list(map(arithmetic.number, four if size == 4 else [(1 + c) / 2, (1 - c) / 2]))
    t = fraction(*take(displacement, "samples"))
    require(abs(t.numerator) <= LARGEST_TURN and t.denominator <= LARGEST_TURN, "a displacement beyond the limits")
    require(t.denominator == 1 or not shifts, "a shift is by whole samples")
    if t.denominator == 1:
        return [arithmetic.number(Fraction(int((m - t) % size == 0))) for m in range(size)]
    cosine = cache(arithmetic.cosine)
    found = []
    for m in range(size):
        waves = [arithmetic.number(Fraction(1))]
        waves += [cosine(k * (m - t) / size % 1) for k in range(1, (size + 1) // 2)] * 2
        waves += [cosine((t + m) / 2 % 1)] if size % 2 == 0 else []
        found.append(arithmetic.multiply(reduce(arithmetic.add, waves), arithmetic.number(Fraction(1, size))))
    return found
