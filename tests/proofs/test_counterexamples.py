"""Every counterexample document is true by itself: replayed from its JSON alone, both values come out and differ."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import BCDHW, BCT, claims, domains, grids, normalizations, parity_families, terms
from proofs.emit.document import evidence
from tests.proofs.replay import LONG, Document, described, read_array, replay
from tests.theory.sampling import telling
from theory.calculus.compile import compile_term
from theory.decision.decide import PRINTABLE, decide
from theory.decision.verdicts import Counterexample
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import Layout
from theory.spec.claims import Claim
from theory.spec.grids import ALL, NYQUIST_FREE, band, grid_of
from theory.spec.layers import Statistics
from theory.spec.syntax import parse


def shown(data: Document) -> list[Document]:
    """The witnesses of a document that print their numbers."""
    found = [data["witness"], *([data["smallest_grid"]] if "smallest_grid" in data else [])]
    return [witness for witness in found if "x" in witness]


def check_witness(data: Document, witness: Document) -> str:
    """Replay one witness; ``floats`` or ``long floats``, whichever tells the two values apart.

    A bound counts twice, because a value is rounded once more to be compared.
    """
    replayed = replay(witness, data["given"])
    error = Fraction(witness["error"])
    first, second = Fraction(witness["moved_then_layer"]), Fraction(witness["layer_then_moved"])
    assert abs(first - second) > 2 * error
    assert abs(replayed.moved_then_layer - float(first)) <= float(error) + 2 * replayed.first_bound
    assert abs(replayed.layer_then_moved - float(second)) <= float(error) + 2 * replayed.second_bound
    # The printed entries are the described ones.
    exact, printed = described(witness, LONG), read_array(witness["x"], LONG, witness["x"]["exact"])
    assert bool((abs(exact.value - printed.value) <= exact.bound + printed.bound).all())
    for parameter in witness["parameters"]:
        assert prod(parameter["shape"]) == len(parameter["entries"])
    if replayed.apart:
        return "floats"
    # A faint defect: float64 cannot tell, so x is taken exactly as described and everything has 60 digits.
    faint = replay(witness, data["given"], LONG, from_words=True)
    assert faint.apart
    assert abs(faint.moved_then_layer - LONG.number(first)) <= LONG.number(error) + 2 * faint.first_bound
    assert abs(faint.layer_then_moved - LONG.number(second)) <= LONG.number(error) + 2 * faint.second_bound
    return "long floats"


def check(claim: Claim) -> str | None:
    """Replay the evidence of a claim if it is a counterexample; by which numbers, or ``unprintable``."""
    verdict = decide(claim)
    if not isinstance(verdict, Counterexample):
        return None
    found = evidence(verdict)
    assert found is not None
    assert found["kind"] == "counterexample"
    data = json.loads(json.dumps(found["content"], allow_nan=False))
    assert data == found["content"]
    # What was refuted is the term that was asked about, and what moves is what the action moves.
    layout = claim.grid.layout
    assert parse(data["given"], layout) == claim.term
    assert data["witness"]["axis"] in claim.action.moving
    for witness in (data["witness"], data.get("smallest_grid", data["witness"])):
        if claim.action.kind is ActionKind.SHIFT:
            assert Fraction(witness["displacement"]).denominator == 1
        apart = claim.action.scope is Scope.PER_SAMPLE and witness["sizes"][layout.names[0]] > 1
        assert (witness["moves"] == "all") is not apart
        assert Fraction(witness["eps"]) > 0
    for name, size in zip(layout.names, claim.grid.sizes, strict=True):
        n = data["witness"]["sizes"][name]
        assert n >= size.least
        assert n == size.least if size.exact else (n - size.least) % size.step == 0
    used = [check_witness(data, witness) for witness in shown(data)]
    return ("long floats" if "long floats" in used else "floats") if used else "unprintable"


def test_counterexamples_of_random_terms() -> None:
    seen: Counter[str | None] = Counter()

    @settings(max_examples=400)
    @given(claims(on=grids(largest=8)))
    def each(claim: Claim) -> None:
        seen[check(claim)] += 1

    each()
    assert seen["floats"] >= 60, seen
    assert seen["unprintable"] == 0, seen


def test_counterexamples_of_random_layers() -> None:
    seen: Counter[str | None] = Counter()

    @settings(max_examples=250)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        term = compile_term(data.draw(normalizations(statistics=tuple(Statistics))))
        seen[check(data.draw(claims(about=st.just(term), on=grids(largest=8))))] += 1

    each()
    assert seen["floats"] >= 100, seen
    assert seen["unprintable"] == 0, seen


@pytest.mark.parametrize("layout", [BCT, BCDHW], ids=lambda layout: layout.names)
def test_counterexamples_over_other_layouts(layout: Layout) -> None:
    seen: Counter[str | None] = Counter()

    @settings(max_examples=150)
    @given(claims(layout, about=terms(layout, depth=3).filter(telling), on=grids(layout, largest=4, most_entries=2)))
    def each(claim: Claim) -> None:
        seen[check(claim)] += 1

    each()
    assert seen["floats"] >= 10, seen


def test_counterexamples_on_families() -> None:
    """A family is refuted on one of its members."""
    seen: Counter[str | None] = Counter()

    @settings(max_examples=100)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        term = compile_term(data.draw(normalizations()))
        grid = data.draw(parity_families())
        domain = data.draw(st.sampled_from([ALL, NYQUIST_FREE, band(1)]))
        action = Action(data.draw(st.sampled_from(ActionKind)), frozenset("HW"), data.draw(st.sampled_from(Scope)))
        seen[check(Claim(term, action, grid, domain))] += 1

    each()
    assert seen["floats"] >= 40, seen
    assert seen["unprintable"] == 0, seen


@pytest.mark.parametrize(("size", "numbers"), [(5, "floats"), (21, "long floats")])
def test_a_faint_defect_is_replayed_in_long_floats(size: int, numbers: str) -> None:
    """On band 1 the first power that aliases is the p-th, 2p >= N, and its coefficient 100^(1-p) leaves float64."""
    grid = grid_of({"B": 1, "C": 1, "H": 1, "W": size})
    moving = Action(ActionKind.TRANSLATION, frozenset("W"))
    odd = grid_of({"B": 1, "C": 1, "H": 3, "W": size})
    claim = Claim(parse("x * rsqrt(mean(x^2, C) + 10000)"), moving, odd, band(1))
    assert check(claim) == numbers
    assert check(Claim(claim.term, moving, grid)) == "floats"


@settings(max_examples=40)
@given(st.data())
def test_large_grids_show_a_printable_one(data: st.DataObject) -> None:
    term = compile_term(data.draw(normalizations()))
    grid = data.draw(grids(largest=40, smallest=6))
    claim = Claim(term, Action(ActionKind.TRANSLATION, frozenset("HW")), grid, data.draw(domains(grid)))
    verdict = decide(claim)
    if not isinstance(verdict, Counterexample):
        return
    found = evidence(verdict)
    assert found is not None
    content = found["content"]
    large = prod(content["witness"]["sizes"].values()) > PRINTABLE
    assert ("x" in content["witness"]) is not large
    if large:
        small = content["smallest_grid"]
        limit = 0 if claim.domain.band is None else claim.domain.band
        assert ("x" in small) is (limit < 4)
        for name in "HW":
            assert (small["sizes"][name] - content["witness"]["sizes"][name]) % 2 == 0
        for witness in shown(content):
            check_witness(content, witness)


def test_numbers_beyond_floats_are_written_as_decimals() -> None:
    claim = Claim(
        parse("x^64*999999999^64"),
        Action(ActionKind.TRANSLATION, frozenset("W")),
        grid_of({"B": 1, "C": 1, "H": 1, "W": 3}),
    )
    found = evidence(decide(claim))
    assert found is not None
    witness = found["content"]["witness"]
    assert Fraction(witness["error"]) > 0
    assert max(abs(Fraction(witness[side])) for side in ("moved_then_layer", "layer_then_moved")) > 10**308
    replayed = replay(witness, found["content"]["given"], LONG)
    assert replayed.apart
    first = LONG.number(Fraction(witness["moved_then_layer"]))
    assert abs(replayed.moved_then_layer - first) <= LONG.number(Fraction(witness["error"])) + 2 * replayed.first_bound


def test_a_wrong_number_is_noticed() -> None:
    """The replay itself can fail: any changed number of a document is seen."""
    claim = Claim(
        parse("x^2"), Action(ActionKind.TRANSLATION, frozenset("W")), grid_of({"B": 1, "C": 1, "H": 1, "W": 4})
    )
    verdict = decide(claim)
    found = evidence(verdict)
    assert found is not None
    good = found["content"]["witness"]
    check_witness(found["content"], good)
    changes: list[Document] = [
        {"moved_then_layer": "17"},
        {"layer_then_moved": "17"},
        {"displacement": "1"},
        {"input": good["input"].replace("entry 0", "entry 1")},
        {"error": "17"},
    ]
    for change in changes:
        with pytest.raises(AssertionError):
            check_witness(found["content"], {**good, **change})
    with pytest.raises(AssertionError):
        check_witness({**found["content"], "given": "x^3"}, good)
