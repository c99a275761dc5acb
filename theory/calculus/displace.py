"""Displacing an array along the moving axis of a board, with the radius of what rounding adds.

T_t is the circulant map with entries

    d(m) = (1/N) (1 + 2 sum_{0<k<N/2} cos(2 pi k u / N) + [N even] cos(pi m) cos(pi t)),   u = m - t,

the last summand being the `symmetric` policy at k = N/2. The sum is sin(pi u) / (N sin(pi u / N)) for odd N
(Dirichlet's kernel) and sin(pi u) cot(pi u / N) / N for even N. For whole t it is a permutation, and is made as one.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from theory.calculus.boards import Board
from theory.calculus.evaluate import Arithmetic, Ball, Number

QUARTER = Fraction(1, 4)


@lru_cache(maxsize=256)
def kernel(size: int, t: Fraction, arithmetic: Arithmetic) -> tuple[Number, ...]:
    """The entries d(0), …, d(N-1) for a displacement that is not whole."""
    entries = []
    for m in range(size):
        u = m - t
        top = arithmetic.cosine(u / 2 - QUARTER)
        below = size * arithmetic.cosine(u / (2 * size) - QUARTER)
        entries.append(top / below * (arithmetic.cosine(u / (2 * size)) if size % 2 == 0 else 1))
    return tuple(entries)


def displaced(x: Ball, t: Fraction, only: str | None, board: Board, axis: str, arithmetic: Arithmetic) -> Ball:
    """``x`` displaced by ``t`` samples along ``axis``; ``only`` names an axis whose first entry alone moves."""
    place = board.names.index(axis)
    fixed = None if only is None else board.names.index(only)
    size, stride = board.sizes[place], board.strides[place]
    values = list(x.values)
    whole = t.denominator == 1
    row = () if whole else kernel(size, t, arithmetic)
    for start, cell in enumerate(board.cells):
        if cell[place] or (fixed is not None and cell[fixed]):
            continue
        line = slice(start, start + size * stride, stride)
        before = x.values[line]
        if whole:
            values[line] = [before[(n - int(t)) % size] for n in range(size)]
        else:
            filled = [(m, value) for m, value in enumerate(before) if value]
            values[line] = [sum((row[n - m] * value for m, value in filled), 0) for n in range(size)]
    if whole:
        return Ball(values, x.radius)
    norm = sum(map(abs, row))
    # A sine is wrong by up to 12 units, and the one below may be as small as 1/N; then N products are added.
    rounding = (size * (12 * size + 16) + (size + 2) * norm) * arithmetic.unit
    return Ball(values, x.radius * norm + rounding * x.largest)
