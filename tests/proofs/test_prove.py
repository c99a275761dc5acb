"""Proof trees as first-order statements: z3 proves what is equivariant, and nothing else."""

from __future__ import annotations

import copy
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from proofs.emit.certificates import canonical, certificate
from proofs.emit.statements import FAILS, HOLDS, Document, statement
from proofs.kernel.reading import Rejected
from proofs.prove import checking
from proofs.prove.__main__ import main
from proofs.prove.axioms import Formula, Instance, Motion
from proofs.prove.checking import axioms_about, cross_check, cross_check_layer
from tests.effort import at_least
from tests.proofs.asked import CLAIMS, PER_SAMPLE, SHIFT, certified, claim
from theory.calculus.compile import compile_term
from theory.decision.blocks import Block, blocks
from theory.decision.decide import decide
from theory.decision.verdicts import Counterexample, Proof
from theory.spec.catalogue import CATALOGUE, find_layer
from theory.spec.claims import Claim
from theory.spec.grids import EVEN, NYQUIST_FREE, ODD, band


@pytest.fixture
def z3() -> Any:
    return pytest.importorskip("z3", reason="z3 is not installed: it is the extra 'prove'")


def refused(given: Claim) -> bool:
    """Whether z3 finds a way around the layer's equivariance along some axis."""
    answers = cross_check_layer(statement(given, HOLDS))
    assert all(answer.said in ("sat", "unsat") for answer in answers)
    return not all(answer.proved for answer in answers)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_on_all_families(name: str, z3: Any) -> None:
    for block in (b for b in blocks() if b.axes == "HW"):
        verdict = decide(replace(block.claim, term=compile_term(find_layer(name))))
        if isinstance(verdict, Counterexample):
            assert refused(verdict.claim)
            continue
        found = cross_check(certified(verdict.claim))
        assert found.proved
        assert [axis.axis for axis in found.axes] == ["H", "W"]
        assert all(axis.stated.proved for axis in found.axes)
        expected_axioms(block, name, set(found.axioms))


def expected_axioms(block: Block, name: str, used: set[str]) -> None:
    """What no proof can do without: without it the same would follow where it is false."""
    if block.action.kind is SHIFT:
        # On other grids the energy of translations will do, but for LayerNorm-C.
        assert "permutation" in used or name != "LayerNorm-C"
        assert "permutation" in used or block.domain == NYQUIST_FREE or block.size == ODD
        return
    assert "permutation" not in used
    assert used >= {"energy", "domain" if block.domain == NYQUIST_FREE else "samples"}


WRONG = {
    "LayerNorm-C is not translated": claim("LayerNorm-C"),
    "nor without Nyquist energy": claim("LayerNorm-C", size=EVEN, domain=NYQUIST_FREE),
    "a gain over H": claim("norm[center=HW, scale=HW, affine=H]", SHIFT),
    "a gain over H and W": claim("LayerNorm-CHW"),
    "centring over samples that move apart": claim("norm[center=B, scale=HW]", SHIFT, PER_SAMPLE),
    "scaling over samples that move apart": claim("norm[center=HW, scale=BC]", SHIFT, PER_SAMPLE),
    "energy on even grids": claim("InstanceNorm", size=EVEN),
    "energy of samples on even grids": claim("BatchNorm", size=EVEN),
    "energy on one even grid": claim("norm[scale=HW]", size=6),
    "a square of all real arrays": claim("x^2"),
    "a square of band N/4": claim("x^2", size=8, domain=band(2)),
    "a mean of fourth powers of band N/4": claim("x*mean(x^4, HW)", size=8, domain=band(2)),
    "three samples do not alternate": claim("norm[center=H, scale=B]", SHIFT, PER_SAMPLE, moving="H", size=3),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_equivariant_is_not_proved(wrong: str, z3: Any) -> None:
    assert isinstance(decide(WRONG[wrong]), Counterexample)
    assert refused(WRONG[wrong])


RIGHT = {
    "LayerNorm-C is shifted": (claim("LayerNorm-C", SHIFT), "permutation"),
    "centring over samples that move alike": (claim("norm[center=B, scale=HW]"), "entries alike"),
    "energy without Nyquist energy": (claim("InstanceNorm", size=EVEN, domain=NYQUIST_FREE), "domain"),
    "energy on one odd grid": (claim("norm[scale=HW]", size=5), "samples"),
    "a square of a band below N/4": (claim("x^2", size=9, domain=band(2)), "low frequencies"),
    "a mean of fourth powers below N/4": (claim("x*mean(x^4, HW)", size=9, domain=band(2)), "energy"),
    "a mean of cubes below N/3": (claim("x*mean(x^3, HW)", size=7, domain=band(2)), "energy"),
    "two samples alternate": (
        claim("norm[center=H, scale=B]", SHIFT, PER_SAMPLE, moving="H", size=2),
        "two samples",
    ),
    "what cancels": (claim("norm[center=empty, scale=C, affine=C]"), "cancelled"),
}


@pytest.mark.parametrize("right", RIGHT)
def test_what_their_neighbors_need(right: str, z3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each differs from one of ``WRONG`` in a condition, and cannot be proved without the axiom of that condition."""
    given_claim, axiom = RIGHT[right]
    found = cross_check(certified(given_claim))
    assert found.proved
    assert all(axiom in axis.stated.axioms for axis in found.axes)
    monkeypatch.setattr(
        checking, "axioms_about", lambda *given: [(name, a) for name, a in axioms_about(*given) if name != axiom]
    )
    assert refused(given_claim)


def test_what_lies_between_samples_is_beyond_this_reading(z3: Any) -> None:
    """x^2 + x has frequencies up to 4 on 7 samples; the calculus knows its degree, and these axioms no such thing."""
    given_claim = claim("x*mean((x^2 + x)*x, HW)", size=7, domain=band(2))
    assert not cross_check(certified(given_claim)).proved
    assert cross_check(certified(replace(given_claim, domain=band(1)))).proved


def test_random_claims_and_the_census(z3: Any) -> None:
    seen: Counter[str] = Counter()

    @at_least(60)
    @given(CLAIMS)
    def each(drawn: Claim) -> None:
        verdict = decide(drawn)
        if isinstance(verdict, Proof):
            found = cross_check(certified(drawn))
            assert found.proved, (str(found), drawn)
            seen["proved"] += bool(found.axes)
        elif isinstance(verdict, Counterexample):
            assert refused(drawn)
            seen["refused"] += 1

    each()
    assert min(seen["proved"], seen["refused"]) >= 10, seen


# What is written wrongly.


def step_of(document: Document, rule: str, axis: int = 0) -> Document:
    """The last step by some rule."""
    steps = document["evidence"]["derivations"][axis]["steps"]
    return [step for step in steps if step["rule"] == rule][-1]  # type: ignore[no-any-return]


def overstated(place: str, rule: str) -> Document:
    """The certificate of LayerNorm-AF with one fact too many."""
    found = copy.deepcopy(certified(claim("LayerNorm-AF")))
    step = step_of(found, rule)
    step["facts"][place] = [0, 0] if place == "degree" else True
    return found


@pytest.mark.parametrize(
    ("place", "rule", "claimed"),
    [
        ("equivariant", "power", "equivariant"),
        ("steady", "input", "steady"),
        ("degree", "input", "degree 0"),
        ("alternating", "sum", "alternating"),
    ],
)
def test_a_fact_too_many_is_found(place: str, rule: str, claimed: str, z3: Any) -> None:
    found = cross_check(overstated(place, rule))
    assert not found.proved
    for answer in (a for axis in found.axes[:1] for step in axis.steps for a in step.answers if not a.proved):
        assert answer.said == "sat"
    assert f"along H, step {failing(found)}, {rule}: {claimed}: sat" in str(found)
    # The layer itself is equivariant all the same.
    assert all(axis.derived.proved for axis in found.axes)


def failing(found: checking.CrossCheck) -> int:
    """The first step with a claim that is not proved."""
    return next(step.place for step in found.axes[0].steps if not all(a.proved for a in step.answers))


def test_a_degree_too_small_is_found(z3: Any) -> None:
    found = certified(claim("InstanceNorm"))
    assert step_of(found, "input")["facts"]["degree"] == [1, 1]
    step_of(found, "input")["facts"]["degree"] = [1, 0]
    assert "input: degree: sat" in str(cross_check(found))


@pytest.mark.parametrize(
    ("key", "value"),
    [("action", "translation"), ("scope", "per-sample"), ("domain", "all")],
)
def test_another_statement_is_not_proved(key: str, value: str, z3: Any) -> None:
    given_claim = {
        "action": claim("LayerNorm-C", SHIFT),
        "scope": claim("norm[center=B, scale=HW]"),
        "domain": claim("InstanceNorm", size=EVEN, domain=NYQUIST_FREE),
    }[key]
    found = certified(given_claim)
    assert cross_check(found).proved
    found["statement"][key] = value
    assert not any(axis.derived.proved for axis in cross_check(found).axes)


def test_another_term_or_kind_is_rejected(z3: Any) -> None:
    found = certified(claim("InstanceNorm"))
    wrong = copy.deepcopy(found)
    step_of(wrong, "mean")["with"]["axes"] = "H"
    with pytest.raises(Rejected, match="another term"):
        cross_check(wrong)
    with pytest.raises(Rejected, match="a list of 0 items"):
        cross_check({**found, "evidence": {"kind": "typing", "derivations": []}})
    for rule in ("sum", "product", "power", "mean"):
        wrong = copy.deepcopy(found)
        step_of(wrong, rule)["of"] = []
        with pytest.raises(Rejected, match=f"'?{rule}'? of 0 operands"):
            cross_check(wrong)
    refutation = certificate(decide(claim("LayerNorm-C", size=3)))
    assert refutation is not None
    with pytest.raises(Rejected):
        cross_check(refutation)
    with pytest.raises(Rejected, match="equivariant"):
        cross_check({**found, "statement": {**found["statement"], "claim": FAILS}})


def test_axioms_that_contradict_each_other_prove_nothing(z3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    true_ones = checking.samples

    def contradictory(motion: Motion) -> Iterator[Instance]:
        yield from true_ones(motion)
        false: Formula = ("<", ("samples",), ("whole", 0))
        yield "false", false

    monkeypatch.setattr(checking, "samples", contradictory)
    with pytest.raises(ArithmeticError, match="contradict"):
        cross_check(certified(claim("LayerNorm-AF")))


# The command.


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], z3: Any) -> None:
    right, wrong = canonical(certified(claim("InstanceNorm"))), canonical(overstated("equivariant", "power"))
    passed_over = certificate(decide(claim("LayerNorm-C", size=3)))
    assert passed_over is not None
    several, one = tmp_path / "several.jsonl", tmp_path / "one.json"
    several.write_text(right + canonical(passed_over) + wrong + "{}\n")
    one.write_text(right)
    assert main([str(one)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{one}: proved from band, constant, energy, linear, mean, samples",
        "proved 1, not proved 0, passed over 0",
    ]
    assert main([str(several), str(one)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1].split(" from")[0] for line in lines[:-1]] == [
        "proved",
        "passed over",
        "not proved",
        "not proved",
        "proved",
    ]
    assert lines[-1] == "proved 2, not proved 2, passed over 1"
    assert main([str(tmp_path / "absent.json")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'absent.json'}: No such file or directory\n"


def test_nothing_proved_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str], z3: Any) -> None:
    found = certificate(decide(claim("LayerNorm-C", size=3)))
    assert found is not None
    (tmp_path / "one.json").write_text(json.dumps(found))
    assert main([str(tmp_path / "one.json")]) == 1
    assert capsys.readouterr().out.endswith("proved 0, not proved 0, passed over 1\n")


def test_without_z3_the_extra_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'equinorm\[prove\]'"):
        cross_check(certified(claim("InstanceNorm")))
    assert main(["one.json"]) == 2
    assert capsys.readouterr().err == "z3=absent: expected the extra 'prove': pip install 'equinorm[prove]'\n"
