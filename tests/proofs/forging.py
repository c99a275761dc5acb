"""Forgers: they write evidence for statements that may be false, as strong as the kernel lets them.

prover    types a term along its tree with the kernel's own rules, and takes the strongest facts that any rule gives, at
          every step; whatever rule is unsound, it uses. It may also derive another term than the one stated.
refuter   takes any input, displacement, scope and entry, allowed or not, evaluates both sides in float64, and states
          enclosures around them where they differ.

What a forger proves must be true all the same; :mod:`tests.proofs.judge` says whether it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import atan2, pi
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.terms import evaluate, parameter_shapes
from proofs.emit.certificates import assembled
from proofs.kernel.derivations import Facts, Setting, Step
from proofs.kernel.reading import Rejected
from proofs.kernel.rules import conclude
from proofs.kernel.statements import ONE, Statement, read_statement
from proofs.kernel.terms import Term, read_term
from tests.proofs.judge import Document
from theory.spec.claims import Claim

Array = npt.NDArray[np.float64]

FACTS = ("equivariant", "degree", "steady", "alternating")
NODES = {
    "x": ("input",),
    "eps": ("epsilon",),
    "number": ("number",),
    "par": ("parameter",),
    "sum": ("centered pair", "sum of pairs", "sum"),
    "product": ("product of pairs", "product"),
    "power": ("power of pairs", "power"),
    "mean": ("mean",),
    "rsqrt": ("pointwise",),
}
"""The rules that may conclude about a node."""


def _strength(facts: Facts) -> tuple[bool, bool, bool, float, bool]:
    first = float("inf") if facts.degree is None else facts.degree.first + 1e6 * facts.degree.step
    return facts.invariant, facts.alternating, facts.equivariant, -first, facts.steady


def _own_data(node: Term, names: str) -> Document:
    kind = node[0]
    if kind == "mean":
        return {"axes": "".join(name for name in names if name in node[2]) or "empty"}
    return {"number": {"value": str(node[-1])}, "par": {"number": node[-1]}, "power": {"exponent": node[-1]}}.get(
        kind, {}
    )


def _derivation(term: Term, setting: Setting) -> list[Document]:
    """The steps of the strongest derivation of a term along one axis."""
    names = "".join(axis.name for axis in setting.statement.axes)
    steps: list[Document] = []
    done: list[Step] = []

    def write(rule: str, of: list[int], data: Document) -> int | None:
        try:
            step = conclude(rule, data, [done[place] for place in of], setting)
        except Rejected:
            return None
        facts: dict[str, Any] = {name: getattr(step[1], name) for name in FACTS}
        facts["degree"] = None if facts["degree"] is None else list(facts["degree"])
        steps.append({"rule": rule, "of": of, "with": data, "facts": facts})
        done.append(step)
        return len(steps) - 1

    def visit(node: Term) -> int:
        of = [visit(child) for child in node[1:] if isinstance(child, tuple)]
        found = [write(rule, of, _own_data(node, names)) for rule in NODES[node[0]]]
        # Closed as well, also where that is not needed: the rule that follows may make more of it.
        found += [write("closing", [place], {}) for place in found if place is not None]
        return max((place for place in found if place is not None), key=lambda place: _strength(done[place][1]))

    top = visit(term)
    if top != len(steps) - 1:
        # The conclusion comes last.
        again = steps[top]
        write(again["rule"], again["of"], again["with"])
    return steps


def forged_proof(stated: Document, term: str | None = None) -> Document | None:
    """The strongest derivations of a term, by default the stated one, as evidence that it is equivariant.

    ``None`` where the statement or the term cannot be read, or its parameters are not those of the statement.
    """
    stated = {**stated, "claim": "equivariant"}
    try:
        statement: Statement = read_statement(stated)
        derived, parameters = read_term(term or stated["term"], "".join(axis.name for axis in statement.axes))
    except Rejected:
        return None
    if len(parameters) > len(statement.parameters):
        return None
    moving = [axis for axis in statement.axes if axis.moves and axis.size != ONE]
    derivations = [{"axis": axis.name, "steps": _derivation(derived, Setting(statement, axis))} for axis in moving]
    return assembled(stated, {"kind": "typing", "derivations": derivations})


DISPLACEMENTS: tuple[Document, ...] = (
    {"samples": "1"},
    {"samples": "1/2"},
    {"samples": "-1/3"},
    {"cosine": "3/5", "sine": "4/5"},
    {"cosine": "3/5", "sine": "3/5"},
)
"""Displacements, the last of which is none."""


def _profiles(size: int, spatial: bool) -> list[str]:
    found = ["constant", "entry 0", *(["pair 0"] if size > 1 else [])]
    return found + [f"{wave} {k}" for wave in ("cosine", "sine") for k in range(1, size // 2 + 1)] * spatial


def _values(profile: str, size: int) -> Array:
    kind, _, number = profile.partition(" ")
    n, k = np.arange(size), int(number or 0)
    if kind in ("cosine", "sine"):
        return np.asarray((np.cos if kind == "cosine" else np.sin)(2 * np.pi * k * n / size))
    return np.asarray({"constant": n >= 0, "entry": n == k, "pair": (n == k) | (n == k + 1)}[kind], dtype=float)


def _matrix(displacement: Document, size: int) -> Array | None:
    """The matrix of a displacement; for a phase that is none, of the formula."""
    if "samples" in displacement:
        t = float(Fraction(displacement["samples"]))
    elif size in (2, 4):
        c, s = (float(Fraction(displacement[name])) for name in ("cosine", "sine"))
        turned = (c, s, -c, -s)
        line = [(1 + 2 * turned[m] + (-1) ** m * (2 * c * c - 1)) / 4 for m in range(4)]
        line = line if size == 4 else [(1 + c) / 2, (1 - c) / 2]
        if abs(c * c + s * s - 1) > 1e-9:
            return np.array([[line[(n - m) % size] for m in range(size)] for n in range(size)])
        t = atan2(s, c) * size / (2 * pi)
    else:
        return None
    d = np.arange(size)[:, None] - np.arange(size)[None, :]
    found = np.ones((size, size))
    for k in range(1, (size + 1) // 2):
        found += 2 * np.cos(2 * np.pi * k * (d - t) / size)
    if size % 2 == 0:
        found += np.cos(np.pi * d) * np.cos(np.pi * t)
    return found / size


def _moved(x: Array, matrix: Array, axis: int, first: bool) -> Array:
    found = np.moveaxis(np.tensordot(matrix, x, axes=(1, axis)), 0, axis)
    return np.concatenate([found[:1], x[1:]]) if first else found


def _around(value: float) -> list[str]:
    low = int(np.floor(value * 10**6)) - 10
    return [str(Fraction(low, 10**6)), str(Fraction(low + 20, 10**6))]


def forged_examples(claim: Claim, sizes: Sequence[int], eps: str = "1") -> Iterator[Document]:
    """Examples on a grid of any sizes at which both sides differ in float64, whether they are allowed or not."""
    layout, term = claim.grid.layout, claim.term
    shape = tuple(sizes)
    rng = np.random.default_rng(3)
    drawn = [rng.integers(1, 4, size=each).astype(float) for each in parameter_shapes(term, shape, layout)]
    lines = [_profiles(n, axis.name in layout.spatial) for n, axis in zip(shape, layout, strict=True)]
    instance = {
        "cells": [*sizes],
        "parameters": [[str(int(value)) for value in array.ravel()] for array in drawn],
        "eps": eps,
    }
    for axis, displacement, first in product(sorted(claim.action.moving), DISPLACEMENTS, (False, True)):
        place = layout.index(axis)
        matrix = _matrix(displacement, shape[place])
        if matrix is None:
            continue
        for profiles in product(*lines):
            x = np.ones(())
            for profile, n in zip(profiles, shape, strict=True):
                x = x[..., None] * _values(profile, n)
            with np.errstate(all="ignore"):
                left = evaluate(term, _moved(x, matrix, place, first), drawn, Fraction(eps), layout)
                right = _moved(evaluate(term, x, drawn, Fraction(eps), layout), matrix, place, first)
            gap = np.nan_to_num(np.abs(left - right))
            entry = np.unravel_index(int(gap.argmax()), shape)
            if gap[entry] > 1e-4:
                yield {
                    "sizes": [*sizes],
                    "instance": {
                        **instance,
                        "axis": axis,
                        "moves": "first sample" if first else "all",
                        "input": [{"amplitude": "1", "profiles": [*profiles]}],
                        "entry": [int(n) for n in entry],
                    },
                    "displacement": displacement,
                    "bits": 96,
                    "moved_then_layer": _around(float(left[entry])),
                    "layer_then_moved": _around(float(right[entry])),
                }


def forged_patterns(claim: Claim, example: Document | None) -> Iterator[Document]:
    """Patterns of small orders, cells, waves and entries, allowed or not, with an example or none."""
    layout = claim.grid.layout
    place = layout.index(min(claim.action.moving))
    count = len(parameter_shapes(claim.term, (1,) * len(layout), layout))
    for kind, order, moves, spot, here in product(
        ("shift", "wave"), (1, 2, 3, 4), ("all", "first sample"), (None, 0, 1), ((1, 0), (1, 1), (2, 1), (2, 0))
    ):
        wave, (listed, own) = kind == "wave", here
        cells = [int(axis.sample) for axis in layout]
        profiles = ["entry 0" if axis.sample and moves != "all" else "constant" for axis in layout]
        if spot is not None:
            cells[spot], profiles[spot] = 1, "entry 0"
        cells[place], profiles[place] = (0, "wave") if wave else (listed, "entry 0")
        # Of two samples that move apart the one that stays is looked at as well.
        entry = [int(axis.sample and moves != "all" and listed == 1) for axis in layout]
        entry[place] = 0 if wave else own
        instance = {
            "axis": layout.names[place],
            "moves": moves,
            "cells": cells,
            "input": [{"amplitude": "1", "profiles": profiles}],
            "parameters": [["1"]] * count,
            "eps": "1",
            "entry": entry,
        }
        waves = [{"frequency": [k, step], "harmonic": h} for k in (1, 2, 3) for step in (0, 1) for h in (1, 2, 3, 4)]
        for each in waves if wave else (None,):
            pattern = {"kind": kind, "order": order, "instance": instance, "wave": each}
            yield {"kind": "pattern", "pattern": pattern, "example": example}
