"""Displacing an array along the moving axis of a board, with the radius of what rounding adds.

T_t is the circulant map with entries

    d(m) = (1/N) (1 + 2 sum_{0<k<N/2} cos(2 pi k u / N) + [N even] cos(pi m) cos(pi t)),   u = m - t,

the last summand being the `symmetric` policy at k = N/2. The sum is sin(pi u) / (N sin(pi u / N)) for odd N
(Dirichlet's kernel) and sin(pi u) cot(pi u / N) / N for even N. For whole t it is a permutation, and is made as one.

A displacement may also be named by its phase, the rational cosine and sine of a = 2 pi t / N, where that makes all
entries rational: on 2 samples (1 + cos(pi m) cos a) / 2, on 4 samples (1 + 2 cos(pi m / 2 - a) + cos(pi m) cos 2a) / 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from theory.calculus.boards import Board
from theory.calculus.evaluate import Arithmetic, Ball, Number

QUARTER = Fraction(1, 4)


@dataclass(frozen=True)
class Phase:
    """A displacement t by the cosine and the sine of 2 pi t / N, which lie on the unit circle.

    Raises:
        ArithmeticError: they do not.
    """

    cosine: Fraction
    sine: Fraction

    def __post_init__(self) -> None:
        if self.cosine**2 + self.sine**2 != 1:
            raise ArithmeticError(f"cosine={self.cosine}, sine={self.sine} do not lie on the unit circle")

    def entries(self, size: int) -> tuple[Fraction, ...]:
        """The entries d(0), …, d(N-1) on 2 or 4 samples. Raises ArithmeticError for another number of samples."""
        c, s = self.cosine, self.sine
        if size == 2:
            return ((1 + c) / 2, (1 - c) / 2)
        if size == 4:
            return tuple(
                (1 + 2 * wave + sign * (2 * c * c - 1)) / 4
                for wave, sign in zip((c, s, -c, -s), (1, -1, 1, -1), strict=True)
            )
        raise ArithmeticError(f"a phase on {size} samples has irrational entries")


Displacement = Fraction | Phase


def whole(t: Displacement) -> bool:
    """True for a displacement by whole samples."""
    return isinstance(t, Fraction) and t.denominator == 1


@lru_cache(maxsize=256)
def kernel(size: int, t: Displacement, arithmetic: Arithmetic) -> tuple[Number, ...]:
    """The entries d(0), …, d(N-1) for a displacement that is not whole."""
    if isinstance(t, Phase):
        return tuple(map(arithmetic.number, t.entries(size)))
    entries = []
    for m in range(size):
        u = m - t
        top = arithmetic.cosine(u / 2 - QUARTER)
        below = size * arithmetic.cosine(u / (2 * size) - QUARTER)
        entries.append(top / below * (arithmetic.cosine(u / (2 * size)) if size % 2 == 0 else 1))
    return tuple(entries)


def displaced(x: Ball, t: Displacement, only: str | None, board: Board, axis: str, arithmetic: Arithmetic) -> Ball:
    """``x`` displaced by ``t`` samples along ``axis``; ``only`` names an axis whose first entry alone moves."""
    place = board.names.index(axis)
    fixed = None if only is None else board.names.index(only)
    size, stride = board.sizes[place], board.strides[place]
    values = list(x.values)
    steps = int(t) if isinstance(t, Fraction) and t.denominator == 1 else None
    row = () if steps is not None else kernel(size, t, arithmetic)
    for start, cell in enumerate(board.cells):
        if cell[place] or (fixed is not None and cell[fixed]):
            continue
        line = slice(start, start + size * stride, stride)
        before = x.values[line]
        if steps is not None:
            values[line] = [before[(n - steps) % size] for n in range(size)]
        else:
            filled = [(m, value) for m, value in enumerate(before) if value]
            values[line] = [sum((row[n - m] * value for m, value in filled), 0) for n in range(size)]
    if steps is not None:
        return Ball(values, x.radius)
    norm = sum(map(abs, row))
    # A sine is wrong by up to 12 units, and the one below may be as small as 1/N; then N products are added.
    rounding = (size * (12 * size + 16) + (size + 2) * norm) * arithmetic.unit
    return Ball(values, x.radius * norm + rounding * x.largest)
