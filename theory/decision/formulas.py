"""Propositional formulas in negation normal form, as frozen data, and their value on all assignments at once.

    formula ::= True | False | literal | formula ∧ formula ∧ … | formula ∨ formula ∨ …
    literal ::= variable | ¬variable

Formulas are built by :func:`conjunction` and :func:`disjunction`, which flatten nested nodes of one kind, fold the
constants and drop repeated parts; the parts keep their order.

Notation: an assignment of n ordered variables is the number whose bit j is the value of variable j; a set of
assignments is the integer whose bit i says whether assignment i belongs to it (a bit set of 2^n bits). One operation
on such integers treats all 2^n assignments, 64 to a machine word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from theory.spec.errors import refuse

MOST_VARIABLES = 20
"""The largest number of variables of a bit set; 2^20 assignments are 128 KiB a set."""


class Formula:
    """A node of a formula; ``parts`` are its operands from left to right."""

    @property
    def parts(self) -> tuple[Formula, ...]:
        """The operands; none for literals and constants."""
        return ()


@dataclass(frozen=True)
class Truth(Formula):
    """A constant: true or false."""

    value: bool


@dataclass(frozen=True)
class Literal(Formula):
    """A variable, or its negation when ``positive`` is False."""

    name: str
    positive: bool = True


@dataclass(frozen=True)
class And(Formula):
    """The conjunction of at least two operands."""

    operands: tuple[Formula, ...]

    @property
    def parts(self) -> tuple[Formula, ...]:
        """The operands from left to right."""
        return self.operands


@dataclass(frozen=True)
class Or(Formula):
    """The disjunction of at least two operands."""

    operands: tuple[Formula, ...]

    @property
    def parts(self) -> tuple[Formula, ...]:
        """The operands from left to right."""
        return self.operands


TRUE = Truth(True)
FALSE = Truth(False)


def join(kind: type[And] | type[Or], parts: Sequence[Formula]) -> Formula:
    """The conjunction or disjunction of ``parts`` in normal shape; of no parts, the constant that changes nothing."""
    neutral, absorbing = (TRUE, FALSE) if kind is And else (FALSE, TRUE)
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    kept = tuple(dict.fromkeys(part for part in flat if part != neutral))
    if absorbing in kept:
        return absorbing
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else kind(kept)


def conjunction(*parts: Formula) -> Formula:
    """``p ∧ q ∧ …`` in normal shape; the empty conjunction is True."""
    return join(And, parts)


def disjunction(*parts: Formula) -> Formula:
    """``p ∨ q ∨ …`` in normal shape; the empty disjunction is False."""
    return join(Or, parts)


def negation(formula: Formula) -> Formula:
    """``¬formula`` with the negation moved to the literals (De Morgan)."""
    if isinstance(formula, Truth):
        return Truth(not formula.value)
    if isinstance(formula, Literal):
        return Literal(formula.name, not formula.positive)
    return join(Or if isinstance(formula, And) else And, [negation(part) for part in formula.parts])


def literals(formula: Formula) -> Iterator[Literal]:
    """All occurrences of literals from left to right; their number is the length of the formula."""
    if isinstance(formula, Literal):
        yield formula
    for part in formula.parts:
        yield from literals(part)


def evaluate(formula: Formula, values: Mapping[str, bool]) -> bool:
    """The value of ``formula`` when each variable has its value in ``values``.

    Raises:
        SpecificationError: a variable of the formula has no value.

    >>> evaluate(disjunction(Literal("a", False), Literal("b")), {"a": True, "b": False})
    False
    """
    if isinstance(formula, Truth):
        return formula.value
    if isinstance(formula, Literal):
        if formula.name not in values:
            raise refuse(f"variable={formula.name}", f"one of {', '.join(values)}")
        return values[formula.name] == formula.positive
    if isinstance(formula, And):
        return all(evaluate(part, values) for part in formula.parts)
    return any(evaluate(part, values) for part in formula.parts)


def everything(count: int) -> int:
    """The set of all assignments of ``count`` variables.

    Raises:
        SpecificationError: more than ``MOST_VARIABLES`` variables.
    """
    if not 0 <= count <= MOST_VARIABLES:
        raise refuse(f"variables={count}", f"0 to {MOST_VARIABLES} variables")
    return (1 << (1 << count)) - 1


@cache
def where(index: int, count: int) -> int:
    """The set of the assignments of ``count`` variables in which variable ``index`` is true."""
    # Blocks of 2^index zeros and ones alternate; the quotient is the geometric series of the zero blocks' complement.
    full = everything(count)
    return full ^ (full // ((1 << (1 << index)) + 1))


def models(formula: Formula, variables: Sequence[str], named: Mapping[str, Formula] | None = None) -> int:
    """The set of the assignments of ``variables`` that satisfy ``formula``, as a bit set.

    ``named`` gives the meaning of names in the formula that are no variables but stand for formulas of variables.

    Raises:
        SpecificationError: a name that is neither a variable nor named.

    >>> bin(models(conjunction(Literal("a"), Literal("b", False)), ("a", "b")))
    '0b10'
    """
    count = len(variables)
    full = everything(count)
    if isinstance(formula, Truth):
        return full if formula.value else 0
    if isinstance(formula, Literal):
        if formula.name in variables:
            found = where(list(variables).index(formula.name), count)
        elif named and formula.name in named:
            found = models(named[formula.name], variables)
        else:
            raise refuse(f"variable={formula.name}", f"one of {', '.join((*variables, *(named or ())))}")
        return found if formula.positive else full ^ found
    result = full if isinstance(formula, And) else 0
    for part in formula.parts:
        inner = models(part, variables, named)
        result = result & inner if isinstance(formula, And) else result | inner
    return result
