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

from typing import Any

from proofs.kernel.arrays import Board
from proofs.kernel.counterexamples import check_example
from proofs.kernel.instances import Instance, read_instance
from proofs.kernel.polynomials import Polynomial, Polynomials, never_zero
from proofs.kernel.progressions import Progression, read_progression
from proofs.kernel.reading import LARGEST_ORDER, LARGEST_SIZE, integer, require, take, word
from proofs.kernel.statements import NOTHING, ONE, Statement


def check_pattern(value: Any, statement: Statement) -> None:
    """Accept a refutation on every grid of the statement, and its example on the smallest. Raises Rejected."""
    _, given, example = take(value, "kind pattern example")
    check_on_every_grid(given, statement)
    if example is not None or any(axis.size.step for axis in statement.axes):
        check_example(example, statement, lambda size, n: n == size.first, "not the smallest size")


def check_on_every_grid(value: Any, statement: Statement) -> None:
    """Recompute the part that a pattern names, and accept if it is 0 on no grid. Raises Rejected."""
    kind, number, given, wave = take(value, "kind order instance wave")
    order = integer(number, 0, LARGEST_ORDER)
    if word(kind, "shift", "wave") == "shift":
        require(wave is None, "a shift has no wave")
        found, harmonic = _shift(read_instance(given, statement), order), 0
    else:
        frequency, times = take(wave, "frequency harmonic")
        highest, harmonic = read_progression(frequency, 1, LARGEST_SIZE), integer(times, 1, LARGEST_ORDER)
        found = _wave(read_instance(given, statement, "wave"), order, highest, harmonic)
    part: Polynomial = {}
    for (u, phase, _, *sizes), coefficient in found.items():
        if (u, phase) == (order, harmonic):
            part[tuple(sizes)] = part.get(tuple(sizes), 0) + coefficient
    known = never_zero(part, [axis.size for axis in statement.axes])
    require(known, "the coefficient is not known to differ from 0 on every grid")


def _shift(instance: Instance, order: int) -> Polynomial:
    """term(T x) - T term(x) at the entry, up to an order; T moves by one sample."""
    moving, only, entry = instance.moving, instance.only, instance.entry
    count, size = instance.listed[moving], instance.statement.axes[moving].size
    require(size != (count, 0), "the samples have no cell of the rest")
    own = [profiles[moving] for _, profiles in instance.parts]
    inside = all(kind == "constant" or place + (kind == "pair") < count - 1 for kind, place in own)
    require(inside, "the shift would split the cell of the rest")
    still = only is not None and entry[only] > 0
    require(still or 0 < entry[moving] < count, "the entry that is compared has no cell before it")
    arithmetic = Polynomials(order, len(entry), NOTHING, size)
    board, one = Board(instance, arithmetic), arithmetic.monomial()
    # What stands before sample 0, and before all but the first of the rest, is of the rest.
    x = board.input(arithmetic.monomial(1))
    first, second = board.sides(x, lambda n: [(n - 1 if 0 < n < count else count, one)])
    return arithmetic.add(first, second, -1)


def _wave(instance: Instance, order: int, highest: Progression, times: int) -> Polynomial:
    """The term at the entry, where n = 0, up to an order; the wave has the frequency ``highest``."""
    statement, moving = instance.statement, instance.moving
    limit, size = statement.axes[moving].limit, statement.axes[moving].size
    require(not statement.shifts and instance.only is None, "a wave refutes translations that are common")
    require(limit is not None and limit.plus(ONE).above(highest), "the wave leaves the domain")
    require(NOTHING.plus(highest, 2 * times).above(size), "the harmonic is not beyond N/2")
    kinds = [[kind for kind, _ in profiles] for _, profiles in instance.parts]
    own = all((kind == "wave") == (i == moving) for each in kinds for i, kind in enumerate(each))
    require(own and instance.listed[moving] == 0, "expected waves along the moving axis, which has no cells")
    arithmetic = Polynomials(order, len(instance.entry), highest, size)
    board = Board(instance, arithmetic, averaged=moving)
    found: Polynomial = board.value(board.input(arithmetic.monomial(1)))[board.place[instance.entry]]
    return found
