"""Instances: what a refutation puts in for x, the parameters and epsilon, cell by cell.

The input is a sum of parts, each an amplitude times one profile for each axis: ``constant``; ``entry i`` (1 there, else
0); ``pair i`` (1 at i and i + 1, so without energy at N/2); ``cosine k``, ``sine k`` of 2 pi k n / N; ``wave``, which
the evidence defines. Each profile must lie in the domain; sums then do.
"""

import re
from fractions import Fraction
from typing import Any, NamedTuple

from proofs.kernel.progressions import Progression
from proofs.kernel.reading import MOST_CELLS, fraction, integers, items, require, take, word
from proofs.kernel.statements import ONE, Axis, Statement

Profile = tuple[str, int]


class Instance(NamedTuple):
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


def _read_profile(value: Any, axis: Axis, listed: int, waves: tuple[str, ...]) -> Profile:
    kind, _, digits = word(value).partition(" ")
    counted = word(kind, "constant", "entry", "pair", *waves) not in ("constant", "wave")
    require(bool(re.fullmatch(r"\d{1,7}", digits, re.ASCII)) if counted else value == kind, "{}: no profile", value)
    number, limit, size = int(digits or 0), axis.limit, axis.size
    require(kind not in ("entry", "pair") or number + (kind == "pair") < listed, "{}: no cell for {}", axis.name, value)
    require(limit is not None or kind not in waves, "{}: a wave along an index axis", axis.name)
    require(kind not in ("cosine", "sine") or size == (listed, 0), "{}: a wave needs all cells", axis.name)
    # What an entry holds reaches N/2, what a pair holds does not.
    highest = {"entry": size.half(), "pair": size.plus(ONE, -1).half()}.get(kind, Progression(number))
    require(limit is None or limit.plus(ONE).above(highest), "{}: {} leaves the domain", axis.name, value)
    return kind, number


def read_instance(value: Any, statement: Statement, *waves: str) -> Instance:
    """An instance from plain data, with some kinds of waves. Raises Rejected."""
    axis, moves, cells, given, parameters, eps, entry = take(value, "axis moves cells input parameters eps entry")
    axes, count = statement.axes, len(statement.axes)
    found = [i for i, own in enumerate(axes) if own.name == axis and own.moves]
    require(len(found) == 1, "{} is no axis that moves", axis)
    listed, place = integers(cells, count), integers(entry, count)
    for own, n, here in zip(axes, listed, place, strict=True):
        require(n <= own.size.first, "{}: more cells than entries", own.name)
        require(here <= n and here < own.size.first, "{}: {} is no cell of every grid", own.name, here)
    only = None
    if word(moves, "all", "first sample") == "first sample":
        only = next((i for i, own in enumerate(axes) if own.separate and listed[i]), None)
        require(only is not None, "the samples move alike, or the first has no cell of its own")
    parts = []
    for amplitude, texts in (take(part, "amplitude profiles") for part in items(given, 200)):
        profiles = zip(items(texts, 26, count), axes, listed, strict=True)
        parts.append((fraction(amplitude), [_read_profile(*each, waves) for each in profiles]))
    arrays = items(parameters, 10_000, len(statement.parameters))
    values = [[fraction(each) for each in items(array, MOST_CELLS)] for array in arrays]
    require(fraction(eps) > 0, "epsilon is not positive")
    return Instance(statement, found[0], only, listed, parts, values, fraction(eps), tuple(place))
