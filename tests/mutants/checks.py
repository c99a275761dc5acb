"""The checks that stand against the mutants: cases, true evidence, rewriting that keeps values, random claims."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from equinorm.questions import FAMILIES
from equinorm.strategies import claims, grids, normalizations, terms
from proofs.emit.document import evidence
from tests.mutants.cases import CASES, NO, YES, Case
from tests.proofs.replay import FLOAT64, Bounded, evaluated, replay
from tests.theory.brute import FAILS_ABOVE, HOLDS_BELOW, measured, random_input
from tests.theory.sampling import telling
from theory.calculus import expand, setting, simplify
from theory.calculus.compile import compile_term
from theory.decision.decide import decide
from theory.decision.verdicts import Counterexample
from theory.spec.actions import Action, ActionKind
from theory.spec.claims import Claim
from theory.spec.grids import grid_of
from theory.spec.syntax import parse
from theory.spec.terms import Parameter, Term, parameters, walk

RANDOM_CLAIMS = 120
SIZES = ({"B": 2, "C": 2, "H": 3, "W": 4}, {"B": 2, "C": 1, "H": 2, "W": 5})
REWRITTEN = (
    "mean(x*par(H), HW)",
    "mean(x^2*par(H)*par(CW), BCH)",
    "mean(mean(x, C), BH)",
    "mean(mean(x^2, HW)*x, CH)",
    "mean((x - mean(x, C))^2, CH)*(par(C) - par(C))",
    "mean(x - mean(x, H)*par(B), BW)^2",
    "2*x - mean(x, empty) - 3/2*x",
)
"""Terms whose means, factors, parameters and like terms could each be taken for others."""


@dataclass(frozen=True)
class Check:
    """A named check; ``run`` raises AssertionError where the calculus answers wrongly."""

    name: str
    run: Callable[[], None]


@cache
def random_claims() -> tuple[tuple[Claim, float | None], ...]:
    """Claims about random terms and layers, the same in every run, each with its measured error."""
    found: dict[Claim, float | None] = {}

    @settings(
        max_examples=RANDOM_CLAIMS,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        about = st.one_of(terms().filter(telling), normalizations().map(compile_term))
        claim = data.draw(claims(about=about, on=grids(largest=5, most_entries=2)))
        found[claim] = measured(claim, 0)

    draw()
    return tuple(found.items())


def agree_with_brute_force() -> None:
    """What is measured to hold is not refuted, and what is measured to fail is not proved."""
    for claim, error in random_claims():
        if error is None:
            continue
        name = decide(claim).name
        assert name != YES or error < HOLDS_BELOW, f"{claim.term} was proved"
        assert name != NO or error > FAILS_ABOVE, f"{claim.term} was refuted"


def frequencies_at_fault() -> None:
    """The waves that a refutation names make a wave that the action moves differently."""
    for asked in CASES:
        if NO not in asked.allowed:
            continue
        for _, verdict in asked.ask().verdicts:
            if not isinstance(verdict, Counterexample):
                continue
            fault = verdict.violation
            size = fault.size
            if fault.apart or isinstance(fault.judgement.term, Parameter):
                continue
            if verdict.witness.trial.displacement.denominator == 1:
                continue
            apart = [abs(_phases(fault.inputs, size, t) - _phases((fault.output,), size, t)) for t in (1 / 2, 1 / 3)]
            assert max(apart) > HOLDS_BELOW, f"{asked.name}: {fault.inputs} and {fault.output} move alike"


def _phases(frequencies: tuple[int, ...], size: int, t: float) -> complex:
    """What a translation by t multiplies the product of these waves by."""
    factors = [np.cos(np.pi * t) if 2 * abs(k) == size else np.exp(-2j * np.pi * k * t / size) for k in frequencies]
    return complex(np.prod(factors))


def counterexamples_are_true() -> None:
    """The numbers of each refuted case are replayed from its document."""
    for asked in CASES:
        if NO not in asked.allowed:
            continue
        for _, verdict in asked.ask().verdicts:
            if not isinstance(verdict, Counterexample):
                continue
            found = evidence(verdict)
            assert found is not None
            content = found["content"]
            (witness, *_) = [w for w in (content["witness"], content.get("smallest_grid", {})) if "x" in w]
            replayed = replay(witness, content["given"])
            assert replayed.apart, asked.name
            for mine, bound, text in (
                (replayed.moved_then_layer, replayed.first_bound, witness["moved_then_layer"]),
                (replayed.layer_then_moved, replayed.second_bound, witness["layer_then_moved"]),
            ):
                assert abs(mine - float(Fraction(text))) <= float(witness["error"]) + 2 * bound, asked.name


def rewriting_keeps_values() -> None:
    """The simplified and the expanded term have the values of the term that was given."""
    rng = np.random.default_rng(0)
    action = Action(ActionKind.SHIFT, frozenset("HW"))
    chosen = [Claim(parse(text), action, grid_of(sizes)) for text in REWRITTEN for sizes in SIZES]
    for claim in [*chosen, *(claim for claim, _ in random_claims())]:
        layout, eps = claim.grid.layout, Fraction(1)
        x = random_input(claim, rng)
        drawn = [
            rng.normal(size=tuple(n if axis.name in p.axes else 1 for axis, n in zip(layout, x.shape, strict=True)))
            for p in parameters(claim.term)
        ]
        # What the domain makes zero or constant is so up to rounding only.
        start = Bounded(x, np.full_like(x, 1e-13))

        def value(term: Term, order: list[int]) -> Bounded:
            supply = (Bounded(drawn[i], np.zeros_like(drawn[i])) for i in order)  # noqa: B023
            return evaluated(term, start, supply, eps, layout, FLOAT64)  # noqa: B023

        expected = value(claim.term, list(range(len(drawn))))
        for each in setting.settings(claim):
            given_term = simplify.numbered(claim.term)
            short = simplify.simplified(given_term, each)
            rewritten = [short]
            with suppress(expand.TooLarge):
                rewritten.append(expand.expanded(short, each))
            for term in rewritten:
                order = [node.index for node in walk(term) if isinstance(node, simplify.Occurrence)]
                found = value(term, order)
                apart = np.abs(found.value - expected.value) > 2 * (found.bound + expected.bound)
                assert not np.any(apart), f"{claim.term} became {term}"


def _patience(each: Case) -> int:
    """Refutations are found soon; that a family has none is asked last."""
    return 0 if NO in each.allowed else 2 if each.options["grid"] in FAMILIES else 1


CHECKS = (
    *(Check(f"case: {each.name}", each.run) for each in sorted(CASES, key=_patience)),
    Check("counterexamples are true", counterexamples_are_true),
    Check("frequencies at fault", frequencies_at_fault),
    Check("rewriting keeps values", rewriting_keeps_values),
    Check("agreement with brute force", agree_with_brute_force),
)
