"""Facts and judgements: what the calculus knows about an intermediate array y(x), and why.

    equivariant   y(T_t x) = T_t y(x)
    degree L      for each x a trigonometric polynomial P of degree <= L has y(T_t x)[n] = P(n - t) for all t;
                  degree 0 is called invariant
    alternating   on two samples: y[n] = (-1)^n y[0], and a shift changes at most the sign
    steady        y(T_t x) = y(x), though it may vary along the axis: parameters, and what is made of them and of
                  invariants; constant along the axis as well, it is invariant

A judgement is a node of a proof tree: a term, its facts, the rule that gave them, and the judgements it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from theory.calculus.conditions import Value
from theory.calculus.linear import NOTHING, Linear
from theory.spec.terms import Term

if TYPE_CHECKING:
    from theory.derivations.rule import Rule


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one intermediate array; no fact at all is ``Facts()``."""

    equivariant: bool = False
    degree: Linear | None = None
    alternating: bool = False
    steady: bool = False

    @property
    def invariant(self) -> bool:
        """True for degree 0."""
        return self.degree is not None and self.degree.zero

    @property
    def none(self) -> bool:
        """True if it is known neither to be equivariant nor to have a degree."""
        return not self.equivariant and self.degree is None


INVARIANT = Facts(equivariant=True, degree=NOTHING, steady=True)
STEADY = Facts(steady=True)
NO_FACT = Facts()


@dataclass(frozen=True, slots=True)
class Condition:
    """A derived side condition with the values it was asked for, and the answer."""

    rule: Rule
    values: tuple[tuple[str, Value], ...]
    holds: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """A node of a typing derivation."""

    term: Term
    facts: Facts
    rule: str
    premises: tuple[Judgement, ...] = ()
    conditions: tuple[Condition, ...] = field(default=())

    def walk(self) -> Iterator[Judgement]:
        """All nodes, premises before conclusions."""
        for premise in self.premises:
            yield from premise.walk()
        yield self
