"""The typing rules: from the facts of a term's operands to its own facts.

One function per kind of node. Each asks a derived condition (:mod:`theory.derivations`) where it has one and notes the
question and the answer in the judgement. An array without a fact never regains one. The rules are sufficient for all
sizes of the setting: a typing derivation of "equivariant" is a proof.
"""

from __future__ import annotations

from functools import singledispatch

from theory.calculus.conditions import Value, holds, remembered, solved
from theory.calculus.facts import INVARIANT, NO_FACT, STEADY, Condition, Facts, Judgement
from theory.calculus.linear import NOTHING, Linear
from theory.calculus.setting import Setting
from theory.derivations import closing, mean, mean_over_entries, pointwise, product, two_samples
from theory.derivations import sum as sum_rule
from theory.derivations.rule import Rule
from theory.spec.terms import Constant, Epsilon, Input, InverseRoot, Mean, Parameter, Power, Product, Sum, Term, negate


class _Asked:
    """Asks conditions and keeps the record."""

    def __init__(self) -> None:
        self.conditions: list[Condition] = []

    def __call__(self, rule: Rule, **values: Value) -> bool:
        answer = holds(rule, **values)
        self.conditions.append(Condition(rule, tuple(sorted(values.items())), answer))
        return answer

    @property
    def record(self) -> tuple[Condition, ...]:
        return tuple(self.conditions)


def _degree(facts: Facts, setting: Setting) -> Linear | None:
    """The degree of an array; an equivariant one has at most that of any array on the grid."""
    if facts.degree is not None:
        return facts.degree
    return setting.widest if facts.equivariant else None


def _closed(degree: Linear | None, equivariant: bool, setting: Setting, ask: _Asked) -> bool:
    """Equivariant already, or by the closing rule."""
    return equivariant or (degree is not None and ask(closing.RULE, L=degree, N=setting.samples))


def _sum_of_degrees(degrees: list[Linear | None], rule: Rule) -> Linear | None:
    total: Linear | None = NOTHING
    for degree in degrees:
        if total is None or degree is None:
            return None
        try:
            total = solved(rule, L_1=total, L_2=degree)
        except ArithmeticError:
            # The larger of two degrees that grow differently is no progression; then nothing is claimed.
            return None
    return total


@remembered
def judge(term: Term, setting: Setting) -> Judgement:
    """The judgement of a term on a setting.

    Raises:
        TypeError: a node that is no term.
    """
    return apply_rule(term, setting)


@singledispatch
def apply_rule(term: Term, setting: Setting) -> Judgement:
    """The rule for one kind of node; it asks :func:`judge` about the operands."""
    raise TypeError(f"term={term!r}: expected a term of theory.spec")


@apply_rule.register
def _(term: Input, setting: Setting) -> Judgement:
    facts = INVARIANT if setting.band.zero else Facts(equivariant=True, degree=setting.band)
    return Judgement(term, facts, "input")


@apply_rule.register(Constant)
@apply_rule.register(Epsilon)
def _(term: Term, setting: Setting) -> Judgement:
    return Judgement(term, INVARIANT, "number")


@apply_rule.register
def _(term: Parameter, setting: Setting) -> Judgement:
    constant = setting.moving.constant(setting.moving.name in term.axes)
    return Judgement(term, INVARIANT if constant else STEADY, "parameter")


@apply_rule.register
def _(term: Sum, setting: Setting) -> Judgement:
    premises = tuple(judge(part, setting) for part in term.terms)
    facts = [premise.facts for premise in premises]
    ask = _Asked()
    if all(fact.invariant for fact in facts):
        return Judgement(term, INVARIANT, "sum", premises)
    degree = _sum_of_degrees([_degree(fact, setting) for fact in facts], sum_rule.RULE)
    equivariant = _closed(degree, all(fact.equivariant for fact in facts), setting, ask)
    alternating = all(fact.alternating for fact in facts)
    if equivariant and not alternating and _centered(term, setting):
        alternating = ask(two_samples.RULE, N=setting.samples, t=setting.displacement)
    steady = all(fact.steady for fact in facts)
    return Judgement(term, Facts(equivariant, degree, alternating, steady), "sum", premises, ask.record)


def _centered(term: Sum, setting: Setting) -> bool:
    """True for y - mean(y, moving axis)."""
    if len(term.terms) != 2:
        return False
    axis = frozenset(setting.moving.name)
    first, second = term.terms
    return second == negate(Mean(first, axis)) or first == negate(Mean(second, axis))


@apply_rule.register
def _(term: Product, setting: Setting) -> Judgement:
    premises = tuple(judge(factor, setting) for factor in term.factors)
    return _product(term, premises, [premise.facts for premise in premises], setting)


@apply_rule.register
def _(term: Power, setting: Setting) -> Judgement:
    premise = judge(term.term, setting)
    return _product(term, (premise,), [premise.facts] * term.exponent, setting)


def _product(term: Term, premises: tuple[Judgement, ...], facts: list[Facts], setting: Setting) -> Judgement:
    ask = _Asked()
    moving = [fact for fact in facts if not fact.invariant]
    degree = _sum_of_degrees([_degree(fact, setting) for fact in facts], product.RULE)
    if not moving:
        return Judgement(term, INVARIANT, "product", premises)
    if all(fact.alternating for fact in moving) and len(moving) % 2 == 0:
        return Judgement(term, INVARIANT, "two samples", premises)
    equivariant = all(fact.equivariant for fact in moving)
    if len(moving) > 1:
        equivariant = equivariant and ask(pointwise.RULE, t=setting.displacement)
    alternating = all(fact.alternating for fact in moving)
    equivariant = _closed(degree, equivariant, setting, ask)
    steady = all(fact.steady for fact in facts)
    return Judgement(term, Facts(equivariant, degree, alternating, steady), "product", premises, ask.record)


@apply_rule.register
def _(term: InverseRoot, setting: Setting) -> Judgement:
    premise = judge(term.term, setting)
    if premise.facts.invariant:
        return Judgement(term, INVARIANT, "pointwise", (premise,))
    ask = _Asked()
    equivariant = premise.facts.equivariant and ask(pointwise.RULE, t=setting.displacement)
    return Judgement(term, Facts(equivariant, steady=premise.facts.steady), "pointwise", (premise,), ask.record)


@apply_rule.register
def _(term: Mean, setting: Setting) -> Judgement:
    premise = judge(term.term, setting)
    facts, ask = premise.facts, _Asked()
    # The moving axis first: what it makes invariant may be averaged over entries that move apart.
    if setting.moving.name in term.axes:
        degree = facts.degree
        kept = facts.equivariant or facts.steady or (degree is not None and ask(mean.RULE, L=degree, N=setting.samples))
        facts = INVARIANT if kept else NO_FACT
    degree = _degree(facts, setting)
    entries = term.axes - {setting.moving.name}
    if entries and degree is not None:
        apart = setting.displacement + (" of another entry" if entries & setting.separate else "")
        together = ask(mean_over_entries.RULE, L=degree, N=setting.samples, t=setting.displacement, s=apart)
        facts = facts if together else Facts(steady=facts.steady)
    return Judgement(term, facts, "mean", (premise,), ask.record)
