"""The mutants themselves: for each rule the relation or the law that stands in its place.

Three kinds: a derivation returns another relation; a typing rule gives facts that it may not give (or none); a step
before or after the typing (rewriting, settings, error bounds) forgets something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from sympy import Eq, Max, Min, Or, Symbol, ceiling, false, floor, frac, true

from theory.calculus import conditions, displace, expand, simplify, typing, witness
from theory.calculus.facts import INVARIANT, NO_FACT, Facts, Judgement
from theory.calculus.linear import Linear
from theory.calculus.setting import Setting
from theory.decision import decide
from theory.derivations import (
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
from theory.derivations.rule import L1, L2, K, L, N, P, s, t
from theory.spec.axes import AxisSet
from theory.spec.terms import Input, InverseRoot, Mean, Parameter, Power, Product, Sum, Term, multiply

Change = Callable[[ExitStack], None]


@dataclass(frozen=True)
class Mutant:
    """A named change of the calculus; ``apply`` makes it until the stack is closed."""

    name: str
    apply: Change

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The change, with nothing remembered from before it, and nothing of it afterwards."""
        with ExitStack() as stack:
            stack.callback(conditions.forget)
            self.apply(stack)
            conditions.forget()
            yield


def derived(module: Any, relation: Any, name: str = "RULE") -> Change:
    """Another relation as the result of a derivation."""

    def apply(stack: ExitStack) -> None:
        stack.enter_context(patch.object(module, name, replace(getattr(module, name), derive=lambda: relation)))

    return apply


def attribute(owner: Any, name: str, make: Callable[[Any], Any]) -> Change:
    """Another function in the place of a function; ``make`` is given the original."""

    def apply(stack: ExitStack) -> None:
        stack.enter_context(patch.object(owner, name, make(getattr(owner, name))))

    return apply


def rule_for(kind: type[Term], change: Callable[[Any, Setting, Judgement], Facts | None]) -> Change:
    """Other facts than the typing rule for a kind of node gives; ``None`` keeps them."""

    def apply(stack: ExitStack) -> None:
        original = typing.apply_rule.dispatch(kind)

        def changed(term: Term, where: Setting) -> Judgement:
            found = original(term, where)
            facts = change(term, where, found)
            return found if facts is None else replace(found, facts=facts)

        typing.apply_rule.register(kind)(changed)
        stack.callback(typing.apply_rule.register(kind), original)

    return apply


def _premises(found: Judgement) -> list[Facts]:
    return [premise.facts for premise in found.premises]


def _any(name: str) -> Callable[[Any, Setting, Judgement], Facts | None]:
    """A fact of the result as soon as one operand has it."""

    def change(_term: Term, _where: Setting, found: Judgement) -> Facts | None:
        if not any(getattr(facts, name) for facts in _premises(found)):
            return None
        return INVARIANT if name == "invariant" else replace(found.facts, **{name: True})

    return change


def _all_equivariant(_term: Term, _where: Setting, found: Judgement) -> Facts | None:
    return replace(found.facts, equivariant=True) if all(f.equivariant for f in _premises(found)) else None


def _degree_closes(_term: Term, _where: Setting, found: Judgement) -> Facts | None:
    return replace(found.facts, equivariant=True) if found.facts.degree is not None else None


def _alternates_when_centered(term: Sum, where: Setting, found: Judgement) -> Facts | None:
    return replace(found.facts, alternating=True) if typing._centered(term, where) else None


def _alternating_powers_stay(_term: Term, _where: Setting, found: Judgement) -> Facts | None:
    return INVARIANT if all(facts.alternating for facts in _premises(found)) else None


def _one_alternating_factor(_term: Term, _where: Setting, found: Judgement) -> Facts | None:
    moving = [facts for facts in _premises(found) if not facts.invariant]
    return INVARIANT if len(moving) % 2 == 0 and any(facts.alternating for facts in moving) else None


def _centered_over_more(term: Sum, where: Setting) -> bool:
    return len(term.terms) == 2 and any(
        isinstance(node, Mean) and where.moving.name in node.axes
        for part in term.terms
        for node in (part, *part.children)
    )


def _mean_of_anything(term: Mean, where: Setting, _found: Judgement) -> Facts | None:
    return INVARIANT if where.moving.name in term.axes else None


def _mean_keeps_facts(term: Mean, where: Setting, found: Judgement) -> Facts | None:
    return None if where.moving.name in term.axes else _premises(found)[0]


def _steady_moves_along(_term: Term, _where: Setting, found: Judgement) -> Facts | None:
    return replace(found.facts, equivariant=True) if found.facts.steady else None


def _root_keeps_degree(_term: Term, _where: Setting, found: Judgement) -> Facts | None:
    degree = _premises(found)[0].degree
    return None if found.facts.invariant or degree is None else Facts(found.facts.equivariant, degree)


def _input_one_less(_term: Term, where: Setting, found: Judgement) -> Facts | None:
    lower = Linear(where.band.first - 1, where.band.step)
    return None if where.band.zero or lower.zero else replace(found.facts, degree=lower)


def _merged(original: Callable[[Term], Term]) -> Callable[[Term], Term]:
    """Parameters that vary over the same axes become one."""

    def merge(node: Term) -> Term:
        if isinstance(node, simplify.Occurrence):
            return simplify.Occurrence(node.axes, 0)
        return simplify._rebuilt(node, tuple(map(merge, node.children)))

    return lambda term: merge(original(term))


def _pulled_out(_original: Any) -> Callable[[Term, AxisSet, Setting], Term]:
    """A factor that varies along one of the reduced axes leaves the mean if it does not vary along all."""

    def mean_of(term: Term, axes: AxisSet, where: Setting) -> Term:
        axes &= simplify.support(term, where)
        if not axes:
            return term
        if isinstance(term, Product):
            outside = [factor for factor in term.factors if not axes <= simplify.support(factor, where)]
            inside = [factor for factor in term.factors if axes <= simplify.support(factor, where)]
            if outside and inside:
                return multiply(*outside, Mean(multiply(*inside), axes))
        return Mean(term, axes)

    return mean_of


def _outer_mean_dropped(original: Any) -> Callable[[Term, AxisSet, Setting], Term]:
    return lambda term, axes, where: term if isinstance(term, Mean) else original(term, axes, where)


def _constant_along_two(original: Any) -> Callable[[Term, Setting], AxisSet]:
    """What varies along an axis of two samples only is taken to be constant."""
    return lambda term, where: (
        original(term, where) - {d.name for d in where.dimensions if d.spatial and d.size.exact and d.size.least == 2}
    )


def _signs_only(original: Any) -> Callable[[Term], Any]:
    def split(term: Term) -> Any:
        value, body = original(term)
        return (value / abs(value) if value else value), body

    return split


def _product_of_means(original: Any) -> Callable[..., Any]:
    """The mean of a product as the product of the means."""

    def changed(atoms: Any, term: Mean, where: Setting) -> Any:
        return tuple(sorted((a for atom in atoms for a in original((atom,), term, where)), key=expand._key))

    return changed


def _never_separate(_original: Any) -> property:
    return property(lambda self: frozenset())


def _first_member(original: Any) -> Callable[..., Any]:
    return lambda rule, values: original(rule, values).subs(Symbol("m", integer=True, nonnegative=True), 0)


def _exact(original: Any) -> Callable[..., Any]:
    """No rounding is accounted for: any two values that are not the same float are different."""
    return lambda *arguments: replace(original(*arguments), radius=0)


def _no_nyquist(original: Any) -> Callable[..., Any]:
    """The kernel of translations with the sign of the next bin at N/2."""

    def kernel(size: int, displacement: Any, arithmetic: Any) -> Any:
        entries = original(size, displacement, arithmetic)
        return entries if size % 2 else tuple(entry + (-1) ** m / size / 4 for m, entry in enumerate(entries))

    return kernel


def _one_axis(original: Any) -> Callable[..., Any]:
    return lambda claim: original(claim)[:1]


FACTS: tuple[Mutant, ...] = (
    Mutant("input: its degree is one less", rule_for(Input, _input_one_less)),
    Mutant("input: does not move", rule_for(Input, lambda *_: INVARIANT)),
    Mutant("parameter: always invariant", rule_for(Parameter, lambda *_: INVARIANT)),
    Mutant("parameter: moves along", rule_for(Parameter, lambda *_: Facts(equivariant=True))),
    Mutant("steady sum: equivariant", rule_for(Sum, _steady_moves_along)),
    Mutant("steady product: equivariant", rule_for(Product, _steady_moves_along)),
    Mutant("sum: steady if any term is", rule_for(Sum, _any("steady"))),
    Mutant("product: steady if any factor is", rule_for(Product, _any("steady"))),
    Mutant("sum: equivariant if any term is", rule_for(Sum, _any("equivariant"))),
    Mutant("sum: invariant if any term is", rule_for(Sum, _any("invariant"))),
    Mutant("sum: alternating if any term is", rule_for(Sum, _any("alternating"))),
    Mutant("sum: any degree closes", rule_for(Sum, _degree_closes)),
    Mutant("sum: alternating wherever it is centered", rule_for(Sum, _alternates_when_centered)),
    Mutant(
        "sum: centered over more axes counts as over one", attribute(typing, "_centered", lambda _: _centered_over_more)
    ),
    Mutant("product: equivariant if any factor is", rule_for(Product, _any("equivariant"))),
    Mutant("product: invariant if any factor is", rule_for(Product, _any("invariant"))),
    Mutant("product: of equivariant factors equivariant under all", rule_for(Product, _all_equivariant)),
    Mutant("product: any degree closes", rule_for(Product, _degree_closes)),
    Mutant("product: one alternating factor of two suffices", rule_for(Product, _one_alternating_factor)),
    Mutant("power: of an equivariant array equivariant under all", rule_for(Power, _all_equivariant)),
    Mutant("power: any degree closes", rule_for(Power, _degree_closes)),
    Mutant("power: odd powers of alternating arrays stay", rule_for(Power, _alternating_powers_stay)),
    Mutant("pointwise: keeps the degree", rule_for(InverseRoot, _root_keeps_degree)),
    Mutant("pointwise: keeps equivariance under all", rule_for(InverseRoot, _all_equivariant)),
    Mutant("pointwise: invariant always", rule_for(InverseRoot, lambda *_: INVARIANT)),
    Mutant("mean over the moving axis: of anything invariant", rule_for(Mean, _mean_of_anything)),
    Mutant("mean over entries: keeps facts though they move apart", rule_for(Mean, _mean_keeps_facts)),
    Mutant("mean: loses every fact", rule_for(Mean, lambda *_: NO_FACT)),
)

RELATIONS: tuple[Mutant, ...] = (
    Mutant("closing: L < N", derived(closing, L < N)),
    Mutant("closing: 2L <= N", derived(closing, 2 * L <= N)),
    Mutant("closing: always", derived(closing, true)),
    Mutant("closing: never", derived(closing, false)),
    Mutant("mean: L <= N", derived(mean, L <= N)),
    Mutant("mean: L < 2N", derived(mean, L < 2 * N)),
    Mutant("mean: always", derived(mean, true)),
    Mutant("mean: never", derived(mean, false)),
    Mutant("mean over entries: always", derived(mean_over_entries, true)),
    Mutant("mean over entries: L <= 1", derived(mean_over_entries, Or(L <= 1, Eq(frac((s - t) / N), 0)))),
    Mutant("mean over entries: 2L < N", derived(mean_over_entries, Or(2 * L < N, Eq(frac((s - t) / N), 0)))),
    Mutant("mean over entries: of invariants only", derived(mean_over_entries, Eq(L, 0))),
    Mutant("mean over entries: never", derived(mean_over_entries, false)),
    Mutant("parameter: always", derived(parameter, true)),
    Mutant("parameter: period 2", derived(parameter, Eq(frac(2 / P), 0))),
    Mutant("parameter: never", derived(parameter, false)),
    Mutant("pointwise: always", derived(pointwise, true)),
    Mutant("pointwise: never", derived(pointwise, false)),
    Mutant("two samples: always", derived(two_samples, true)),
    Mutant("two samples: four of them", derived(two_samples, Eq(frac(4 * t / N), 0))),
    Mutant("two samples: never", derived(two_samples, false)),
    Mutant("product: the larger degree", derived(product, Eq(L, Max(L1, L2)))),
    Mutant("product: one less", derived(product, Eq(L, L1 + L2 - 1))),
    Mutant("sum: the smaller degree", derived(sum_rule, Eq(L, Min(L1, L2)))),
    Mutant("sum: the first degree", derived(sum_rule, Eq(L, L1))),
    Mutant("band: one less", derived(band, Eq(K, ceiling((N - 1) / 2) - 1), "ALL")),
    Mutant("band: even maps like odd ones", derived(band, Eq(K, floor((N - 1) / 2)), "ALL")),
    Mutant("Nyquist-free band: one less", derived(band, Eq(K, ceiling(N / 2) - 2), "NYQUIST_FREE")),
    Mutant("Nyquist-free band: one more", derived(band, Eq(K, floor(N / 2)), "NYQUIST_FREE")),
    Mutant("defect: all tolerated", derived(defect, true)),
    Mutant("defect: none tolerated", derived(defect, false)),
    Mutant("Nyquist defect: all tolerated", derived(nyquist_defect, true)),
    Mutant("Nyquist defect: whatever the number of waves", derived(nyquist_defect, Eq(frac(defect.D * t / N), 0))),
)

STEPS: tuple[Mutant, ...] = (
    Mutant("conditions: on the smallest member only", attribute(conditions, "_substituted", _first_member)),
    Mutant("settings: one moving axis only", attribute(decide, "settings", _one_axis)),
    Mutant("settings: samples never move apart", attribute(Setting, "separate", _never_separate)),
    Mutant("rewriting: parameters over the same axes are one", attribute(decide, "numbered", _merged)),
    Mutant("rewriting: a factor leaves the mean too early", attribute(simplify, "mean_of", _pulled_out)),
    Mutant("rewriting: a mean of a mean is the inner one", attribute(simplify, "mean_of", _outer_mean_dropped)),
    Mutant("rewriting: nothing varies along two samples", attribute(simplify, "support", _constant_along_two)),
    Mutant("rewriting: like terms by their signs", attribute(simplify, "_split_coefficient", _signs_only)),
    Mutant("expansion: the mean of a product is that of its factors", attribute(expand, "_mean", _product_of_means)),
    Mutant("evaluation: roundings are not counted", attribute(witness, "evaluate", _exact)),
    Mutant("displacement: another factor at N/2", attribute(displace, "kernel", _no_nyquist)),
)

MUTANTS = (*RELATIONS, *FACTS, *STEPS)

assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
