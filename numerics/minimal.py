"""A counterexample made small: few moving samples by simple displacements, few entries, and these whole numbers.

What a predicate says of an array and its displacements is kept true while both are made simpler, greedily and always
in the same order, so that the same example comes out each time. An example is simpler than another if fewer
displacements are not 0, or as many and fewer entries are not 0, or as many and the numbers are shorter, as fractions
of whole numbers.

Entries are removed as by delta debugging: half of those that are left, then a quarter, and so on; so an array of n
entries becomes one of k in about k log n trials where they are independent.

Reference: Zeller and Hildebrandt (2002), Simplifying and isolating failure-inducing input, IEEE Transactions on
Software Engineering 28(2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numerics.arrays import Floats
from numerics.translations import Table

Violates = Callable[[Floats, Table], bool]

FEW_ENTRIES = 12
"""So many entries are made simple one by one; more only all together."""

SIMPLE_DISPLACEMENTS = (1.0, 0.5, 2.0, 0.25, 1.5)
SIMPLE_SHIFTS = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Example:
    """An array (B, ...) and the displacements of its samples, (B, k) or (1, k)."""

    x: Floats
    displacements: Table

    @property
    def complexity(self) -> tuple[int, int, int]:
        """Smaller is simpler: displacements that are not 0, entries that are not 0, digits of all of them."""
        digits = _digits(self.displacements) + _digits(self.x)
        return int(np.count_nonzero(self.displacements)), int(np.count_nonzero(self.x)), digits


def simplify(
    x: Floats,
    displacements: Table,
    violates: Violates,
    whole: bool = False,
    fixed: bool = False,
    evaluations: int = 300,
) -> Example:
    """The simplest example that greedy changes reach from ``x`` and ``displacements``.

    Args:
        x: (B, ...), float64; ``violates(x, displacements)`` holds and is not asked again.
        displacements: (B, k) or (1, k).
        violates: what must stay true; deterministic.
        whole: displacements stay whole numbers.
        fixed: displacements stay as they are.
        evaluations: how often ``violates`` may be called at most.

    >>> found = simplify(np.asarray([[0.3, 2.2, -1.7]]), np.asarray([[4.1]]), lambda x, t: x[0, 1] > 1 and t[0, 0] > 0)
    >>> found.x.tolist(), found.displacements.tolist()
    ([[0.0, 2.0, 0.0]], [[1.0]])
    """
    search = _Search(Example(np.array(x, dtype=np.float64), np.array(displacements, dtype=np.float64)), violates)
    search.left = evaluations
    search.any_of(_canonical(search.best.x, search.best.displacements))
    while True:
        before = search.best
        if not fixed:
            _fewer_moves(search)
            _simpler_moves(search, SIMPLE_SHIFTS if whole else SIMPLE_DISPLACEMENTS)
        _fewer_entries(search)
        _simpler_entries(search)
        if search.best is before or search.left <= 0:
            return search.best


@dataclass
class _Search:
    """The simplest example so far, and how many more may be tried."""

    best: Example
    violates: Violates
    left: int = 0
    tried: set[bytes] = field(default_factory=set)

    def attempt(self, x: Floats | None = None, displacements: Table | None = None) -> bool:
        """Take the example with these parts if it is simpler and still one."""
        found = Example(
            self.best.x if x is None else x, self.best.displacements if displacements is None else displacements
        )
        key = found.x.tobytes() + found.displacements.tobytes()
        if self.left <= 0 or key in self.tried or found.complexity >= self.best.complexity:
            return False
        self.tried.add(key)
        self.left -= 1
        if self.violates(found.x, found.displacements):
            self.best = found
            return True
        return False

    def any_of(self, arrays: Iterator[Floats]) -> bool:
        """Take the first of these arrays that will do."""
        return any(self.attempt(x) for x in arrays)


def _digits(values: Floats) -> int:
    """The bits of all numbers as fractions in lowest terms, one more for a sign."""
    count = 0
    for value in values[values != 0].tolist():
        numerator, denominator = value.as_integer_ratio()
        count += abs(numerator).bit_length() + denominator.bit_length() + (value < 0)
    return count


def _canonical(x: Floats, displacements: Table) -> Iterator[Floats]:
    """The zero array, then 1 in the first entry of a sample, or in the first entries of all samples."""
    yield np.zeros_like(x)
    first: tuple[int, ...] = (0,) * (x.ndim - 1)
    for sample in range(len(x)):
        found = np.zeros_like(x)
        found[(sample, *first)] = 1.0
        yield found
    if len(x) > 1:
        found = np.zeros_like(x)
        found.reshape(len(x), -1)[:, 0] = 1.0
        yield found


def _changed(values: Floats, place: Any, value: Any) -> Floats:
    found = values.copy()
    found[place] = value
    return found


def _fewer_moves(search: _Search) -> None:
    """Let samples rest, then axes, then one displacement after the other."""
    table = search.best.displacements
    lines = [(row, slice(None)) for row in range(len(table))] + [(slice(None), axis) for axis in range(table.shape[1])]
    for place in [*lines, *np.ndindex(*table.shape)]:
        search.attempt(displacements=_changed(search.best.displacements, place, 0.0))


def _simpler_moves(search: _Search, choices: tuple[float, ...]) -> None:
    """Give each moving displacement the first of the simple values that will do."""
    for place in map(tuple, np.argwhere(search.best.displacements).tolist()):
        for value in choices:
            if search.attempt(displacements=_changed(search.best.displacements, place, value)):
                break


def _fewer_entries(search: _Search) -> None:
    """Set ever smaller parts of the entries that are left to 0, and begin anew with halves when few remain."""
    parts = 1
    while search.left > 0:
        places = np.flatnonzero(search.best.x)
        if not len(places):
            return
        parts = min(parts, len(places))
        removed = False
        for part in np.array_split(places, parts):
            flat = search.best.x.ravel().copy()
            flat[part] = 0.0
            removed = search.attempt(flat.reshape(search.best.x.shape)) or removed
        if not removed:
            if parts == len(places):
                return
            parts *= 2


def _simpler_entries(search: _Search) -> None:
    """Round all entries alike, from coarse to fine, then each of a few by itself."""
    x = search.best.x
    size = float(np.max(np.abs(x), initial=0.0))
    if size == 0:
        return
    search.any_of(iter([np.sign(x), (x != 0) * 1.0, *(_rounded(x, steps) for steps in (1, 2, 4, 16))]))
    places = np.argwhere(search.best.x).tolist()
    if len(places) <= FEW_ENTRIES:
        for place in map(tuple, places):
            value = float(search.best.x[place])
            simpler = [1.0, -1.0, 2.0, -2.0, float(np.rint(value)), float(np.rint(2 * value) / 2)]
            search.any_of(_changed(search.best.x, place, number) for number in simpler)


def _rounded(x: Floats, steps: int) -> Floats:
    return np.asarray(np.rint(x * steps) / steps + 0.0)
