"""Two samples: an array centred along the moving axis alone alternates, so its even functions do not move.

Such an array holds the frequency 1 = N/2 only: c[n] = C e^(2 pi i n / N). A displacement multiplies c by the phase
e^(-2 pi i t / N) and c^2, or the product of two such arrays, by its square.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.rule import Case, N, Rule, k, t
from theory.derivations.samples import Array, displacements, mean, meant, plus, samples, scaled, translated, unknowns


def derive() -> Boolean:
    """The square of the phase at k = 1 makes whole turns."""
    turns = k * t / N
    return whole_turns(2 * turns.subs(k, 1))


def exact(size: int) -> Iterator[Case]:
    """T_t c has the square of c, for every centred array c; at one t, for every c that holds the frequency 1 only."""
    y = unknowns(size)
    centered = plus(y, (mean(y) * -1,) * size)
    alternating = plus(scaled(y[0], samples(1, size)), scaled(y[1], samples(-1, size)))
    for spelled in displacements(size):
        c = centered if isinstance(spelled, str) else alternating
        still = all(_same_square(translated(c, u), c) for u in meant(spelled, size))
        yield Case({"N": size, "t": spelled}, still)


def _same_square(array: Array, other: Array) -> bool:
    return all(a * a == b * b for a, b in zip(array, other, strict=True))


RULE = Rule(
    "two samples",
    "centred along a moving axis of two samples: even powers are invariant under shifts",
    derive,
    exact,
)
