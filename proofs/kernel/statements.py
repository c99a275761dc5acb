"""Statements: which term, under which displacements, on which grids and arrays, and what is claimed.

``equivariant``: on every grid of the families, for every epsilon > 0, all parameters, and every array of the domain at
which both sides are defined. ``not equivariant``: the negation, so false on one grid. ``nowhere equivariant``: false
on every grid of the families. The sizes of different axes vary apart from each other.
"""

from typing import Any, NamedTuple

from proofs.kernel.progressions import Progression, read_progression
from proofs.kernel.reading import LARGEST_SIZE, integer, items, require, take, word
from proofs.kernel.terms import Axes, Term, read_axes, read_term

KINDS = ("sample", "index", "spatial")
CLAIMS = ("equivariant", "not equivariant", "nowhere equivariant")
NOTHING, ONE = Progression(0), Progression(1)


class Axis(NamedTuple):
    """An axis, and the domain of the arrays; ``apart`` says that its entries, if there are several, move apart."""

    name: str
    kind: str
    size: Progression
    moves: bool
    apart: bool
    domain: str | int

    @property
    def separate(self) -> bool:
        """Entries of it move apart."""
        return self.apart and self.size != ONE

    @property
    def limit(self) -> Progression | None:
        """The largest frequency of an array of the domain along it, ``None`` along an index axis."""
        if self.kind != "spatial":
            return None
        if isinstance(self.domain, int):
            return Progression(self.domain)
        return self.size.plus(ONE if self.moves and self.domain == "nyquist-free" else NOTHING, -1).half()

    @property
    def varies(self) -> bool:
        """False if every array of the domain is constant along it."""
        return self.size != ONE and self.limit != NOTHING


class Statement(NamedTuple):
    """A statement; ``parameters`` are the axes of the term's parameters in order."""

    term: Term
    parameters: tuple[Axes, ...]
    axes: tuple[Axis, ...]
    shifts: bool
    domain: str | int
    claim: str

    def on(self, sizes: list[int]) -> "Statement":
        """The statement on one grid."""
        given = zip(self.axes, sizes, strict=True)
        return self._replace(axes=tuple(axis._replace(size=Progression(n)) for axis, n in given))


def read_statement(value: Any) -> Statement:
    """A statement from plain data. Raises Rejected."""
    text, given, action, scope, moving, domain, claim = take(value, "term axes action scope moving domain claim")
    domain = integer(domain, 0, LARGEST_SIZE) if type(domain) is int else word(domain, "all", "nyquist-free")
    apart = word(scope, "common", "per-sample") == "per-sample"
    found = [take(axis, "name kind size") for axis in items(given, 26)]
    names = [word(name) for name, _, _ in found]
    known = all(len(name) == 1 and "A" <= name <= "Z" for name in names) and len(set(names)) == len(names)
    require(known, "axes have names of one capital letter, no two the same")
    moves = read_axes(word(moving), "".join(names))
    axes = []
    for name, kind, size in found:
        grows = read_progression(size, 1, LARGEST_SIZE)
        axes.append(Axis(name, word(kind, *KINDS), grows, name in moves, apart and kind == "sample", domain))
        require(kind == "spatial" or name not in moves, "spatial axes move")
        require(kind != "spatial" or grows.step % 2 == 0, f"{name}: sizes of both parities")
        inside = kind != "spatial" or isinstance(domain, str) or grows.above(Progression(domain), 2)
        require(inside, f"{name}: the band reaches N/2")
    require(bool(moves), "no axis moves")
    require(sum(axis.kind == "sample" for axis in axes) <= 1, "two axes of samples")
    term, parameters = read_term(word(text), "".join(names))
    shifts = word(action, "shift", "translation") == "shift"
    return Statement(term, parameters, tuple(axes), shifts, domain, word(claim, *CLAIMS))
