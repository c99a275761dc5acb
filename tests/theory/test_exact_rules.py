"""Rules are theorems: on 2 to 8 samples what each rule states is decided exactly and compared with what was derived.

The two sides share nothing: ``exact`` computes with waves on N samples in sums of roots of unity, ``derive`` solves for
a condition in SymPy. They must agree in every case, so that the condition is sufficient and necessary, and a condition
that is a little too weak or too strong must be convicted by some case.
"""

from __future__ import annotations

import cmath
import pkgutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from functools import cache
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import And, Eq, Or, Rational, ceiling, false, floor, frac, true
from sympy.logic.boolalg import Boolean

import theory.derivations
from tests.mutants.changes import RELATIONS, Mutant
from theory.calculus.conditions import holds, relation
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
from theory.derivations.exact import cis, number, real, total
from theory.derivations.rule import L1, L2, Case, K, L, N, P, Rule
from theory.derivations.rule import k as frequency
from theory.derivations.rule import s as other_displacement
from theory.derivations.rule import t as displacement
from theory.derivations.samples import samples, scaled, times, translated, unknowns

SIZES = range(2, 9)
HALF = Fraction(1, 2)


def all_rules() -> tuple[Rule, ...]:
    """The rules that the derivations export, as they are now."""
    names = [found.name for found in pkgutil.iter_modules(theory.derivations.__path__)]
    modules = [import_module(f"theory.derivations.{name}") for name in names]
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Rule))


RULES = all_rules()
every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])


@cache
def cases(rule: Rule) -> tuple[Case, ...]:
    """What is decided on all sizes; several patterns of frequencies that make one case and come out alike, once."""
    decided = (case for size in SIZES for case in rule.exact(size))
    return tuple({(*case.values.items(), case.holds): case for case in decided}.values())


@cache
def _derived(rule: Rule, values: tuple[tuple[str, int | Fraction | str], ...]) -> bool:
    if any(isinstance(value, str) for _, value in values):
        return holds(rule, **dict(values))
    condition = relation(rule)
    answer = condition.xreplace({symbol: Rational(dict(values)[symbol.name]) for symbol in condition.free_symbols})
    assert answer in (true, false), answer
    return bool(answer == true)


def derived(rule: Rule, case: Case) -> bool:
    """What the derived relation says in a case; of all displacements of an action, what the calculus makes of it."""
    asked = {symbol.name for symbol in relation(rule).free_symbols}
    return _derived(rule, tuple((name, value) for name, value in case.values.items() if name in asked))


@every_rule
def test_what_is_derived_is_what_is_true(rule: Rule) -> None:
    assert [case for case in cases(rule) if derived(rule, case) is not case.holds] == []


@every_rule
def test_cases_lie_on_both_sides_of_the_boundary(rule: Rule) -> None:
    for size in SIZES:
        outcomes = {case.holds for case in cases(rule) if case.values["N"] == size}
        # Without the Nyquist wave two samples hold the frequency 0 only, which has no defect but 0.
        assert outcomes == ({True} if (rule, size) == (defect.RULE, 2) else {True, False})


@every_rule
def test_cases_give_every_symbol_a_value(rule: Rule) -> None:
    names = {symbol.name for symbol in relation(rule).free_symbols}
    assert all(names <= set(case.values) for case in cases(rule))


@pytest.mark.parametrize("mutant", RELATIONS, ids=lambda mutant: mutant.name)
def test_the_mutants_of_the_relations_are_convicted(mutant: Mutant) -> None:
    with ExitStack() as stack:
        mutant.apply(stack)
        (changed,) = set(all_rules()) - set(RULES)
    (rule,) = (rule for rule in RULES if rule.name == changed.name)
    assert any(derived(changed, case) is not case.holds for case in cases(rule))


T, S, A, A0, D = displacement, other_displacement, nyquist_defect.A, nyquist_defect.A0, defect.D

# A condition that is weaker than the derived one by as little as its form allows, and one that is stronger.
NEAR: tuple[tuple[Rule, Boolean, Boolean], ...] = (
    (closing.RULE, 2 * L <= N, 2 * L < N - 1),
    (mean.RULE, L <= N, L < N - 1),
    (mean_over_entries.RULE, Or(L <= 1, Eq(frac((S - T) / N), 0)), Eq(frac((S - T) / N), 0)),
    (mean_over_entries.RULE, Or(Eq(L, 0), Eq(frac(2 * (S - T) / N), 0)), Or(Eq(L, 0), Eq(S - T, 0))),
    (parameter.RULE, P <= 2, P < 1),
    (pointwise.RULE, Eq(frac(2 * T), 0), Eq(frac(T / 2), 0)),
    (two_samples.RULE, Eq(frac(4 * T / N), 0), Eq(frac(T / N), 0)),
    (defect.RULE, Eq(frac(2 * T * D / N), 0), Eq(frac(T * D / (2 * N)), 0)),
    (nyquist_defect.RULE, And(A >= A0, Eq(frac(T * D / N), 0)), And(Eq(A, A0), A < 1, Eq(frac(T * D / N), 0))),
    (nyquist_defect.RULE, And(Eq(frac((A - A0) / 2), 0), Eq(frac(T * D / N), 0)), And(Eq(A, 0), Eq(A0, 0), Eq(D, 0))),
    (product.RULE, L >= L1 + L2, And(L1 > 0, Eq(L, L1 + L2))),
    (sum_rule.RULE, Or(Eq(L, L1), Eq(L, L2)), And(L1 >= L2, Eq(L, L1))),
    (band.ALL, Or(Eq(K, floor(N / 2)), Eq(K, ceiling(N / 2))), And(Eq(K, floor(N / 2)), N < 5)),
    (band.NYQUIST_FREE, Or(Eq(K, floor(N / 2)), Eq(K, ceiling(N / 2) - 1)), And(Eq(K, ceiling(N / 2) - 1), N < 5)),
)


@pytest.mark.parametrize(("rule", "weaker", "stronger"), NEAR, ids=[f"{r.name}: {w}; {s}" for r, w, s in NEAR])
def test_a_condition_close_to_the_derived_one_is_convicted(rule: Rule, weaker: Boolean, stronger: Boolean) -> None:
    too_weak, too_strong = replace(rule, derive=lambda: weaker), replace(rule, derive=lambda: stronger)
    few = [case for case in cases(rule) if case.values["N"] in range(2, 6)]
    assert any(derived(too_weak, case) and not case.holds for case in few)
    assert any(case.holds and not derived(too_strong, case) for case in few)
    # Close indeed: neither is wrong in the other direction.
    assert all(derived(too_weak, case) for case in few if case.holds)
    assert not any(derived(too_strong, case) for case in few if not case.holds)


def test_every_rule_has_conditions_close_to_it() -> None:
    assert {rule for rule, *_ in NEAR} == set(RULES)


@pytest.mark.parametrize("size", SIZES)
def test_the_geometric_sum(size: int) -> None:
    derived_sum = aliasing.character_sum().subs({N: size})
    for k in range(-2 * size, 2 * size + 1):
        assert total(samples(k, size)) == int(derived_sum.subs({frequency: k})), k


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 23)), max_size=8))
def test_a_number_is_zero_iff_its_value_is(terms: Sequence[tuple[int, int]]) -> None:
    exact = total(c * cis(Fraction(q, 24)) for c, q in terms)
    value = sum(c * cmath.exp(2j * cmath.pi * q / 24) for c, q in terms)
    # It has 8 conjugates, in pairs of one modulus, each of modulus 24 at most, and an integer not 0 as their product.
    assert (exact == 0) is (abs(value) < 24**-3 / 2)
    assert exact.reduced() == exact


def test_sums_of_roots_of_unity() -> None:
    golden = cis(Fraction(1, 5)) + cis(Fraction(4, 5))
    assert golden * golden + golden == 1
    assert cis(Fraction(1, 6)) + cis(Fraction(5, 6)) == 1
    assert cis(Fraction(1, 8)) + cis(Fraction(7, 8)) != Fraction(7, 5)


def test_unknowns_are_independent() -> None:
    t, s = cis(real("t")), cis(real("s"))
    assert t != s
    assert t * t != 1
    assert t * s == cis(real("s") + real("t"))
    assert (t + s) * (t - s) == t * t - s * s
    assert number(0) != t - t * HALF


@pytest.mark.parametrize("size", SIZES)
def test_whole_translations_are_shifts(size: int) -> None:
    y = unknowns(size)
    assert translated(y, 1) == (y[-1], *y[:-1])
    assert translated(y, 1) != y
    assert translated(y, size) == translated(y, 0) == y


@pytest.mark.parametrize("size", SIZES)
def test_translations_are_a_group_on_odd_axes_only(size: int) -> None:
    y, t, s = unknowns(size), real("t"), real("s")
    assert (translated(translated(y, s), t) == translated(y, t + s)) is (size % 2 == 1)


def test_three_samples_moved_by_a_half() -> None:
    one = (number(1), number(0), number(0))
    assert translated(one, HALF) == (Fraction(2, 3), Fraction(2, 3), Fraction(-1, 3))


@pytest.mark.parametrize("size", [2, 4, 6])
def test_the_energy_that_a_translation_takes_from_an_even_axis(size: int) -> None:
    """sin^2(pi t) (sum_n (-1)^n y_n)^2 / N."""
    y, t = unknowns(size), real("t")
    after = translated(y, t)
    alternating = total(scaled((-1) ** n, y)[n] for n in range(size))
    squared_sine = Fraction(1, 4) * (number(2) - cis(t) - cis(-1 * t))
    lost = total(times(y, y)) - total(times(after, after))
    assert lost == squared_sine * alternating * alternating * Fraction(1, size)
