"""A verdict as text: the proof tree with the conclusion on top, or the counterexample as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from proofs.emit.document import counterexample_document
from theory.calculus.facts import Judgement
from theory.decision.reasons import spell_condition, spell_facts
from theory.decision.verdicts import Counterexample, Derivation, Proof, Verdict
from theory.spec.axes import Layout
from theory.spec.terms import spell


def tree_lines(derivation: Derivation, layout: Layout) -> Iterator[str]:
    """The proof tree: a term and its facts, the rule, and below it what it rests on; a subtree is shown once."""
    numbers: dict[Judgement, int] = {}

    def visit(node: Judgement, first: str, rest: str) -> Iterator[str]:
        facts = spell_facts(node.facts, derivation.setting)
        if node in numbers:
            yield f"{first}({numbers[node]}) {facts}: as above"
            return
        numbers[node] = len(numbers) + 1
        asked = "; ".join(spell_condition(c, derivation.setting) for c in node.conditions if c.holds)
        using = f": {asked}" if asked else ""
        yield f"{first}({numbers[node]}) {facts}: {spell(node.term, layout)}   [{node.rule}{using}]"
        for place, premise in enumerate(node.premises):
            last = place == len(node.premises) - 1
            yield from visit(premise, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))

    yield from visit(derivation.judgement, "", "")


def _array_lines(array: dict[str, Any], names: str) -> Iterator[str]:
    """The entries of an array, one line for each row along the last axis."""
    shape, entries = array["shape"], array["entries"]
    width = shape[-1]
    for start in range(0, len(entries), width):
        place, rest = [], start // width
        for size in reversed(shape[:-1]):
            place.append(rest % size)
            rest //= size
        index = " ".join(f"{name}={n}" for name, n in zip(names, reversed(place), strict=False))
        yield f"    {index}:  {'  '.join(entries[start : start + width])}"


def _witness_lines(data: dict[str, Any], names: str) -> Iterator[str]:
    sizes = " x ".join(f"{name}={size}" for name, size in data["sizes"].items())
    moves = "every entry" if data["moves"] == "all" else data["moves"]
    yield f"  grid {sizes}, eps = {data['eps']}"
    yield f"  x = {data['input']}"
    if "x" in data:
        yield from _array_lines(data["x"], names)
        for number, parameter in enumerate(data["parameters"], start=1):
            yield f"  parameter {number}, {parameter['par']}:"
            yield from _array_lines(parameter, names)
    entry = " ".join(f"{name}={n}" for name, n in data["entry"].items())
    yield f"  T moves {moves} by {data['displacement']} along {data['axis']}. At {entry}:"
    yield f"    term(T x) = {data['moved_then_layer']}"
    yield f"    T term(x) = {data['layer_then_moved']}"
    yield f"    (each within {Decimal(data['error']):.1e} of its exact value)"


def evidence_lines(verdict: Verdict) -> Iterator[str]:
    """The evidence of a verdict, line by line; nothing for an unknown."""
    layout = verdict.claim.grid.layout
    if isinstance(verdict, Proof):
        # Two axes that play the same part have the same tree; it is shown once.
        trees: dict[tuple[str, ...], list[Derivation]] = {}
        for derivation in verdict.derivations:
            trees.setdefault(tuple(tree_lines(derivation, layout)), []).append(derivation)
        for lines, alike in trees.items():
            axes = ", and word for word along ".join(derivation.setting.moving.name for derivation in alike)
            yield f"Proof along {axes} ({alike[0].form} term):"
            yield from (f"  {line}" for line in lines)
    elif isinstance(verdict, Counterexample):
        data = counterexample_document(verdict)
        yield "Counterexample:"
        yield from _witness_lines(data["witness"], layout.names)
        if "smallest_grid" in data:
            yield "The same on the smallest grid of the same parities:"
            yield from _witness_lines(data["smallest_grid"], layout.names)
