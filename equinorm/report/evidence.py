"""Verdicts for the page: a proof as numbered steps, a counterexample as the numbers that a reader can check.

What two verdicts share word for word is shown once: the two axes of a proof, and the two scopes of a class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from equinorm.deciding import Decision
from equinorm.report.classes import Classified
from theory.decision.reasons import reason
from theory.decision.verdicts import Proof

MOST_ENTRIES = 12
"""Entries of an array that are written out one by one."""


@dataclass(frozen=True)
class Step:
    """A line of a proof: what is concluded about which term, by which rule, from which lines, asking what."""

    number: int
    term: str
    facts: str
    rule: str
    premises: tuple[int, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class ProofText:
    """A typing derivation; ``axes`` are those along which it holds word for word."""

    axes: str
    form: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class CounterexampleText:
    """A witness in words: pairs of a name and what stands there."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Piece:
    """One verdict: what was asked, the answer, why, and the evidence. ``command`` asks it again."""

    action: str
    verdict: str
    reason: str
    command: str
    proofs: tuple[ProofText, ...] = ()
    counterexample: CounterexampleText | None = None


@dataclass(frozen=True)
class Cell:
    """The evidence behind one cell of Table 1, or behind several that share it; ``anchors`` are their names."""

    anchors: tuple[str, ...]
    layer: str
    title: str
    found: str
    pieces: tuple[Piece, ...]


def cells(classified: Sequence[Classified]) -> tuple[Cell, ...]:
    """The evidence of all classes, cells of one layer that say the same merged."""
    merged: dict[tuple[str, str, tuple[Piece, ...]], list[Classified]] = {}
    for one in classified:
        pieces = tuple(_piece(decision) for decision in one.decisions)
        # The command differs between the two scopes, and is no part of what is said.
        same = tuple(replace(piece, command="") for piece in pieces)
        merged.setdefault((one.layer, one.found, same), []).append(one)
    found = []
    for (layer, kind, _), members in merged.items():
        pieces = tuple(_piece(decision) for decision in members[0].decisions)
        found.append(Cell(tuple(one.anchor for one in members), layer, _title(members), kind, pieces))
    return tuple(found)


def _title(members: Sequence[Classified]) -> str:
    """``odd grids, common and per-sample; even grids, …, common``."""
    scopes: dict[str, list[str]] = {}
    for one in members:
        scopes.setdefault(one.arrays.title, []).append(one.scope.value)
    return "; ".join(f"{title}, {' and '.join(names)}" for title, names in scopes.items())


def _piece(decision: Decision) -> Piece:
    (_, verdict) = decision.deciding
    words = decision.words
    command = (
        f"equinorm decide --layer {words.layer} --action {words.action} --scope {words.scope} --grid {words.grid}"
        + (f" --domain {words.domain}" if words.domain != "all" else "")
    )
    evidence = decision.document()["evidence"]
    content = {} if evidence is None else evidence["content"]
    if isinstance(verdict, Proof):
        # The steps say it all; the reason of a proof only counts them up.
        return Piece(words.action, decision.verdict, "", command, tuple(_proofs(content["derivations"])))
    counterexample = None if evidence is None else CounterexampleText(tuple(_counterexample(content)))
    return Piece(words.action, decision.verdict, reason(verdict), command, (), counterexample)


def _proofs(derivations: Iterable[dict[str, Any]]) -> Iterator[ProofText]:
    alike: dict[tuple[str, tuple[Step, ...]], list[str]] = {}
    for derivation in derivations:
        steps = tuple(
            Step(number, step["term"], step["facts"], step["rule"], tuple(p + 1 for p in step["premises"]),
                 tuple(dict.fromkeys(step["conditions"])))
            for number, step in enumerate(derivation["steps"], start=1)
        )  # fmt: skip
        alike.setdefault((derivation["form"], steps), []).append(derivation["axis"])
    for (form, steps), axes in alike.items():
        yield ProofText(", and word for word along ".join(axes), form, steps)


def _counterexample(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    witness = content["witness"]
    if "x" not in witness:
        witness = content.get("smallest_grid", witness)
    sizes = witness["sizes"]
    yield "grid", ", ".join(f"{name} = {size}" for name, size in sizes.items()) + f"; ε = {witness['eps']}"
    yield "input x", _array(witness["x"], sizes) if "x" in witness else witness["input"]
    for number, parameter in enumerate(witness.get("parameters", ()), start=1):
        yield f"parameter {number}, {parameter['par']}", _array(parameter, sizes)
    moves = "every sample" if witness["moves"] == "all" else witness["moves"]
    yield "displacement T", f"{moves}, by {witness['displacement']} along {witness['axis']}"
    yield "compared at", ", ".join(f"{name} = {place}" for name, place in witness["entry"].items())
    yield "layer(T x)", witness["moved_then_layer"]
    yield "T layer(x)", witness["layer_then_moved"]
    yield "certainty", f"each value is within {float(witness['error']):.1e} of its exact value"


def _array(array: dict[str, Any], sizes: dict[str, int]) -> str:
    """``1 at (0, 0, 0, 0), 0 elsewhere``; the indices are those of the axes in order."""
    entries: list[str] = array["entries"]
    usual = max(sorted(set(entries)), key=entries.count)
    if len(set(entries)) == 1:
        return f"{usual} everywhere"
    cells = [
        f"{entry} at ({', '.join(map(str, cell))})"
        for entry, cell in zip(entries, product(*map(range, array["shape"])), strict=True)
        if entry != usual
    ]
    if len(cells) > MOST_ENTRIES:
        return f"in the order of the axes {', '.join(sizes)}: {', '.join(entries)}"
    return f"{', '.join(cells)}; {usual} elsewhere"
