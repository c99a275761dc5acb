"""Statements: which term, under which displacements, on which grids and arrays, and what is claimed.

``equivariant``: on every grid of the families, for every epsilon > 0, all parameters, and every array of the domain at
which both sides are defined. ``not equivariant``: the negation, so false on one grid. ``nowhere equivariant``: false
on every grid of the families. The sizes of different axes vary apart from each other.
"""

from dataclasses import dataclass, replace
from typing import Any

from proofs.kernel.progressions import Progression, read_progression
from proofs.kernel.reading import integer, items, take, word
from proofs.kernel.rejection import LARGEST_SIZE, require
from proofs.kernel.terms import Axes, Term, read_axes, read_term

KINDS = ("sample", "index", "spatial")
CLAIMS = ("equivariant", "not equivariant", "nowhere equivariant")
NOTHING, ONE = Progression(0), Progression(1)


@dataclass(frozen=True)
class Axis:
    """An axis. ``limit`` is the largest frequency of an array of the domain along it, ``None`` along an index axis."""

    name: str
    kind: str
    size: Progression
    moves: bool
    separate: bool
    limit: Progression | None

    @property
    def varies(self) -> bool:
        """False if every array of the domain is constant along it."""
        return self.size != ONE and self.limit != NOTHING


@dataclass(frozen=True)
class Statement:
    """A statement; ``parameters`` are the axes of the term's parameters in order; ``band`` is a limit or ``None``."""

    term: Term
    parameters: tuple[Axes, ...]
    axes: tuple[Axis, ...]
    shifts: bool
    domain: str | int
    claim: str

    def axis(self, name: Any) -> int:
        """The place of an axis that moves."""
        found = [place for place, axis in enumerate(self.axes) if axis.name == name and axis.moves]
        require(len(found) == 1, f"{str(name)[:40]!r} is no axis that moves")
        return found[0]

    def on(self, sizes: list[int]) -> "Statement":
        """The statement on one grid."""
        given = zip(self.axes, sizes, strict=True)
        axes = [_axis(a.name, a.kind, Progression(n), a.moves, a.separate, self.domain) for a, n in given]
        return replace(self, axes=tuple(axes))


def _axis(name: str, kind: str, size: Progression, moves: bool, apart: bool, domain: str | int) -> Axis:
    limit = None
    if kind == "spatial":
        require(size.step % 2 == 0, f"{name}: sizes of both parities")
        limit = size.plus(ONE, -1).half() if moves and domain == "nyquist-free" else size.half()
        if isinstance(domain, int):
            limit = Progression(domain)
            require(size.above(limit, 2), f"{name}: the band reaches N/2")
    return Axis(name, kind, size, moves, apart and kind == "sample" and size != ONE, limit)


def read_statement(value: Any) -> Statement:
    """A statement from plain data. Raises Rejected."""
    text, axes, action, scope, moving, domain, claim = take(value, "term axes action scope moving domain claim")
    domain = integer(domain, 0, LARGEST_SIZE) if type(domain) is int else word(domain, "all", "nyquist-free")
    apart = word(scope, "common", "per-sample") == "per-sample"
    given = [take(axis, "name kind size") for axis in items(axes, 26)]
    names, kinds = [word(name) for name, _, _ in given], [word(kind, *KINDS) for _, kind, _ in given]
    known = all(len(name) == 1 and "A" <= name <= "Z" for name in names) and len(set(names)) == len(names)
    require(known, "axes have names of one capital letter, no two the same")
    require(kinds.count("sample") <= 1, "two axes of samples")
    moves = read_axes(word(moving), "".join(names))
    require(bool(moves) and all(kinds[names.index(name)] == "spatial" for name in moves), "spatial axes move")
    term, parameters = read_term(word(text), "".join(names))
    sizes = [read_progression(size, 1, LARGEST_SIZE) for _, _, size in given]
    found = [
        _axis(name, kind, size, name in moves, apart, domain)
        for name, kind, size in zip(names, kinds, sizes, strict=True)
    ]
    shifts = word(action, "shift", "translation") == "shift"
    return Statement(term, parameters, tuple(found), shifts, domain, word(claim, *CLAIMS))
