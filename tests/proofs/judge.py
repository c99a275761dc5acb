"""A judge of statements that is not the kernel: the statement is read back as a claim and decided by the calculus.

A typing proof must be met by a proof; ``not equivariant`` by a counterexample on the family; ``nowhere equivariant`` by
a counterexample on each of a few of its smallest grids. Where the calculus has no verdict, random arrays in float64
are measured on the smallest grids.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

from proofs.emit.statements import FAILS, HOLDS
from tests.theory.brute import FAILS_ABOVE, HOLDS_BELOW, measured
from theory.decision.decide import decide
from theory.decision.verdicts import Counterexample, Proof, Unknown
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import Axis, AxisKind, Layout
from theory.spec.claims import Claim
from theory.spec.grids import ALL, NYQUIST_FREE, Grid, Size, band
from theory.spec.syntax import parse

Document = dict[str, Any]

GROWN = 3
"""So many sizes of an axis stand for all of its family."""


def claim_of(stated: Document) -> Claim:
    """The claim that a statement is about. Raises SpecificationError for what is none."""
    layout = Layout(
        tuple(
            Axis(axis["name"], AxisKind("spatial" if axis["kind"] == "spatial" else "index"), axis["kind"] == "sample")
            for axis in stated["axes"]
        )
    )
    action = Action(ActionKind(stated["action"]), frozenset(stated["moving"]), Scope(stated["scope"]))
    given = stated["domain"]
    domain = band(given) if isinstance(given, int) else {"all": ALL, "nyquist-free": NYQUIST_FREE}[given]
    grid = Grid(layout, tuple(Size(*axis["size"]) for axis in stated["axes"]))
    return Claim(parse(stated["term"], layout), action, grid, domain)


def members(claim: Claim) -> list[Claim]:
    """The claim on a few of its smallest grids, one grid each: one axis after the other grows, then all of them."""
    least, *grown = zip(*((size.members(GROWN) * GROWN)[:GROWN] for size in claim.grid.sizes), strict=True)
    found = [least, grown[0]]
    for sizes in grown:
        found += [(*least[:place], n, *least[place + 1 :]) for place, n in enumerate(sizes)]
    layout = claim.grid.layout
    return [replace(claim, grid=Grid(layout, tuple(map(Size, sizes)))) for sizes in dict.fromkeys(found)]


def holds_as_measured(claim: Claim) -> bool | None:
    """What random arrays on one grid say; ``None`` if they say nothing."""
    error = measured(claim, 0)
    if error is None or HOLDS_BELOW <= error <= FAILS_ABOVE:
        return None
    return error < HOLDS_BELOW


@cache
def _is_true(text: str) -> bool | None:
    stated = json.loads(text)
    claim, claimed = claim_of(stated), stated["claim"]
    if claimed in (HOLDS, FAILS):
        verdict = decide(claim)
        if not isinstance(verdict, Unknown):
            return isinstance(verdict, Proof if claimed == HOLDS else Counterexample)
        found = [holds_as_measured(each) for each in members(claim)]
        return None if None in found else all(found) if claimed == HOLDS else not all(found)
    answers = []
    for each in members(claim):
        verdict = decide(each)
        unknown = isinstance(verdict, Unknown)
        answers.append(holds_as_measured(each) if unknown else isinstance(verdict, Proof))
    return None if None in answers else not any(answers)


def is_true(stated: Document) -> bool | None:
    """Whether a statement is true, by the calculus; ``None`` if nobody can tell. Remembers what it was asked."""
    return _is_true(json.dumps(stated, sort_keys=True))
