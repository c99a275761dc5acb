"""Every verdict is certified: the certificate states the claim that was asked about, and the kernel accepts it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import BCDHW, BCT, claims, grids, normalizations, parity_families, terms
from proofs.emit.certificates import accepted_certificate, canonical, certificate
from proofs.emit.statements import FAILS, FAILS_EVERYWHERE, HOLDS
from proofs.kernel.checking import check
from proofs.kernel.checking import verdict as refusal
from tests.effort import at_least
from tests.proofs.judge import Document, claim_of
from tests.theory.sampling import telling
from theory.calculus.compile import compile_term
from theory.calculus.setting import fit_band
from theory.decision.decide import decide
from theory.decision.verdicts import Proof, Unknown
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import AxisKind, Layout
from theory.spec.claims import Claim
from theory.spec.grids import ALL, ANY, EVEN, NYQUIST_FREE, ODD, Grid, Size, band, grid_of
from theory.spec.layers import Normalization, Statistics
from theory.spec.syntax import parse

MOST_PARTS = 8
"""An input is a sum of at most so many products of profiles."""


def fitted(claim: Claim) -> Claim:
    """The claim on the sizes that its band leaves, and without its epsilon, which a statement does not mention."""
    sizes = claim.grid.sizes
    limit = claim.domain.band
    if limit is not None:
        axes = zip(claim.grid.layout, sizes, strict=True)
        sizes = tuple(fit_band(n, limit) if axis.kind is AxisKind.SPATIAL else n for axis, n in axes)
    return Claim(claim.term, claim.action, Grid(claim.grid.layout, sizes), claim.domain)


def check_size(example: Document, claim: Claim) -> None:
    """An example can be read: few parts, whole amplitudes, short displacements, values in few digits."""
    instance, displacement = example["instance"], example["displacement"]
    assert len(instance["input"]) <= MOST_PARTS
    assert all(Fraction(part["amplitude"]).denominator == 1 for part in instance["input"])
    assert all(len(text) <= 12 for text in displacement.values())
    if claim.action.kind is ActionKind.SHIFT:
        assert Fraction(displacement["samples"]).denominator == 1
    for n, size, axis in zip(example["sizes"], claim.grid.sizes, claim.grid.layout, strict=True):
        assert n <= max(size.least + 2 * size.step, 1), axis.name


def check_certificate(claim: Claim) -> str:
    """Certify a claim and check what is written; the kind of evidence, or ``unknown``."""
    verdict = decide(claim)
    first = certificate(verdict)
    found = accepted_certificate(verdict)
    if isinstance(verdict, Unknown):
        assert first is None
        assert found is None
        return "unknown"
    assert first is not None
    assert found is not None
    text = canonical(found)
    assert refusal(text) is None
    # The text is the document, in one spelling and in ASCII, and a second run writes the same bytes.
    assert json.loads(text) == found
    assert canonical(json.loads(text)) == text
    assert text.isascii()
    assert text.count("\n") == 1
    assert canonical(accepted_certificate(decide(claim)) or {}) == text
    # What is stated is the claim that was asked about.
    stated, evidence = found["statement"], found["evidence"]
    assert claim_of(stated) == fitted(claim)
    one = all(size.exact for size in fitted(claim).grid.sizes)
    expected = {HOLDS} if isinstance(verdict, Proof) else {FAILS} if one else {FAILS, FAILS_EVERYWHERE}
    assert stated["claim"] in expected
    assert check(text).claim == stated["claim"]
    if evidence["kind"] == "typing":
        moving = [axis.name for axis in claim.grid.layout if axis.name in claim.action.moving]
        assert {each["axis"] for each in evidence["derivations"]} <= set(moving)
        return "typing"
    if stated["claim"] == FAILS_EVERYWHERE:
        assert evidence["kind"] in ("tiling", "pattern")
    if evidence.get("example") is not None:
        check_size(evidence["example"], claim)
        # How many digits an enclosure takes may be guessed too low, and is then doubled.
        first["evidence"]["example"]["bits"] = evidence["example"]["bits"]
    assert first == found
    return str(evidence["kind"])


def test_certificates_of_random_terms() -> None:
    seen: Counter[str] = Counter()

    @at_least(200)
    @given(claims(about=terms().filter(telling), on=grids(largest=8)))
    def each(claim: Claim) -> None:
        seen[check_certificate(claim)] += 1

    each()
    assert min(seen["typing"], seen["counterexample"]) >= 40, seen


def test_certificates_of_random_layers() -> None:
    seen: Counter[str] = Counter()

    @at_least(120)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        term = compile_term(data.draw(normalizations(statistics=tuple(Statistics))))
        claim = data.draw(claims(about=st.just(term), on=grids(largest=8)))
        seen[check_certificate(claim)] += 1
        seen.update([claim.action.scope.value, claim.action.kind.value, str(claim.domain)])

    each()
    assert min(seen["typing"], seen["counterexample"]) >= 40, seen
    assert min(seen[scope.value] for scope in Scope) >= 30, seen
    assert min(seen["1"], seen["nyquist-free"], seen["all"]) >= 5, seen
    assert seen["unknown"] == 0, seen


@pytest.mark.parametrize("layout", [BCT, BCDHW], ids=lambda layout: layout.names)
def test_certificates_over_other_layouts(layout: Layout) -> None:
    seen: Counter[str] = Counter()

    @at_least(80)
    @given(claims(layout, about=terms(layout, depth=3).filter(telling), on=grids(layout, largest=4, most_entries=2)))
    def each(claim: Claim) -> None:
        seen[check_certificate(claim)] += 1

    each()
    assert min(seen["typing"], seen["counterexample"]) >= 10, seen


def test_certificates_on_families() -> None:
    """On all real and Nyquist-free arrays a layer holds on all grids of a family or on none, and the evidence says so;
    on a band it may fail on some of them only.
    """
    seen: Counter[str] = Counter()

    @at_least(120)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        term = compile_term(data.draw(normalizations()))
        grid = data.draw(parity_families())
        domain = data.draw(st.sampled_from([ALL, NYQUIST_FREE, band(1)]))
        moving = data.draw(st.sampled_from([frozenset("HW"), frozenset("H"), frozenset("W")]))
        action = Action(data.draw(st.sampled_from(ActionKind)), moving, data.draw(st.sampled_from(Scope)))
        kind = check_certificate(Claim(term, action, grid, domain))
        assert kind != "unknown"
        assert kind != "counterexample" or domain.band is not None
        seen[kind] += 1

    each()
    assert min(seen["typing"], seen["pattern"]) >= 40, seen


def test_certificates_of_terms_on_families() -> None:
    seen: Counter[str] = Counter()
    sizes = st.sampled_from([ODD, EVEN, Size(3), Size(4), Size(6, 4)])
    entries = st.sampled_from([ANY, Size(1), Size(3), Size(2, 2)])

    @at_least(100)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        chosen = {name: data.draw(sizes if name in "HW" else entries) for name in "BCHW"}
        claim = data.draw(claims(about=terms(depth=3).filter(telling), on=st.just(grid_of(chosen))))
        seen[check_certificate(claim)] += 1

    each()
    assert min(seen["typing"], seen["pattern"], seen["counterexample"] + seen["tiling"]) >= 10, seen


def test_a_large_grid_has_a_short_certificate() -> None:
    """A refutation on one large grid is a pattern; nothing in it grows with the sizes."""
    claim = Claim(
        parse("(x - mean(x, HW))*rsqrt(mean((x - mean(x, HW))^2, C) + eps)"),
        Action(ActionKind.TRANSLATION, frozenset("HW")),
        grid_of({"B": 64, "C": 256, "H": 57, "W": 57}),
    )
    assert check_certificate(claim) == "pattern"
    found = certificate(decide(claim))
    assert found is not None
    assert prod(size.least for size in claim.grid.sizes) > 10**7
    assert len(canonical(found)) < 2_000


@settings(max_examples=60)
@given(normalizations(), st.sampled_from(Scope))
def test_epsilon_is_no_part_of_a_statement(layer: Normalization, scope: Scope) -> None:
    term = compile_term(layer)
    claim = Claim(term, Action(ActionKind.SHIFT, frozenset("W"), scope), grid_of({"B": 2, "C": 2, "H": 3, "W": 4}))
    stated = [accepted_certificate(decide(replace(claim, eps=eps))) for eps in (Fraction(1, 100_000), Fraction(3, 7))]
    assert stated[0] is not None
    assert stated[1] is not None
    assert stated[0]["statement"] == stated[1]["statement"]
