"""Instances: what a refutation puts in for x, the parameters and epsilon, cell by cell.

The input is a sum of parts, each an amplitude times one profile for each axis: ``constant``; ``entry i`` (1 there, else
0); ``pair i`` (1 at i and i + 1, so without energy at N/2); ``cosine k``, ``sine k`` of 2 pi k n / N; ``wave``, which
the evidence defines. Each profile must lie in the domain; sums then do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from proofs.kernel.arrays import Board
from proofs.kernel.progressions import Progression
from proofs.kernel.reading import fraction, integer, items, take, word
from proofs.kernel.rejection import LARGEST_SIZE, MOST_CELLS, require
from proofs.kernel.statements import ONE, Axis, Statement
from proofs.kernel.terms import Term

Profile = tuple[str, int]


@dataclass(frozen=True)
class Instance:
    """What is put in, and where both sides are compared.

    ``moving`` and ``only`` are places of axes: the moving one, and the one of which the first entry alone moves;
    ``listed`` says how many entries of each axis have cells of their own.
    """

    statement: Statement
    moving: int
    only: int | None
    listed: list[int]
    parts: list[tuple[Fraction, list[Profile]]]
    parameters: list[list[Fraction]]
    eps: Fraction
    entry: tuple[int, ...]

    def input(self, board: Board, value: Callable[[int, int, Profile], Any]) -> list[Any]:
        """x on a board; ``value(axis, n, profile)`` is what a profile is at cell n of an axis."""
        number, add, multiply = board.arithmetic.number, board.arithmetic.add, board.arithmetic.multiply
        total = [number(Fraction(0))] * len(board.cells)
        for amplitude, profiles in self.parts:
            lines = {
                i: [value(i, n, profile) for n in range(len(board.shares[i]))]
                for i, profile in enumerate(profiles)
                if profile[0] != "constant"
            }
            for place, cell in enumerate(board.cells):
                part = number(amplitude)
                for axis, line in lines.items():
                    part = multiply(part, line[cell[axis]])
                total[place] = add(total[place], part)
        return total

    def leaves(self, board: Board, x: list[Any]) -> dict[Term, list[Any]]:
        """The leaves of the term: x as given, epsilon and the parameters."""
        number = board.arithmetic.number
        found: dict[Term, list[Any]] = {("x",): x, ("eps",): [number(self.eps)] * len(x)}
        for place, (names, given) in enumerate(zip(self.statement.parameters, self.parameters, strict=True)):
            own = [i for i, name in enumerate(board.names) if name in names]
            count = prod(len(board.shares[i]) for i in own)
            require(len(given) in (1, count), "parameter {}: {} values, expected {}", place, len(given), count)
            groups = [tuple(cell[i] for i in own) for cell in board.cells]
            values = map(number, given if len(given) == count else given * count)
            value = dict(zip(dict.fromkeys(groups), values, strict=True))
            found["par", place] = [value[group] for group in groups]
        return found

    def indicator(self, axis: int, n: int, profile: Profile) -> Fraction:
        """The profiles constant, entry and pair at a cell."""
        kind, number = profile
        require(kind in ("constant", "entry", "pair"), "{}: no profile of this evidence", kind)
        inside = n < self.listed[axis] and n in ((number,) if kind == "entry" else (number, number + 1))
        return Fraction(int(kind == "constant" or inside))


def _read_profile(text: str, axis: Axis, listed: int) -> Profile:
    kind, _, digits = text.partition(" ")
    counted = word(kind, "constant", "wave", "entry", "pair", "cosine", "sine") not in ("constant", "wave")
    known = digits.isascii() and digits.isdigit() and len(digits) < 8
    require(known if counted else text == kind, "{}: no profile", text)
    number, limit = int(digits or 0), axis.limit
    require(kind not in ("entry", "pair") or number + (kind == "pair") < listed, "{}: no cell for {}", axis.name, text)
    require(limit is not None or kind not in ("wave", "cosine", "sine"), "{}: a wave along an index axis", axis.name)
    if limit is not None and counted:
        # What an entry holds reaches N/2, what a pair holds does not.
        size = axis.size.plus(ONE, -1) if kind == "pair" else axis.size
        highest = size.half() if kind in ("entry", "pair") else Progression(number)
        require(limit.plus(ONE).above(highest), "{}: {} leaves the domain", axis.name, text)
    return kind, number


def read_instance(value: Any, statement: Statement) -> Instance:
    """An instance from plain data. Raises Rejected."""
    axis, moves, cells, given, parameters, eps, entry = take(value, "axis moves cells input parameters eps entry")
    axes, count = statement.axes, len(statement.axes)
    only = None
    listed = [integer(n, 0, LARGEST_SIZE) for n in items(cells, 26, count)]
    for own, n in zip(axes, listed, strict=True):
        require(own.size.plus(ONE).above(Progression(n)), "{}: more cells than entries", own.name)
    if word(moves, "all", "first sample") == "first sample":
        only = next((place for place, own in enumerate(axes) if own.separate and listed[place]), None)
        require(only is not None, "the samples move alike, or the first has no cell of its own")
    parts = []
    for amplitude, texts in (take(part, "amplitude profiles") for part in items(given, 200)):
        profiles = zip(items(texts, 26, count), axes, listed, strict=True)
        parts.append((fraction(amplitude), [_read_profile(word(text), own, n) for text, own, n in profiles]))
    arrays = items(parameters, 10_000, len(statement.parameters))
    values = [[fraction(each) for each in items(array, MOST_CELLS)] for array in arrays]
    require(fraction(eps) > 0, "epsilon is not positive")
    place = [integer(n, 0, LARGEST_SIZE) for n in items(entry, 26, count)]
    for own, n, here in zip(axes, listed, place, strict=True):
        met = here < n or (here == n and own.size.above(Progression(n)))
        require(met, "{}: {} is no cell of every grid", own.name, here)
    return Instance(statement, statement.axis(axis), only, listed, parts, values, fraction(eps), tuple(place))
