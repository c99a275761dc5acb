"""Counterexamples: numbers on one grid, at which the two sides lie in enclosures that do not meet; and their tilings.

Repeating an array along an axis repeats all that is made of it: means, parameters, translations by t samples. So an
example on N samples is one on every multiple of N. Not on a band, which repeating does not keep.
"""

from fractions import Fraction
from typing import Any

from proofs.kernel.arrays import Board, evaluate
from proofs.kernel.enclosures import Enclosure, Enclosures
from proofs.kernel.instances import Profile, read_instance
from proofs.kernel.reading import fraction, integer, items, take
from proofs.kernel.rejection import LARGEST_SIZE, MOST_BITS, require
from proofs.kernel.statements import Statement
from proofs.kernel.translations import row


def read_sizes(example: Any, statement: Statement) -> list[int]:
    """The sizes of the grid of an example. Raises Rejected."""
    sizes = example.get("sizes") if isinstance(example, dict) else None
    return [integer(n, 1, LARGEST_SIZE) for n in items(sizes, 26, len(statement.axes))]


def check_counterexample(value: Any, statement: Statement) -> None:
    """Accept an example on one grid of the statement. Raises Rejected."""
    _, example = take(value, "kind example")
    sizes = read_sizes(example, statement)
    for axis, n in zip(statement.axes, sizes, strict=True):
        first, step = axis.size
        member = n == first or (step > 0 and n > first and (n - first) % step == 0)
        require(member, f"{axis.name}={n} is no size of the family")
    check_example(example, statement.on(sizes))


def check_tiling(value: Any, statement: Statement) -> None:
    """Accept an example on a grid that divides every grid of the statement. Raises Rejected."""
    _, example = take(value, "kind example")
    require(isinstance(statement.domain, str), "a band is not kept by repeating")
    sizes = read_sizes(example, statement)
    for axis, n in zip(statement.axes, sizes, strict=True):
        require(axis.size.first % n == axis.size.step % n == 0, f"{axis.name}={n} does not divide every size")
    check_example(example, statement.on(sizes))


def check_example(value: Any, statement: Statement) -> None:
    """Evaluate both sides on the one grid of ``statement`` and compare them with the enclosures. Raises Rejected."""
    sizes, given, displacement, bits, left, right = take(
        value, "sizes instance displacement bits moved_then_layer layer_then_moved"
    )
    instance = read_instance(given, statement)
    moving, only, size = instance.moving, instance.only, sizes[instance.moving]
    require(instance.listed[moving] == size, "the moving axis has a cell for every sample")
    arithmetic = Enclosures(integer(bits, 8, MOST_BITS))
    shares = [
        [Fraction(1, n)] * k + [Fraction(n - k, n)] * (n > k) for n, k in zip(sizes, instance.listed, strict=True)
    ]
    board = Board("".join(axis.name for axis in statement.axes), shares, arithmetic)
    entries = row(displacement, size, statement.shifts, arithmetic)

    def profile(axis: int, n: int, profile: Profile) -> Enclosure:
        kind, number = profile
        if kind not in ("cosine", "sine"):
            return arithmetic.number(instance.indicator(axis, n, profile))
        require(instance.listed[axis] == sizes[axis], "a wave needs a cell for every sample")
        return arithmetic.cosine(Fraction(number * n, sizes[axis]) - Fraction(int(kind == "sine"), 4))

    def moved(values: list[Enclosure], place: int) -> Enclosure:
        cell = board.cells[place]
        if only is not None and cell[only]:
            return values[place]
        found = (0, 0)
        for m, source in enumerate(board.line(cell, moving)):
            if values[source] != (0, 0):
                found = arithmetic.add(found, arithmetic.multiply(entries[cell[moving] - m], values[source]))
        return found

    x, entry = instance.input(board, profile), board.place[instance.entry]
    displaced = [moved(x, place) for place in range(len(x))]
    still = evaluate(statement.term, instance.leaves(board, x), board)
    first = (still if displaced == x else evaluate(statement.term, instance.leaves(board, displaced), board))[entry]
    second = moved(still, entry)
    (a, b), (c, d) = _stated(left, first, bits), _stated(right, second, bits)
    require(b < c or d < a, "the two enclosures meet")


def _stated(value: Any, found: Enclosure, bits: int) -> tuple[Fraction, Fraction]:
    low, high = map(fraction, items(value, 2, 2))
    inside = low * 2**bits <= found[0] and found[1] <= high * 2**bits
    require(inside, "a value is not known to lie between {} and {}", low, high)
    return low, high
