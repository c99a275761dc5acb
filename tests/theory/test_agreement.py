"""Agreement of the verdicts with brute force: random terms and random layers, decided and measured.

A proof must measure as rounding, a counterexample as a defect. Between the two thresholds of the brute force, and below
them where a narrow band makes a defect faint, random arrays in float64 cannot tell; the witness itself then has to
be replayed in long floats, which is stronger evidence than the measurement and not weaker.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import claims, degree, depth, grids, normalizations, terms
from equinorm.strategies.layers import EPSILONS
from numerics.layers import Moments, normalize
from numerics.terms import evaluate
from proofs.emit.document import evidence
from tests.effort import at_least
from tests.proofs.replay import FLOAT64, LONG, Bounded, differs, evaluated
from tests.theory.brute import FAILS_ABOVE, HOLDS_BELOW, measured, random_input, value
from tests.theory.sampling import telling
from theory.calculus.compile import compile_term
from theory.decision.decide import decide
from theory.decision.verdicts import Counterexample, Proof, Verdict
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW
from theory.spec.claims import Claim
from theory.spec.grids import Grid, Size
from theory.spec.layers import Normalization, Statistics
from theory.spec.terms import Mean, Parameter, Power, Term, parameters, walk

FIVE_BY_FIVE = Grid(BCHW, (Size(2), Size(2), Size(5), Size(5)))


def agrees(verdict: Verdict, error: float | None) -> bool:
    """Whether a verdict and a measured error, if there is one, say the same."""
    if isinstance(verdict, Proof):
        return error is None or error < HOLDS_BELOW
    if isinstance(verdict, Counterexample):
        if error is not None and error > FAILS_ABOVE:
            return True
        found = evidence(verdict)
        assert found is not None
        return differs(found["content"]["witness"], str(verdict.claim.term), LONG)
    return True


def test_random_terms_agree_with_brute_force() -> None:
    seen: Counter[str] = Counter()

    @at_least(500)
    @given(claims(about=terms().filter(telling), on=grids(largest=5, most_entries=2)), st.integers(0, 9))
    def each(claim: Claim, seed: int) -> None:
        verdict = decide(claim)
        error = measured(claim, seed)
        assert agrees(verdict, error), (verdict.name, error)
        settled = error is not None and not isinstance(verdict, Counterexample | Proof)
        seen.update([verdict.name, *(["measured"] if error is not None else []), *(["left open"] if settled else [])])
        seen.update([claim.action.kind.value, claim.action.scope.value, str(claim.domain)])
        seen.update(f"{size.least} samples" for size in claim.grid.sizes[2:])

    each()
    # The sample must contain what it is meant to test, or agreement would mean little.
    assert seen["equivariant"] + seen["not_equivariant"] + seen["unknown"] >= 500
    assert seen["measured"] >= 450
    assert min(seen["equivariant"], seen["not_equivariant"]) >= 100, seen
    for name in [*(kind.value for kind in ActionKind), *(scope.value for scope in Scope), "all", "nyquist-free", "1"]:
        assert seen[name] >= 20, (name, seen)
    for size in range(1, 6):
        assert seen[f"{size} samples"] >= 50, seen


@at_least(300)
@given(st.data())
def test_random_layers_are_decided_and_agree_with_brute_force(data: st.DataObject) -> None:
    layer = data.draw(normalizations(statistics=tuple(Statistics)), label="layer")
    about = st.just(compile_term(layer))
    claim = data.draw(claims(about=about, on=grids(largest=7, most_entries=3)), label="claim")
    verdict = decide(claim)
    assert isinstance(verdict, (Proof, Counterexample))
    error = measured(claim, data.draw(st.integers(0, 9), label="seed"))
    assert error is not None
    assert agrees(verdict, error), (verdict.name, error)


def test_few_polynomials_stay_unknown() -> None:
    """On 5 x 5 with two samples and two channels at most one polynomial term in ten of degree up to 3."""
    verdicts: dict[Claim, str] = {}

    @settings(max_examples=400)
    @given(claims(about=terms(degree=3).filter(telling), on=st.just(FIVE_BY_FIVE)))
    def each(claim: Claim) -> None:
        assert (degree(claim.term) or 0) <= 3
        verdicts[claim] = decide(claim).name

    each()
    counts = Counter(verdicts.values())
    assert len(verdicts) >= 300, counts
    assert min(counts["equivariant"], counts["not_equivariant"]) >= 50, counts
    assert 10 * counts["unknown"] <= len(verdicts), counts


def within_rounding(found: np.ndarray, claim: Claim, x: np.ndarray, drawn: list[np.ndarray], eps: Fraction) -> bool:
    """Whether another evaluation of the term is as near as the rounding of two evaluations allows, entry by entry."""
    supply = (Bounded(array, np.zeros_like(array)) for array in drawn)
    mine = evaluated(claim.term, Bounded(x, np.zeros_like(x)), supply, eps, claim.grid.layout, FLOAT64)
    return bool(np.all(np.abs(found - mine.value) <= 2 * mine.bound))


def drawn_for(claim: Claim, rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """A random array of the claim's domain, and an array for each parameter."""
    x = random_input(claim, rng)
    layout = claim.grid.layout
    shapes = [
        tuple(n if axis.name in p.axes else 1 for axis, n in zip(layout, x.shape, strict=True))
        for p in parameters(claim.term)
    ]
    return x, [rng.normal(size=shape) for shape in shapes]


@at_least(100)
@given(claims(on=grids(largest=5, most_entries=2)), st.integers(0, 2**32 - 1))
def test_three_readings_of_a_term_agree(claim: Claim, seed: int) -> None:
    x, drawn = drawn_for(claim, np.random.default_rng(seed))
    assert within_rounding(evaluate(claim.term, x, drawn, eps=1.0), claim, x, drawn, Fraction(1))
    brute, _ = value(claim.term, x, drawn, 1.0, BCHW)
    assert within_rounding(brute, claim, x, drawn, Fraction(1))


@at_least(100)
@given(normalizations(statistics=tuple(Statistics), epsilons=EPSILONS), grids(largest=5), st.integers(0, 2**32 - 1))
def test_a_layer_as_an_array_function_is_its_term(layer: Normalization, grid: Grid, seed: int) -> None:
    claim = Claim(compile_term(layer), Action(ActionKind.SHIFT, frozenset("HW")), grid)
    x, drawn = drawn_for(claim, np.random.default_rng(seed))
    running = layer.statistics is Statistics.RUNNING
    supply = iter(drawn)
    mean = next(supply) if running and layer.center is not None else None
    root = next(supply) if running and layer.scale is not None else None
    moments = Moments(mean, None if root is None else root**2) if running else None
    gain, bias = (next(supply), next(supply)) if layer.affine is not None else (None, None)
    assert next(supply, None) is None
    assert within_rounding(normalize(layer, x, gain, bias, moments), claim, x, drawn, layer.eps)


def test_what_random_terms_are_made_of() -> None:
    """Terms of depth up to 4, most of which are no normalization: they hold products, powers and nested means."""
    kinds: Counter[str] = Counter()

    @settings(max_examples=200)
    @given(terms().filter(telling))
    def each(term: Term) -> None:
        assert depth(term) <= 4
        kinds.update({type(node).__name__ for node in walk(term)})

    each()
    for kind in (Mean, Power, Parameter):
        assert kinds[kind.__name__] >= 20, kinds
