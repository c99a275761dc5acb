"""Decide a claim: type the term, and where that fails look for a witness.

Both halves are needed for "never wrong": a typing derivation proves the claim for all sizes at once; a witness refutes
it by two numbers that are certainly different. Where neither is found the verdict is Unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod

from theory.calculus.defects import violation
from theory.calculus.displace import whole
from theory.calculus.expand import TooLarge, expanded
from theory.calculus.setting import Setting, fit_band, settings
from theory.calculus.simplify import numbered, simplified
from theory.calculus.typing import judge
from theory.calculus.witness import Witness, find_simple_witness, find_witness
from theory.decision.verdicts import Counterexample, Derivation, Proof, Unknown, Verdict
from theory.spec.axes import AxisKind
from theory.spec.claims import Claim
from theory.spec.grids import Grid, Size
from theory.spec.terms import Term

PRINTABLE = 64
"""An array of at most so many numbers is shown whole."""

MEMBERS_TRIED = 3


def derive(term: Term, setting: Setting) -> Derivation:
    """Type a numbered term after rewriting it."""
    return Derivation(setting, term, "simplified", judge(simplified(term, setting), setting))


def derive_expanded(term: Term, setting: Setting) -> Derivation | None:
    """Type the expanded form, in which more cancels; ``None`` if it would be too large."""
    try:
        long = expanded(simplified(term, setting), setting)
    except TooLarge:
        return None
    return Derivation(setting, term, "expanded", judge(long, setting))


def grids_to_try(setting: Setting) -> Iterator[tuple[int, ...]]:
    """Sizes of the family, smallest first: the moving axis grows, then the index axes."""
    members = [d.size.members(MEMBERS_TRIED) for d in setting.dimensions]
    moving = [d.name for d in setting.dimensions].index(setting.moving.name)
    seen = set()
    for index in range(MEMBERS_TRIED):
        for step in range(MEMBERS_TRIED):
            sizes = tuple(
                sizes[min(step if place == moving else 0 if dimension.spatial else index, len(sizes) - 1)]
                for place, (sizes, dimension) in enumerate(zip(members, setting.dimensions, strict=True))
            )
            if sizes not in seen:
                seen.add(sizes)
                yield sizes


def alike(claim: Claim, axis: str) -> tuple[Claim, ...]:
    """The claim on small grids whose spatial sizes have the same parities and fit the band, those to show first.

    Only grids that can be printed, if there is one: the moving axis grows where its smallest size shows nothing, and
    index axes of one entry make room for longer spatial ones.
    """
    choices = []
    for given, size in zip(claim.grid.layout, claim.grid.sizes, strict=True):
        if given.kind is AxisKind.INDEX:
            choices.append([count for count in (2, 1) if count <= size.least])
            continue
        least = size.least if size.least <= 3 else 4 - size.least % 2
        if claim.domain.band is not None:
            least = fit_band(Size(least, 2), claim.domain.band).least
        grown = [least + 2 * i for i in range(MEMBERS_TRIED if given.name == axis else 1)]
        choices.append([n for n in grown if not size.exact or n <= size.least] or [size.least])
    found = list(product(*choices))
    printable = [sizes for sizes in found if prod(sizes) <= PRINTABLE] or found[:1]
    layout = claim.grid.layout
    return tuple(replace(claim, grid=Grid(layout, tuple(map(Size, sizes)))) for sizes in printable)


def printable_witness(term: Term, claim: Claim, axis: str) -> Witness | None:
    """A witness on one of the grids :func:`alike`, a simple one if there is any."""
    found = [(s, c.eps) for c in alike(claim, axis) for s in settings(c) if s.moving.name == axis]
    for search in (find_simple_witness, find_witness):
        for setting, eps in found:
            witness = search(term, setting, next(grids_to_try(setting)), eps)
            if witness is not None:
                return witness
    return None


def refute(term: Term, setting: Setting, eps: Fraction) -> Witness | None:
    """A witness on one of the smallest grids of the setting."""
    for sizes in grids_to_try(setting):
        witness = find_witness(term, setting, sizes, eps)
        if witness is not None:
            return witness
    return None


def settle(term: Term, setting: Setting, eps: Fraction) -> tuple[Derivation, Witness | None]:
    """The derivation of a numbered term on one moving axis, and a witness where it does not hold and one is found.

    The cheap questions come first: typing as it stands, then the simple witnesses on the smallest grid, then the
    expanded form, then the whole search.
    """
    derivation = derive(term, setting)
    if derivation.holds:
        return derivation, None
    smallest = next(grids_to_try(setting))
    witness = find_simple_witness(term, setting, smallest, eps)
    if witness is not None:
        return derivation, witness
    longer = derive_expanded(term, setting)
    if longer is not None and longer.holds:
        return longer, None
    return derivation, refute(term, setting, eps)


def _counterexample(claim: Claim, derivation: Derivation, witness: Witness) -> Counterexample:
    axis = derivation.setting.moving.name
    small: Witness | None = witness
    if prod(witness.sizes) > PRINTABLE:
        small = printable_witness(derivation.given, claim, axis)
    size = witness.sizes[claim.grid.layout.index(axis)]
    fault = violation(derivation.judgement, derivation.setting, size, whole(witness.trial.displacement))
    return Counterexample(claim, derivation, fault, witness, small)


def decide(claim: Claim) -> Verdict:
    """The verdict on a claim, with its evidence."""
    term = numbered(claim.term)
    proved: list[Derivation] = []
    stuck: list[Derivation] = []
    for setting in settings(claim):
        derivation, witness = settle(term, setting, claim.eps)
        if witness is not None:
            return _counterexample(claim, derivation, witness)
        (proved if derivation.holds else stuck).append(derivation)
    return Unknown(claim, stuck[0]) if stuck else Proof(claim, tuple(proved))
