"""Proof documents and the text of a verdict: complete, in order, and saying the same as the verdict."""

from __future__ import annotations

import json
import re
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import claims, grids, normalizations, parity_families
from proofs.emit.document import Document, evidence
from proofs.emit.text import evidence_lines
from tests.theory.sampling import telling
from theory.calculus.compile import compile_term
from theory.decision.decide import decide
from theory.decision.reasons import reason
from theory.decision.verdicts import Counterexample, Proof, Unknown, Verdict
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import Layout
from theory.spec.claims import Claim
from theory.spec.grids import ALL, NYQUIST_FREE
from theory.spec.layers import Statistics
from theory.spec.syntax import parse
from theory.spec.terms import Constant, Epsilon, Input, Mean, Parameter, Power, Product, Sum, Term

RULES: dict[type[Term], set[str]] = {
    Input: {"input"},
    Constant: {"number"},
    Epsilon: {"number"},
    Parameter: {"parameter"},
    Sum: {"sum"},
    Product: {"product", "two samples"},
    Power: {"product", "two samples"},
    Mean: {"mean"},
}
"""The rules that may stand at a node; at a root (the only kind left) ``pointwise``."""


def holds_as_printed(condition: str) -> bool:
    """Whether ``L < N with L = 2, N = 5`` is true, for conditions that are printed with numbers only."""
    relation, _, given = condition.partition(" with ")
    values = dict(re.findall(r"(\w+) = (-?\d+)(?=,|$)", given))
    match = re.fullmatch(r"(\d*)\*?([A-Z]) < ([A-Z])", relation)
    if match is None or {match[2], match[3]} - set(values):
        return True
    return int(match[1] or 1) * int(values[match[2]]) < int(values[match[3]])


def check_derivation(data: Document, layout: Layout) -> None:
    steps = data["steps"]
    assert steps
    assert data["form"] in ("simplified", "expanded")
    for place, step in enumerate(steps):
        term = parse(step["term"], layout)
        assert all(0 <= premise < place for premise in step["premises"])
        assert step["rule"] in RULES.get(type(term), {"pointwise"})
        assert step["facts"]
        # The premises of a step are the operands of its term, in order.
        premises = [parse(steps[premise]["term"], layout) for premise in step["premises"]]
        assert premises == list(term.children)
        assert all(holds_as_printed(condition) for condition in step["conditions"])
    used = {premise for step in steps for premise in step["premises"]}
    assert used == set(range(len(steps) - 1))
    assert steps[-1]["facts"].split(",")[0] in ("equivariant", "invariant")


def check(verdict: Verdict) -> None:
    layout = verdict.claim.grid.layout
    found, lines, why = evidence(verdict), list(evidence_lines(verdict)), reason(verdict)
    assert why
    assert why == why.strip()
    assert "\n" not in why
    if isinstance(verdict, Unknown):
        assert found is None
        assert lines == []
        return
    assert found is not None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    text = "\n".join(lines)
    assert found["kind"] == ("proof" if isinstance(verdict, Proof) else "counterexample")
    if isinstance(verdict, Proof):
        derivations = found["content"]["derivations"]
        exact = {axis.name: size for axis, size in zip(layout, verdict.claim.grid.sizes, strict=True)}
        moving = {name for name in verdict.claim.action.moving if not (exact[name].exact and exact[name].least == 1)}
        assert {each["axis"] for each in derivations} == moving
        for each in derivations:
            assert parse(each["given"], layout) == verdict.claim.term
            check_derivation(each, layout)
            # Every term of the document stands in the text, under the same rule.
            for step in each["steps"]:
                assert f"{step['term']}   [{step['rule']}" in text
        assert bool(lines) is bool(derivations)
    else:
        witness = found["content"]["witness"]
        assert lines[0] == "Counterexample:"
        for value in (witness["moved_then_layer"], witness["layer_then_moved"], witness["displacement"]):
            assert value in text
        assert ("The same on the smallest grid" in text) is ("smallest_grid" in found["content"])
        if "x" in witness:
            printed = [entry for line in lines for entry in line.partition(":  ")[2].split("  ") if line[:4] == "    "]
            assert printed[: len(witness["x"]["entries"])] == witness["x"]["entries"]
        assert found["content"]["fault"]["term"] in why


def test_evidence_of_random_terms() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=250)
    @given(claims(on=grids(largest=7)))
    def each(claim: Claim) -> None:
        verdict = decide(claim)
        check(verdict)
        seen[verdict.name] += telling(claim.term)

    each()
    assert min(seen["equivariant"], seen["not_equivariant"]) >= 30, seen


def test_evidence_of_layers_on_families() -> None:
    seen: Counter[type[Verdict]] = Counter()

    @settings(max_examples=250)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        term = compile_term(data.draw(normalizations(statistics=tuple(Statistics))))
        action = Action(
            data.draw(st.sampled_from(ActionKind)),
            data.draw(st.sampled_from([frozenset("HW"), frozenset("H"), frozenset("W")])),
            data.draw(st.sampled_from(Scope)),
        )
        domain = data.draw(st.sampled_from([ALL, NYQUIST_FREE]))
        verdict = decide(Claim(term, action, data.draw(parity_families()), domain))
        check(verdict)
        seen[type(verdict)] += 1

    each()
    assert min(seen[Proof], seen[Counterexample]) >= 50, seen
    assert seen[Unknown] == 0


def test_conditions_with_numbers_are_read() -> None:
    assert holds_as_printed("2*L < N with L = 2, N = 5")
    assert not holds_as_printed("2*L < N with L = 3, N = 5")
    assert not holds_as_printed("L < N with L = 5, N = 5")
