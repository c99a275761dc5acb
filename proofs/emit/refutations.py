"""Refutations: the evidence that a term is not equivariant, on every grid of a family or on one of its grids.

A candidate counts if its two values differ on the smallest grid and the kernel accepts its pattern on all of them; the
kernel is the judge here because it will be the judge of the certificate. Where no pattern is found, an example on a
grid that divides all others is repeated; and else an example on one grid refutes that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import gcd, prod

from proofs.emit.candidates import Candidate, candidates
from proofs.emit.examples import bits_for, example, listing, parameter_values, parts_document
from proofs.emit.statements import Document
from proofs.kernel.patterns import check_on_every_grid
from proofs.kernel.reading import Rejected
from proofs.kernel.statements import Statement
from theory.calculus.boards import board_listing
from theory.calculus.evaluate import FLOATS, Arithmetic, long_floats
from theory.calculus.setting import Setting, settings
from theory.calculus.trials import Trial
from theory.calculus.witness import Witness, compare, find_witness
from theory.spec.claims import Claim
from theory.spec.grids import Grid, Size
from theory.spec.terms import Term

LARGEST_TILE = 16

WHOLE_ROOT = Fraction(1)
"""The epsilon of a pattern: its root is rational, and so are the coefficients of the expansion at x = 0."""


@dataclass(frozen=True)
class Example:
    """A witness, the cells that its board lists, and the document of both."""

    witness: Witness
    listed: tuple[int, ...]
    document: Document


def names_of(setting: Setting) -> str:
    """The letters of the axes."""
    return "".join(dimension.name for dimension in setting.dimensions)


def example_of(
    term: Term, trial: Trial, setting: Setting, sizes: tuple[int, ...], arithmetic: Arithmetic = FLOATS
) -> Example | None:
    """The example that a trial is on one grid, if the arithmetic tells the two sides apart there."""
    names, only = names_of(setting), next(iter(setting.separate), None)
    listed = listing(term, trial, sizes, names, setting.moving.name, only)
    found = compare(term, trial, setting, sizes, arithmetic, board_listing(names, sizes, listed))
    if found is None:
        return None
    return Example(found, listed, example(term, found, listed, names, bits_for(found)))


def smallest(setting: Setting) -> tuple[int, ...]:
    """The sizes of the smallest grid."""
    return tuple(dimension.size.least for dimension in setting.dimensions)


def alike(setting: Setting) -> Setting:
    """The setting in which all samples move alike, as they may where they move apart."""
    return replace(setting, dimensions=tuple(replace(d, separate=False) for d in setting.dimensions))


def pattern(term: Term, setting: Setting, stated: Statement) -> Document | None:
    """A refutation on every grid of a statement; ``None`` if no candidate is one."""
    sizes = smallest(setting)
    place = names_of(setting).index(setting.moving.name)
    for candidate in candidates(term, setting, sizes[place], WHOLE_ROOT):
        own = alike(setting) if candidate.pattern == "wave" else setting
        found = example_of(term, candidate.trial, own, sizes)
        if found is None:
            continue
        for document in _patterns(term, candidate, found, own, place):
            try:
                check_on_every_grid(document, stated)
            except Rejected:
                continue
            return {"kind": "pattern", "pattern": document, "example": found.document}
    return None


def _patterns(term: Term, candidate: Candidate, found: Example, setting: Setting, place: int) -> Iterator[Document]:
    """The patterns of a candidate, one for each entry at which the two sides may be compared."""
    names, sizes = names_of(setting), smallest(setting)
    wave, only = candidate.pattern == "wave", next(iter(setting.separate), None)
    listed = list(listing(term, candidate.trial, sizes, names, None, only))
    # A wave is not laid out in cells; a shift takes the last of them one further.
    listed[place] = 0 if wave else max(listed[place] + 1, 2)
    rest = [d.size.step > 0 or n > k for d, n, k in zip(setting.dimensions, sizes, listed, strict=True)]
    counts = tuple(k + more for k, more in zip(listed, rest, strict=True))
    parts = parts_document(candidate.trial.parts)
    if wave:
        for part in parts:
            part["profiles"][place] = "wave"
    here, band = found.witness.entry, setting.band
    for entry in dict.fromkeys((here, (0,) * len(here))):
        cells = [min(n, k) for n, k in zip(entry, listed, strict=True)]
        still = only is not None and cells[names.index(only)] > 0
        cells[place] = 0 if wave or still else 1
        yield {
            "kind": candidate.pattern,
            "order": candidate.order,
            "instance": {
                **found.document["instance"],
                "cells": listed,
                "input": parts,
                "parameters": parameter_values(term, candidate.trial, counts, names),
                "entry": cells,
            },
            "wave": {"frequency": [band.first, band.step], "harmonic": candidate.order} if wave else None,
        }


def tiling(term: Term, claim: Claim, axis: str) -> Document | None:
    """An example on a small grid that divides every grid of the claim; ``None`` if there is none."""
    if claim.domain.band is not None:
        return None
    choices = []
    for size in claim.grid.sizes:
        common = gcd(size.least, size.step)
        choices.append([n for n in (1, 2, 3, 4) if common % n == 0] if size.step else [size.least])
    for sizes in sorted(product(*choices), key=lambda sizes: (prod(sizes), sizes)):
        if prod(sizes) <= LARGEST_TILE:
            grid = Grid(claim.grid.layout, tuple(map(Size, sizes)))
            found = on_one_grid(term, replace(claim, grid=grid), axis)
            if found is not None:
                return {"kind": "tiling", "example": found.document}
    return None


def on_one_grid(term: Term, claim: Claim, axis: str) -> Example | None:
    """An example on the one grid of a claim: a candidate, or what the search finds."""
    setting = next((s for s in settings(claim) if s.moving.name == axis), None)
    if setting is None:
        return None
    found = by_candidates(term, setting, claim.eps)
    if found is None:
        searched = find_witness(term, setting, smallest(setting), claim.eps)
        found = None if searched is None else of_witness(term, searched, setting)
    return found


def by_candidates(term: Term, setting: Setting, eps: Fraction) -> Example | None:
    """The first candidate that is an example on the smallest grid."""
    sizes = smallest(setting)
    for candidate in candidates(term, setting, sizes[names_of(setting).index(setting.moving.name)], eps):
        own = alike(setting) if candidate.pattern == "wave" else setting
        found = example_of(term, candidate.trial, own, sizes)
        if found is not None:
            return found
    return None


def of_witness(term: Term, witness: Witness, setting: Setting) -> Example | None:
    """The example that a witness is, without the parts of its input that it does not need."""
    trial, found = witness.trial, None
    for arithmetic in (FLOATS, long_floats()):
        found = example_of(term, trial, setting, witness.sizes, arithmetic)
        if found is not None:
            break
    for part in trial.parts if found is not None else ():
        fewer = replace(trial, parts=tuple(other for other in trial.parts if other is not part))
        smaller = example_of(term, fewer, setting, witness.sizes, arithmetic)
        if smaller is not None:
            trial, found = fewer, smaller
    return found
