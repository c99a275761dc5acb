"""Mutants of a formula: each literal flipped, each dropped, and each literal added at each node.

Mutants are compared on the rows of a truth table, one row for each layer; one that differs on none of them is the same
condition in other words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from theory.decision.formulas import And, Formula, Literal, Or, conjunction, disjunction, join
from theory.decision.notation import spell


@dataclass(frozen=True)
class Mutant:
    """A changed formula, and the change in words."""

    change: str
    formula: Formula


def mutants(formula: Formula, names: Sequence[str]) -> Iterator[Mutant]:
    """All mutants of ``formula``; literals over ``names`` are added."""
    added = [Literal(name, positive) for name in names for positive in (True, False)]
    for change, found in _changes(formula, added):
        yield Mutant(change, join(And, []) if found is None else found)


def _changes(node: Formula, added: Sequence[Literal]) -> Iterator[tuple[str, Formula | None]]:
    """Changes of one place at or below a node; ``None`` where the node is dropped."""
    here = spell(node)
    if isinstance(node, Literal):
        yield f"flip {here}", Literal(node.name, not node.positive)
        yield f"drop {here}", None
    for literal in added:
        yield f"{here} ∧ {spell(literal)}", conjunction(node, literal)
        yield f"{here} ∨ {spell(literal)}", disjunction(node, literal)
    kind: type[And] | type[Or] = And if isinstance(node, And) else Or
    for place, part in enumerate(node.parts):
        before, after = node.parts[:place], node.parts[place + 1 :]
        for change, found in _changes(part, added):
            yield change, join(kind, [*before, *([] if found is None else [found]), *after])
