"""From a derived relation to a yes or no: the one place where the calculus reads the derivations.

A condition *holds* when it is true for every member of the family (every m) and every displacement of the action. The
relation itself comes from :mod:`theory.derivations` each time a rule is first used; no second copy is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from theory.calculus.linear import Linear

if TYPE_CHECKING:
    from sympy import Basic
    from sympy.core.expr import Expr

    from theory.derivations.rule import Rule

Value = int | Linear | str
"""What a symbol of a condition stands for: a number, a progression, or the displacement ``integer`` or ``real``."""


Result = TypeVar("Result")
Given = ParamSpec("Given")

_remembered: list[Callable[[], None]] = []


def remembered(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Keep the results of a function of the calculus, until :func:`forget`."""
    cached = lru_cache(maxsize=50_000)(function)
    _remembered.append(cached.cache_clear)
    return cached  # type: ignore[return-value]


@remembered
def relation(rule: Rule) -> Basic:
    """The condition of ``rule``, derived once per process."""
    return rule.derive()


@remembered
def _substituted(rule: Rule, values: tuple[tuple[str, Value], ...]) -> Basic:
    from sympy import Integer, Symbol

    m = Symbol("m", integer=True, nonnegative=True)
    given = dict(values)
    condition = relation(rule)

    def meaning(name: str, value: Value) -> Expr:
        if isinstance(value, Linear):
            return Integer(value.first) + value.step * m
        if isinstance(value, str):
            # Equal spellings mean one displacement, so the symbol is named by the value and not by its place.
            return Symbol(value, integer=True) if value.startswith("integer") else Symbol(value, real=True)
        return Integer(value)

    return condition.subs({symbol: meaning(symbol.name, given[symbol.name]) for symbol in condition.free_symbols})


@remembered
def _holds(rule: Rule, values: tuple[tuple[str, Value], ...]) -> bool:
    from sympy import And, Or, true
    from sympy.core.relational import Eq, GreaterThan, LessThan, StrictGreaterThan, StrictLessThan

    def always(formula: Basic) -> bool:
        # Sound and sufficient: "not known to hold for all m and all t" counts as "does not hold".
        if formula == true:
            return True
        if isinstance(formula, And):
            return all(always(part) for part in formula.args)
        if isinstance(formula, Or):
            return any(always(part) for part in formula.args)
        if isinstance(formula, Eq):
            return (formula.lhs - formula.rhs).expand().is_zero is True
        if isinstance(formula, (StrictGreaterThan, StrictLessThan)):
            return (formula.gts - formula.lts).expand().is_positive is True
        if isinstance(formula, (GreaterThan, LessThan)):
            return (formula.gts - formula.lts).expand().is_nonnegative is True
        return False

    return always(_substituted(rule, values))


def holds(rule: Rule, **values: Value) -> bool:
    """True if the condition of ``rule`` is true for all sizes of the family and all displacements of the action."""
    return _holds(rule, tuple(sorted(values.items())))


def solved(rule: Rule, **values: Value) -> Linear:
    """The right side of a condition that defines a number, such as L = L_1 + L_2.

    Raises:
        ArithmeticError: the side is no progression in m.
    """
    return _solved(rule, tuple(sorted(values.items())))


@remembered
def _solved(rule: Rule, values: tuple[tuple[str, Value], ...]) -> Linear:
    from sympy import Symbol, expand

    m = Symbol("m", integer=True, nonnegative=True)
    side = relation(rule).rhs
    given = dict(values)
    for symbol in side.free_symbols:
        value = given[symbol.name]
        side = side.subs(symbol, value.first + value.step * m if isinstance(value, Linear) else value)
    side = expand(side)
    first, step = side.subs(m, 0), side.coeff(m, 1)
    if not (first.is_Integer and step.is_Integer) or expand(side - first - step * m) != 0:
        raise ArithmeticError(f"{rule.name}: {side} is no progression in m")
    return Linear(int(first), int(step))


def forget() -> None:
    """Derive every condition, and all that rests on it, anew at its next use; for tests that change a derivation."""
    for clear in _remembered:
        clear()
