"""A changed certificate is rejected, or what it states is true: every field, every kind of evidence.

The table of all changes: ``python -m tests.proofs.tampering``.
"""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import claims, grids
from proofs.emit.certificates import accepted_certificate
from proofs.kernel.checking import verdict as refusal
from tests.effort import at_least
from tests.proofs import tampering
from tests.proofs.judge import Document, is_true
from tests.proofs.tampering import QUESTIONS, Tally, changed, crossed, originals, question, walk_all
from theory.decision.decide import decide
from theory.decision.verdicts import Proof
from theory.spec.claims import Claim

PICKS = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))


def every() -> int:
    """All changes in the thorough profile, one of seven in the fast one."""
    return 1 if settings().max_examples > 1_000 else 7


def rules_of(document: Document) -> set[str]:
    """The rules that a typing proof uses."""
    return {step["rule"] for each in document["evidence"]["derivations"] for step in each["steps"]}


def test_the_sample_holds_every_kind_of_evidence() -> None:
    found = {kind: originals(kind) for kind in QUESTIONS}
    for kind, documents in found.items():
        assert len(documents) == len(QUESTIONS[kind])
        assert {each["evidence"]["kind"] for each in documents} == {kind.partition(",")[0]}
        assert all(is_true(each["statement"]) for each in documents)
    assert all("closing" in rules_of(each) for each in found["typing, closing"])
    pairs = set().union(*map(rules_of, found["typing, two samples"]))
    assert {"centered pair", "sum of pairs", "product of pairs", "power of pairs"} <= pairs
    verdicts = [decide(claim) for claim in QUESTIONS["typing, rewritten"]]
    forms = {each.form for verdict in verdicts if isinstance(verdict, Proof) for each in verdict.derivations}
    assert forms == {"simplified", "expanded"}
    assert any("cosine" in each["evidence"]["example"]["displacement"] for each in found["counterexample, phase"])
    for kind in ("shift", "wave"):
        assert {each["evidence"]["pattern"]["kind"] for each in found[f"pattern, {kind}"]} == {kind}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_every_field_of_a_certificate_matters(kind: str) -> None:
    tally = Tally(Counter(), [])
    walk_all(kind, tally, every())
    assert tally.wrong == []
    assert tally.total("tried") >= 200, tally.table()
    assert tally.total("rejected") >= 0.85 * tally.total("tried"), tally.table()
    # Some changes leave the statement true, or the judge would not be asked anything.
    assert min(tally.total("same statement"), tally.total("true statement")) >= 1, tally.table()


def test_derivations_name_their_axes_in_order() -> None:
    (original,) = [each for each in originals("typing") if len(each["evidence"]["derivations"]) == 2][:1]
    first, second = original["evidence"]["derivations"]
    for derivations in ([second, first], [first, first], [first, {**second, "axis": "H"}], [first], []):
        changed_evidence = {**original["evidence"], "derivations": derivations}
        assert refusal(json.dumps({**original, "evidence": changed_evidence})) is not None


def test_evidence_proves_no_other_statement() -> None:
    tally = Tally(Counter(), [])
    known = [document for kind in QUESTIONS for document in originals(kind)]
    for document in crossed(known):
        tally.add("crossed", document, {"statement": None})
    assert tally.wrong == []
    assert tally.total("true statement") >= len(known)
    assert tally.total("rejected") >= 1_500, tally.table()


def test_several_changes_at_once() -> None:
    tally = Tally(Counter(), [])
    known = [document for kind in QUESTIONS for document in originals(kind)]

    @at_least(600)
    @given(st.sampled_from(range(len(known))), st.lists(PICKS, min_size=2, max_size=3))
    def each(number: int, picks: list[tuple[int, int]]) -> None:
        tally.add("several", changed(known[number], picks), known[number])

    each()
    assert tally.wrong == []
    assert tally.total("rejected") >= 300, tally.table()


def test_changes_of_random_certificates() -> None:
    tally = Tally(Counter(), [])

    @at_least(150)
    @given(claims(on=grids(largest=5, most_entries=2)), st.lists(st.lists(PICKS, min_size=1, max_size=2), min_size=6))
    def each(claim: Claim, rounds: list[list[tuple[int, int]]]) -> None:
        original = accepted_certificate(decide(claim))
        if original is not None:
            for picks in rounds:
                tally.add("random", changed(original, picks), original)

    each()
    assert tally.wrong == []
    assert tally.total("tried") >= 600, tally.table()
    assert tally.total("rejected") >= 450, tally.table()


def test_the_judge_can_say_no() -> None:
    """A false statement is seen as such, or an accepted one would prove nothing about the kernel."""
    (original,) = originals("counterexample, family")
    stated = original["statement"]
    assert is_true(stated) is True
    for change in ({"claim": "equivariant"}, {"domain": 0}, {"action": "shift"}, {"term": "x"}):
        assert is_true({**stated, **change}) is False
    # On band 2 a square fails on 5 to 8 samples only.
    assert is_true({**stated, "claim": "nowhere equivariant"}) is False


def test_a_kernel_that_accepts_too_much_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tampering, "check", json.loads)
    tally = Tally(Counter(), [])
    original = originals("typing, closing")[0]
    assert tally.add("typing", original, original) == "same statement"
    false = {**original, "statement": {**original["statement"], "claim": "not equivariant"}}
    assert tally.add("typing", false, original) == "FALSE"
    assert len(tally.wrong) == 1


def test_a_smaller_claim_is_accepted_with_the_same_evidence() -> None:
    """The other outcome of a change: the statement is another one, and true, and so the evidence may prove it."""
    claim = question("x - mean(x, CHW)", "shift", "HW", (2, 2, 3, 3))
    found = accepted_certificate(decide(claim))
    assert found is not None
    for size in ([2, 1], [7, 0], [1, 0]):
        axes = [dict(axis) for axis in found["statement"]["axes"]]
        axes[1]["size"] = size
        assert refusal(json.dumps({**found, "statement": {**found["statement"], "axes": axes}})) is None
