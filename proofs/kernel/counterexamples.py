"""Counterexamples: numbers on one grid, at which the two sides lie in enclosures that do not meet; and their tilings.

Repeating an array along an axis repeats all that is made of it: means, parameters, translations by t samples. So an
example on N samples is one on every multiple of N. Not on a band, which repeating does not keep.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from proofs.kernel.arrays import Board
from proofs.kernel.enclosures import Enclosure, Enclosures
from proofs.kernel.instances import read_instance
from proofs.kernel.progressions import Progression
from proofs.kernel.reading import MOST_BITS, fraction, integer, integers, items, require, take
from proofs.kernel.statements import Statement
from proofs.kernel.translations import row


def check_counterexample(value: Any, statement: Statement) -> None:
    """Accept an example on one grid of the statement. Raises Rejected."""
    _, example = take(value, "kind example")
    check_example(example, statement, Progression.holds, "no size of the family")


def check_tiling(value: Any, statement: Statement) -> None:
    """Accept an example on a grid that divides every grid of the statement. Raises Rejected."""
    _, example = take(value, "kind example")
    require(isinstance(statement.domain, str), "a band is not kept by repeating")
    check_example(example, statement, lambda size, n: size.first % n == size.step % n == 0, "no divisor of every size")


def check_example(value: Any, statement: Statement, allowed: Callable[[Progression, int], bool], wrong: str) -> None:
    """Evaluate both sides on one grid of allowed sizes, and compare them with the enclosures. Raises Rejected."""
    keys = "sizes instance displacement bits moved_then_layer layer_then_moved"
    grid, given, displacement, bits, left, right = take(value, keys)
    sizes = integers(grid, len(statement.axes), 1)
    for axis, n in zip(statement.axes, sizes, strict=True):
        require(allowed(axis.size, n), f"{axis.name}={n} is {wrong}")
    instance = read_instance(given, statement.on(sizes), "cosine", "sine")
    size = sizes[instance.moving]
    require(instance.listed[instance.moving] == size, "the moving axis has a cell for every sample")
    arithmetic = Enclosures(integer(bits, 8, MOST_BITS))
    entries = row(displacement, size, statement.shifts, arithmetic)
    board = Board(instance, arithmetic)
    x = board.input(arithmetic.number(Fraction(1)))
    first, second = board.sides(x, lambda n: [(m, entries[n - m]) for m in range(size)])
    (a, b), (c, d) = _stated(left, first, bits), _stated(right, second, bits)
    require(b < c or d < a, "the two enclosures meet")


def _stated(value: Any, found: Enclosure, bits: int) -> tuple[Fraction, Fraction]:
    low, high = map(fraction, items(value, 2, 2))
    inside = low * 2**bits <= found[0] and found[1] <= high * 2**bits
    require(inside, "a value is not known to lie between {} and {}", low, high)
    return low, high
