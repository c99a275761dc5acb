"""What forgers prove is true: the kernel's rules are sound also in the hands of one who takes all that they give."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import claims, terms
from proofs.emit.certificates import assembled
from proofs.emit.statements import FAILS, FAILS_EVERYWHERE, HOLDS, Document, statement
from proofs.kernel.checking import verdict as refusal
from tests.effort import at_least
from tests.proofs.forging import forged_examples, forged_patterns, forged_proof
from tests.proofs.judge import is_true
from tests.proofs.tampering import APART, QUESTIONS, changes, question
from tests.theory.sampling import telling
from theory.decision.decide import decide
from theory.decision.verdicts import Proof
from theory.spec.claims import Claim
from theory.spec.grids import ALL, ANY, EVEN, NYQUIST_FREE, ODD, Size, band, grid_of
from theory.spec.terms import spell


def fate(document: Document) -> str:
    """What becomes of a forged certificate; it must be rejected, or true."""
    if refusal(json.dumps(document)) is not None:
        return "rejected"
    assert is_true(document["statement"]), json.dumps(document)
    return "accepted"


SPATIAL = st.sampled_from([ODD, EVEN, Size(1), Size(2), Size(2), Size(3), Size(4), Size(5), Size(2, 2)])
ENTRIES = st.sampled_from([ANY, Size(1), Size(2), Size(3), Size(1, 1)])


@st.composite
def questions(draw: st.DrawFn) -> Claim:
    """Claims on grids and families alike, small sizes more often than others."""
    chosen = {name: draw(SPATIAL if name in "HW" else ENTRIES) for name in "BCHW"}
    return draw(claims(about=terms(depth=3).filter(telling), on=st.just(grid_of(chosen))))


def test_what_the_strongest_derivation_proves_is_true() -> None:
    """And it proves most of what is true: the forger is no weaker than the rules."""
    seen: Counter[str] = Counter()

    @at_least(300)
    @given(questions())
    def each(claim: Claim) -> None:
        document = forged_proof(statement(claim, HOLDS))
        if document is not None:
            seen[fate(document)] += 1

    each()
    assert min(seen["accepted"], seen["rejected"]) >= 60, seen


def test_a_derivation_of_another_term_proves_what_is_true() -> None:
    """Derived is a changed term; the kernel accepts it only if it is known to have the same value."""
    seen: Counter[str] = Counter()

    @at_least(120)
    @given(questions(), st.lists(st.integers(0, 10**6), min_size=6, max_size=6))
    def each(claim: Claim, picks: list[int]) -> None:
        others = [text for text in changes(spell(claim.term)) if isinstance(text, str)]
        for pick in picks:
            document = forged_proof(statement(claim, HOLDS), others[pick % len(others)])
            if document is not None:
                seen[fate(document)] += 1

    each()
    assert min(seen["accepted"], seen["rejected"]) >= 20, seen


def mostly_false() -> list[Claim]:
    """Claims that fail for one reason each."""
    alternating = "(x - mean(x, W))"
    return [
        question("x^2", "translation", "W", (1, 1, 3, 4), band(1)),
        question("x^2", "translation", "W", (1, 1, 1, 2)),
        question("mean(x^3, W)", "translation", "W", (1, 1, 1, 3)),
        question("mean(x^4, W)", "translation", "W", (1, 1, 5, 8), band(2)),
        question("x*rsqrt(x^2 + eps)", "translation", "W", (ANY, ANY, ODD, ODD)),
        question("rsqrt(x + 2)", "translation", "W", (1, 1, 1, 3)),
        question("rsqrt(x^2 + eps)", "translation", "W", (1, 1, 3, 5), band(1)),
        question("x*mean(x, C)", "translation", "W", (ANY, ANY, ODD, ODD)),
        question("x - mean(x, B)", "shift", "W", (2, 2, 3, 3), ALL, APART),
        question("x*mean(x^2, B)", "shift", "W", (2, 1, 3, 4), ALL, APART),
        question(f"mean({alternating}^2, B) + x", "shift", "W", (2, 1, 3, 3), ALL, APART),
        question(f"mean({alternating}^3, B) + x", "shift", "W", (2, 1, 3, 2), ALL, APART),
        question("mean((x - mean(x, H))^2, B) + x", "shift", "W", (2, 1, 3, 2), ALL, APART),
        question(f"mean({alternating}^2, B)*x", "translation", "W", (2, 1, 3, 2), ALL, APART),
        question("x*par(W)", "shift", "W", (ANY, ANY, ODD, ODD)),
        question("(x - mean(x, H))*par(W)", "shift", "W", (1, 1, 2, 3), NYQUIST_FREE),
        question("x*rsqrt(mean(x^2, HW) + eps)", "translation", "HW", (ANY, ANY, ODD, EVEN)),
        question("x*rsqrt(mean(x^2, W) + eps)", "translation", "HW", (ANY, ANY, ODD, ODD)),
        question("x^2 - mean(x, B)^2", "translation", "W", (2, 1, 3, 3)),
        question("x*mean(x*x, W) - x*mean(x, W)^2", "translation", "W", (2, 1, 3, 4)),
    ]


@pytest.mark.parametrize("claim", mostly_false(), ids=lambda claim: str(claim.term))
def test_what_fails_is_not_proved(claim: Claim) -> None:
    assert is_true(statement(claim, HOLDS)) is False
    texts = [None, *(text for text in changes(spell(claim.term)) if isinstance(text, str) and len(text) < 100)]
    found = [forged_proof(statement(claim, HOLDS), text) for text in texts]
    assert sum(document is not None for document in found) >= 15
    assert {fate(document) for document in found if document is not None} == {"rejected"}


def thinned(found: Iterable[Document]) -> list[Document]:
    """Sixty of them, drawn once and for all; all in the thorough profile."""
    every = list(found)
    return every if settings().max_examples > 1_000 else random.Random(0).sample(every, min(60, len(every)))


def barely_true() -> list[Claim]:
    """Claims that hold for one reason each: the action, the scope, the domain, or the sizes."""
    return [
        question("x^2", "shift", "W", (2, 1, 1, 4)),
        question("x^2", "translation", "W", (1, 1, 3, 5), band(1)),
        question("x^2", "translation", "W", (2, 1, 5, 10), band(2)),
        question("x*rsqrt(mean(x^2, W) + eps)", "translation", "W", (2, 1, 1, 4), NYQUIST_FREE),
        question("x*rsqrt(mean(x^2, HW) + eps)", "translation", "HW", (1, 1, 3, 3)),
        question("x*rsqrt(mean(x^2, HW) + eps)", "translation", "HW", (ANY, 1, ODD, ODD)),
        question("x - mean(x, B)", "translation", "W", (2, 1, 1, 4)),
        question("x*mean(x, C) - mean(x, BW)", "shift", "W", (2, 2, 1, 3), ALL, APART),
        question("mean((x - mean(x, W))^2, B) + x", "shift", "W", (2, 1, 1, 2), ALL, APART),
        question("x*mean(x^2, W)*rsqrt(mean(x^2, W))", "translation", "W", (1, 1, 1, 3)),
    ]


@pytest.mark.parametrize("claim", barely_true(), ids=lambda claim: f"{claim.term}-{claim.action.kind.value}")
def test_what_holds_is_not_refuted(claim: Claim) -> None:
    """By no example on a grid of its own or any other small one, no tiling, and no pattern."""
    assert isinstance(decide(claim), Proof)
    least = [size.least for size in claim.grid.sizes]
    place = claim.grid.layout.index(min(claim.action.moving))
    seen: Counter[str] = Counter()
    for n in dict.fromkeys([least[place], 2, 4, max(least[place] // 2, 1)]):
        for example in thinned(forged_examples(claim, [*least[:place], n, *least[place + 1 :]])):
            for kind, claimed in (("counterexample", FAILS), ("tiling", FAILS), ("tiling", FAILS_EVERYWHERE)):
                seen[fate(assembled(statement(claim, claimed), {"kind": kind, "example": example}))] += 1
    assert seen["rejected"] >= 30, seen
    for evidence in forged_patterns(claim, None):
        seen[fate(assembled(statement(claim, FAILS), evidence))] += 1
    assert seen["accepted"] == 0, seen


def test_an_example_proves_what_is_true() -> None:
    """The refuter is not only rejected: what it may do, it does."""
    seen: Counter[str] = Counter()
    for kind in ("counterexample", "counterexample, phase"):
        for claim in QUESTIONS[kind]:
            for example in thinned(forged_examples(claim, [size.least for size in claim.grid.sizes])):
                seen[fate(assembled(statement(claim, FAILS), {"kind": "counterexample", "example": example}))] += 1
    assert min(seen["accepted"], seen["rejected"]) >= 60, seen


def test_epsilon_is_positive() -> None:
    """Below 0 a term may fail that holds for every epsilon above 0, such as this one, which is 0 there."""
    claim = question("x*par(W)*(eps - eps^2*rsqrt(eps^2))", "shift", "W", (1, 1, 1, 3))
    found = list(forged_examples(claim, (1, 1, 1, 3), "-1"))
    assert len(found) >= 5
    for example in found:
        assert fate(assembled(statement(claim, FAILS), {"kind": "counterexample", "example": example})) == "rejected"


def test_equal_values_refute_nothing() -> None:
    """Both sides are 1, exactly; no pair of enclosures of 1 is apart."""
    claim = question("x", "shift", "W", (1, 1, 1, 3))
    part = {"amplitude": "1", "profiles": ["constant", "constant", "constant", "entry 0"]}
    instance = {"axis": "W", "moves": "all", "cells": [0, 0, 0, 3], "input": [part], "parameters": []}
    instance |= {"eps": "1", "entry": [0, 0, 0, 1]}
    example = {"sizes": [1, 1, 1, 3], "instance": instance, "displacement": {"samples": "1"}, "bits": 64}
    for first, second in ((["1", "1"], ["1", "1"]), (["0", "1"], ["1", "2"]), (["1", "2"], ["0", "1"])):
        sides = {"moved_then_layer": first, "layer_then_moved": second}
        document = assembled(statement(claim, FAILS), {"kind": "counterexample", "example": {**example, **sides}})
        assert refusal(json.dumps(document)) == "the two enclosures meet"


VANISHES_ON_THREE = "(mean((x - mean(x, C))^4, C) - 3/2*mean((x - mean(x, C))^2, C)^2)*par(W)"
"""Three numbers that add up to 0 satisfy this equation between their powers, and no other count of numbers does."""


def test_a_claim_that_holds_on_some_sizes_is_not_refuted_on_all() -> None:
    """On three channels the term is 0, so it is equivariant there; on two and four it is not."""
    for count in (2, 3, 4):
        one = question(VANISHES_ON_THREE, "shift", "W", (1, count, 1, 3))
        assert is_true(statement(one, HOLDS)) is (count == 3)
    family = question(VANISHES_ON_THREE, "shift", "W", (1, ANY, 1, ODD))
    assert is_true(statement(family, FAILS_EVERYWHERE)) is False
    seen: Counter[str] = Counter()
    for example in forged_examples(family, (1, 2, 1, 3)):
        stated = {claimed: statement(family, claimed) for claimed in (FAILS, FAILS_EVERYWHERE)}
        seen[fate(assembled(stated[FAILS], {"kind": "counterexample", "example": example}))] += 1
        assert fate(assembled(stated[FAILS_EVERYWHERE], {"kind": "tiling", "example": example})) == "rejected"
        if seen["accepted"] == 1:
            for evidence in forged_patterns(family, example):
                evidence["pattern"]["instance"]["parameters"] = [["1", "0", "0"]]
                assert fate(assembled(stated[FAILS_EVERYWHERE], evidence)) == "rejected"
    assert seen["accepted"] >= 1, seen


def test_a_wave_that_is_caught_on_small_grids_only_is_no_pattern() -> None:
    """A square of band 2 fails on 5 and 7 samples and holds from 9 on."""
    family = question("x^2", "translation", "W", (ANY, 1, Size(5, 2), Size(5, 2)), band(2))
    stated = statement(family, FAILS_EVERYWHERE)
    assert is_true(stated) is False
    small = question("x^2", "translation", "W", (2, 1, 5, 5), band(2))
    examples = [
        example
        for example in forged_examples(small, (2, 1, 5, 5))
        if fate(assembled(statement(small, FAILS), {"kind": "counterexample", "example": example})) == "accepted"
    ]
    assert examples
    assert {fate(assembled(stated, evidence)) for evidence in forged_patterns(family, examples[0])} == {"rejected"}
    on_five = question("x^2", "translation", "W", (2, 1, 5, 5), band(2))
    fates = {fate(assembled(statement(on_five, FAILS), evidence)) for evidence in forged_patterns(on_five, None)}
    assert fates == {"accepted", "rejected"}
