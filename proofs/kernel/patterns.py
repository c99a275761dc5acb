"""Patterns: refutations on every grid at once, by one term of the expansion of both sides at x = 0.

Put u x for x. Near u = 0 a term is the sum of its homogeneous parts, and T is linear, so an equivariant term has
equivariant parts. Of one part the certificate names an entry. What differs there is a polynomial in the reciprocals of
the sizes, recomputed here and shown to be 0 at none of them.

    shift   x is made of entries and pairs, T moves by one sample; both sides are compared.
    wave    x has the wave 2 cos(2 pi K (n - t) / N). Both sides are functions of t; T y has no frequency in t beyond
            N/2, so y may have none: the one named, ``harmonic`` times K, is beyond N/2.

Of the two, the wave is the frequency defect of a Taylor term: the frequencies of the input add up to what no
translation of the output has.
"""

from fractions import Fraction
from typing import Any

from proofs.kernel.arrays import Board, Cell, evaluate
from proofs.kernel.counterexamples import check_example, read_sizes
from proofs.kernel.instances import Instance, Profile, read_instance
from proofs.kernel.polynomials import Polynomial, Polynomials, looks_like_zero, never_zero
from proofs.kernel.progressions import Progression, read_progression
from proofs.kernel.reading import integer, take, word
from proofs.kernel.rejection import LARGEST_ORDER, LARGEST_SIZE, require
from proofs.kernel.statements import ONE, Statement


def check_pattern(value: Any, statement: Statement) -> None:
    """Accept a refutation on every grid of the statement, and its example on the smallest. Raises Rejected."""
    _, given, example = take(value, "kind pattern example")
    check_on_every_grid(given, statement)
    smallest = [axis.size.first for axis in statement.axes]
    if example is None:
        require(all(axis.size.step == 0 for axis in statement.axes), "a family needs an example on its smallest grid")
        return
    require(read_sizes(example, statement) == smallest, "the example is not on the smallest grid")
    check_example(example, statement.on(smallest))


def check_on_every_grid(value: Any, statement: Statement) -> None:
    """Recompute the part that a pattern names, and accept if it is 0 on no grid. Raises Rejected."""
    kind, order, given, wave = take(value, "kind order instance wave")
    part = _shift if word(kind, "shift", "wave") == "shift" else _wave
    found = part(read_instance(given, statement), integer(order, 0, LARGEST_ORDER), wave)
    known = never_zero(found, [axis.size for axis in statement.axes])
    require(known, "the coefficient is not known to differ from 0 on every grid")


def _board(instance: Instance, arithmetic: Polynomials, averaged: int | None) -> Board:
    """The cells with their shares: 1/n for an entry, and what remains for the rest."""
    found: list[list[Polynomial | None]] = []
    for place, (axis, count) in enumerate(zip(instance.statement.axes, instance.listed, strict=True)):
        first, step = axis.size
        variable = arithmetic.monomial(0, 0, 0, *(int(place == other) for other in range(place + 1)))
        share = variable if step else arithmetic.number(Fraction(1, first))
        rest = arithmetic.add(arithmetic.number(Fraction(1)), share, -count)
        cells: list[Polynomial | None] = [*[share] * count, *[rest] * (step > 0 or first > count)]
        found.append([None] if place == averaged else cells)
    return Board("".join(axis.name for axis in instance.statement.axes), found, arithmetic)


def _shift(instance: Instance, order: int, wave: Any) -> Polynomial:
    """The part of an order of term(T x) - T term(x) at the entry; T moves by one sample."""
    require(wave is None, "a shift has no wave")
    moving, only, count = instance.moving, instance.only, instance.listed[instance.moving]
    statement = instance.statement
    require(statement.axes[moving].size != Progression(count), "the samples have no cell of the rest")
    arithmetic = Polynomials(order, len(instance.listed), lambda wave: False)
    board = _board(instance, arithmetic, None)

    def profile(axis: int, n: int, profile: Profile) -> Polynomial:
        return arithmetic.number(instance.indicator(axis, n, profile))

    def still(cell: Cell) -> bool:
        return only is not None and cell[only] > 0

    def before(cell: Cell) -> int:
        line = board.line(cell, moving)
        return board.place[cell] if still(cell) else line[cell[moving] - 1 if 0 < cell[moving] < count else count]

    small = arithmetic.monomial(1)
    x = [arithmetic.multiply(value, small) for value in instance.input(board, profile)]
    for cell in board.cells:
        last = board.place[cell] if cell[moving] < count or still(cell) else board.line(cell, moving)[count - 1]
        require(x[last] == x[board.place[cell]], "the shift would split the cell of the rest")
    displaced = [x[before(cell)] for cell in board.cells]
    entry = instance.entry
    require(still(entry) or 0 < entry[moving] < count, "the entry that is compared has no cell before it")
    still_value = evaluate(statement.term, instance.leaves(board, x), board)
    moved_value = still_value if displaced == x else evaluate(statement.term, instance.leaves(board, displaced), board)
    first, second = moved_value[board.place[entry]], still_value[before(entry)]
    return {key: part for key, part in arithmetic.add(first, second, -1).items() if key[0] == order}


def _wave(instance: Instance, order: int, wave: Any) -> Polynomial:
    """The coefficient, at the entry, of what has ``harmonic`` times the wave's frequency in t; n = 0 there."""
    frequency, harmonic = take(wave, "frequency harmonic")
    statement, moving = instance.statement, instance.statement.axes[instance.moving]
    highest, times = read_progression(frequency, 1, LARGEST_SIZE), integer(harmonic, 1, LARGEST_ORDER)
    require(not statement.shifts and instance.only is None, "a wave refutes translations that are common")
    require(moving.limit is not None and moving.limit.plus(ONE).above(highest), "the wave leaves the domain")
    require(Progression(0).plus(highest, 2 * times).above(moving.size), "the harmonic is not beyond N/2")
    waves = all(profiles[instance.moving][0] == "wave" for _, profiles in instance.parts)
    require(waves and instance.entry[instance.moving] == 0, "expected waves, and sample 0 as the entry")
    arithmetic = Polynomials(
        order, len(instance.listed), lambda j: looks_like_zero(Progression(0).plus(highest, j), moving.size)
    )
    board = _board(instance, arithmetic, instance.moving)
    cosine = arithmetic.add(arithmetic.monomial(1, 1, 1), arithmetic.monomial(1, -1, -1))

    def profile(axis: int, n: int, profile: Profile) -> Polynomial:
        return cosine if axis == instance.moving else arithmetic.number(instance.indicator(axis, n, profile))

    x = instance.input(board, profile)
    value = evaluate(statement.term, instance.leaves(board, x), board)[board.place[instance.entry]]
    found: Polynomial = {}
    for (u, phase, _, *sizes), part in value.items():
        if (u, phase) == (order, times):
            found = arithmetic.add(found, {(u, phase, 0, *sizes): part})
    return found
