"""Every derived condition against what it says, computed: waves are sampled, multiplied, averaged and moved with NumPy.

A *generic* polynomial of degree L has random coefficients at all frequencies up to L, so that it breaks a law unless
the law holds for every polynomial of that degree. In float64 a broken law shows at the size of the coefficients.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product as pairs
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Eq, Max, Min, Rational, ceiling, false, floor, frac, true
from sympy.logic.boolalg import Boolean

from tests.mutants.cases import CASES, NO, OPEN, YES
from tests.mutants.changes import Mutant, derived
from tests.theory.brute import HOLDS_BELOW, translated
from theory.calculus.conditions import holds, relation, solved
from theory.calculus.linear import Linear
from theory.decision.decide import decide
from theory.decision.verdicts import Counterexample
from theory.derivations import (
    aliasing,
    band,
    closing,
    defect,
    mean,
    mean_over_entries,
    nyquist_defect,
    parameter,
    pointwise,
    product,
    two_samples,
)
from theory.derivations import sum as sum_rule
from theory.derivations.rule import L1, L2, K, L, N, Rule, j
from theory.derivations.rule import k as frequency
from theory.derivations.rule import t as displacement
from theory.spec.actions import Action, ActionKind
from theory.spec.claims import Claim
from theory.spec.grids import grid_of
from theory.spec.syntax import parse

RULES = (
    closing.RULE,
    mean.RULE,
    mean_over_entries.RULE,
    parameter.RULE,
    pointwise.RULE,
    two_samples.RULE,
    defect.RULE,
    nyquist_defect.RULE,
    product.RULE,
    sum_rule.RULE,
    band.ALL,
    band.NYQUIST_FREE,
)
QUARTERS = tuple(Fraction(i, 4) for i in range(25))
SMALL = range(1, 10)

Array = np.ndarray


def condition(rule: Rule, **values: int | Fraction) -> bool:
    """The derived condition at numbers."""
    found = relation(rule)
    result = found.subs({s: Rational(Fraction(values[s.name])) for s in found.free_symbols})
    assert result in (true, false), result
    return bool(result == true)


def polynomial(degree: int, seed: int = 0) -> Array:
    """Coefficients of the frequencies 0 … degree of a generic real trigonometric polynomial."""
    rng = np.random.default_rng((degree, seed))
    return (0.5 + rng.random(degree + 1)) * np.exp(2j * np.pi * rng.random(degree + 1))


def at(coefficients: Array, size: int, t: float = 0.0) -> Array:
    """The samples P(n - t) on ``size`` samples."""
    k = np.arange(len(coefficients))[:, None]
    return (coefficients[:, None] * np.exp(2j * np.pi * k * (np.arange(size) - t) / size)).real.sum(axis=0)


def same(a: Array, b: Array) -> bool:
    return bool(np.abs(a - b).max() < HOLDS_BELOW)


def test_the_geometric_sum() -> None:
    for size, k in pairs(SMALL, range(-20, 21)):
        total = np.exp(2j * np.pi * k * np.arange(size) / size).sum()
        derived = aliasing.character_sum().subs({N: size}).subs({frequency: k})
        assert abs(complex(derived) - total) < HOLDS_BELOW
        aliases = {int(aliasing.aliases_of_zero().subs({j: i, N: size})) for i in range(-20, 21)}
        assert bool(abs(total) > 0.5) is (k in aliases)


def test_closing_a_polynomial_is_recovered_from_its_samples() -> None:
    for size, degree in pairs(SMALL, range(10)):
        p = polynomial(degree)
        recovered = all(same(translated(at(p, size), 0, t), at(p, size, t)) for t in (0.3, 0.5, 1.7))
        assert recovered is condition(closing.RULE, L=degree, N=size), (size, degree)


def test_mean_over_the_moving_axis() -> None:
    for size, degree in pairs(SMALL, range(20)):
        p = polynomial(degree)
        means = np.array([at(p, size, t).mean() for t in (0.0, 0.3, 0.5, 1.7)])
        assert same(means, means[:1]) is condition(mean.RULE, L=degree, N=size), (size, degree)


def test_band_of_an_array() -> None:
    for size in range(1, 30):
        frequencies = np.fft.rfftfreq(size, 1 / size)
        assert condition(band.ALL, K=int(frequencies.max()), N=size)
        assert condition(band.NYQUIST_FREE, K=int(frequencies[2 * frequencies < size].max()), N=size)
        assert sum(condition(band.ALL, K=k, N=size) for k in range(40)) == 1
        assert sum(condition(band.NYQUIST_FREE, K=k, N=size) for k in range(40)) == 1


def test_mean_over_entries_that_move_apart() -> None:
    for size, degree in pairs((1, 3, 4, 7), range(4)):
        if 2 * degree >= size:
            continue
        first, second = at(polynomial(degree), size), at(polynomial(degree, 1), size)
        for t, s in pairs(QUARTERS[::3], QUARTERS):
            mixed = (translated(first, 0, float(t)) + translated(second, 0, float(s))) / 2
            kept = all(same(mixed, translated((first + second) / 2, 0, float(u))) for u in (t, s))
            assert kept is condition(mean_over_entries.RULE, L=degree, N=size, t=t, s=s), (size, degree, t, s)


def test_parameters_do_not_move() -> None:
    for size in range(1, 13):
        for period in (p for p in range(1, size + 1) if size % p == 0):
            array = np.tile(np.random.default_rng(period).normal(size=period), size // period)
            assert same(np.roll(array, 1), array) is condition(parameter.RULE, P=period, N=size)


def test_pointwise_functions_commute_with_whole_displacements() -> None:
    for size, t in pairs(range(2, 8), QUARTERS):
        x = np.random.default_rng(size).normal(size=size)
        commutes = all(
            same(function(translated(x, 0, float(t))), translated(function(x), 0, float(t)))
            for function in (np.square, np.abs, np.exp)
        )
        assert commutes is condition(pointwise.RULE, t=t), (size, t)


def test_even_functions_of_one_frequency() -> None:
    wave = np.array([0.0, 1.3 * np.exp(0.7j)])
    for size in range(2, 8):
        for t in range(15) if size == 2 else QUARTERS:
            # On two samples the wave is the Nyquist bin, which has no phase to be displaced by halves.
            kept = same(at(wave, size, float(t)) ** 2, at(wave, size) ** 2)
            assert kept is condition(two_samples.RULE, N=size, t=t), (size, t)


def test_defect_of_a_product_of_waves() -> None:
    for size, p in pairs((3, 5, 7, 9), (1, 2, 3, 4)):
        for k, t in pairs(range(-(size // 2), size // 2 + 1), QUARTERS[:9]):
            wave = np.exp(2j * np.pi * k * np.arange(size) / size)
            output = (p * k + size // 2) % size - size // 2
            phase = np.exp(-2j * np.pi * float(t) * output / size)
            tolerated = same((wave * np.exp(-2j * np.pi * float(t) * k / size)) ** p, wave**p * phase)
            assert tolerated is condition(defect.RULE, D=p * k - output, N=size, t=t), (size, p, k, t)


def test_degrees_of_products_and_sums() -> None:
    size = 64
    for first, second in pairs(range(6), repeat=2):
        a, b = at(polynomial(first), size), at(polynomial(second, 1), size)
        for rule, array in ((product.RULE, a * b), (sum_rule.RULE, a + b)):
            spectrum = np.abs(np.fft.rfft(array)) / size
            degree = int(np.flatnonzero(spectrum > 1e-9).max())
            assert solved(rule, L_1=Linear(first), L_2=Linear(second)) == Linear(degree)
            assert condition(rule, L=degree, L_1=first, L_2=second)


@given(st.integers(0, 5), st.integers(0, 4), st.integers(1, 5), st.integers(0, 4), st.sampled_from([closing, mean]))
def test_a_condition_holds_on_a_family_iff_it_does_on_its_members(
    a: int, b: int, c: int, d: int, module: object
) -> None:
    rule: Rule = module.RULE  # type: ignore[attr-defined]
    degree, samples = Linear(a, b), Linear(c, d)
    # Two lines in m cross at most once, and before m = 50 if they have coefficients up to 10.
    members = all(condition(rule, L=degree.at(m), N=samples.at(m)) for m in range(50))
    assert holds(rule, L=degree, N=samples) is members


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_derivation_says_the_same_again(rule: Rule) -> None:
    assert rule.derive() == rule.derive() == relation(rule)
    assert relation(rule) not in (true, false)
    assert rule.name
    assert rule.statement


CHANGED = (
    (closing, "RULE", L < N, "square, 2L = N", NO, YES),
    (closing, "RULE", false, "square of five samples, band 1", YES, OPEN),
    (mean, "RULE", L <= N, "mean of the 4th power, L = N", NO, YES),
    (mean, "RULE", false, "mean square of three samples", YES, OPEN),
    (mean_over_entries, "RULE", true, "samples that move apart, averaged", NO, YES),
    (parameter, "RULE", true, "a gain that varies along the map", NO, YES),
    (pointwise, "RULE", true, "a root of a map under translations", NO, YES),
    (two_samples, "RULE", Eq(frac(4 * displacement / N), 0), "four samples do not", NO, YES),
    (product, "RULE", Eq(L, Max(L1, L2)), "product of degrees 1 and 2", NO, YES),
    (sum_rule, "RULE", Eq(L, Min(L1, L2)), "sum of degrees 1 and 3", NO, YES),
    (band, "ALL", Eq(K, ceiling(N / 2) - 1), "mean square of all even maps", NO, YES),
    (band, "NYQUIST_FREE", Eq(K, floor(N / 2)), "mean square without the Nyquist bin", YES, NO),
)


@pytest.mark.parametrize(
    ("module", "name", "other", "question", "before", "after"),
    CHANGED,
    ids=[f"{getattr(module, name).name}: {other}" for module, name, other, *_ in CHANGED],
)
def test_changing_a_derivation_changes_verdicts(
    module: ModuleType, name: str, other: Boolean, question: str, before: str, after: str
) -> None:
    """The calculus has no second copy of a condition: it answers by whatever the derivation returns."""
    (case,) = (case for case in CASES if case.name == question)
    assert case.ask().verdict == before
    with Mutant(question, derived(module, other, name)).alive():
        assert case.ask().verdict == after
    assert case.ask().verdict == before


def test_changing_the_defect_changes_the_frequencies_at_fault() -> None:
    claim = Claim(
        parse("x^2"), Action(ActionKind.TRANSLATION, frozenset("W")), grid_of({"B": 1, "C": 1, "H": 1, "W": 5})
    )

    def inputs() -> tuple[int, ...]:
        verdict = decide(claim)
        assert isinstance(verdict, Counterexample)
        return verdict.violation.inputs

    assert inputs() == (2, 2)
    with Mutant("none is a violation", derived(defect, true)).alive():
        assert inputs() != (2, 2)
    assert inputs() == (2, 2)


def test_nyquist_waves_are_real() -> None:
    """A translation multiplies N/2 by a cosine and all others by a phase: the products must match for every t."""
    for a, a0, size, d in pairs(range(5), range(2), (4, 6), range(-3, 4)):
        t = np.array([0.2, 1 / 3, 0.5, 1.7])
        factors = np.cos(np.pi * t) ** a * np.exp(-2j * np.pi * t * d / size)
        matches = same(factors, np.cos(np.pi * t) ** a0)
        assert holds(nyquist_defect.RULE, a=a, a0=a0, D=d, N=Linear(size), t="real") is matches
