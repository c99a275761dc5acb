"""Boards: grids on which a term is evaluated without NumPy, long index axes folded into few weighted cells.

Along an index axis the witnesses tell at most two entries from the rest, so an axis of n > 3 entries is three cells of
weights 1, 1 and n - 2. A board keeps, for each set of axes, which cells a mean over them joins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import prod

from theory.calculus.setting import Setting
from theory.spec.axes import AxisSet


@dataclass(frozen=True)
class Board:
    """Axis names, the number of entries of each axis, and the weights of its cells."""

    names: str
    sizes: tuple[int, ...]
    weights: tuple[tuple[int, ...], ...]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The number of cells of each axis."""
        return tuple(map(len, self.weights))

    @cached_property
    def cells(self) -> tuple[tuple[int, ...], ...]:
        """The cells in row-major order, each with its place on every axis."""
        return tuple(product(*(range(length) for length in self.shape)))

    @cached_property
    def folded(self) -> bool:
        """True if some cell stands for several entries."""
        return any(weight > 1 for weights in self.weights for weight in weights)

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """The distance of neighbors along each axis in row-major order."""
        return tuple(prod(self.shape[place + 1 :]) for place in range(len(self.shape)))

    @lru_cache(maxsize=64)  # noqa: B019 - boards are few and live as long as the process
    def joined(self, axes: AxisSet) -> tuple[list[int], list[int], int, int]:
        """For each cell the group that a mean over ``axes`` puts it in, its weight, the groups' number and total."""
        kept = [place for place, name in enumerate(self.names) if name not in axes]
        reduced = [place for place, name in enumerate(self.names) if name in axes]
        numbers: dict[tuple[int, ...], int] = {}
        groups = [numbers.setdefault(tuple(cell[place] for place in kept), len(numbers)) for cell in self.cells]
        weights = [prod(self.weights[place][cell[place]] for place in reduced) for cell in self.cells]
        return groups, weights, len(numbers), prod(self.sizes[place] for place in reduced)


@lru_cache(maxsize=4096)
def board_listing(names: str, sizes: tuple[int, ...], listed: tuple[int, ...]) -> Board:
    """The board with cells of their own for the first ``listed`` entries of each axis, and one for the rest."""
    weights = tuple((1,) * k + ((size - k,) if size > k else ()) for size, k in zip(sizes, listed, strict=True))
    return Board(names, sizes, weights)


@lru_cache(maxsize=512)
def board_of(setting: Setting, sizes: tuple[int, ...], whole: AxisSet) -> Board:
    """The board of a setting at given sizes; the moving axis and the axes ``whole`` are not folded."""
    whole |= {setting.moving.name}
    weights = tuple(
        (1,) * size if dimension.name in whole or size <= 3 else (1, 1, size - 2)
        for dimension, size in zip(setting.dimensions, sizes, strict=True)
    )
    return Board("".join(d.name for d in setting.dimensions), sizes, weights)
