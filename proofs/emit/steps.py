"""Typing derivations as steps of plain data, one rule of the kernel at a time.

A judgement of the calculus joins what the kernel keeps apart: closing is a step of its own behind a sum or a product,
and so is what shifts of two samples allow. The term of a step is not written; it follows from its operands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from proofs.emit.statements import Document
from theory.calculus.facts import Facts, Judgement
from theory.calculus.simplify import Occurrence
from theory.decision.verdicts import Derivation
from theory.derivations import closing
from theory.spec.axes import Layout, spell_axes
from theory.spec.terms import Constant, Epsilon, Input, InverseRoot, Mean, Power, Product, Sum


def derivation_steps(derivation: Derivation, layout: Layout) -> Document:
    """The steps along one axis, premises first; a judgement that is used twice is written once."""
    steps: list[Document] = []
    numbers: dict[int, int] = {}

    def add(rule: str, of: list[int], facts: Facts, own: Document | None = None) -> int:
        steps.append({"rule": rule, "of": of, "with": own or {}, "facts": _facts(facts)})
        return len(steps) - 1

    def visit(node: Judgement) -> int:
        if id(node) not in numbers:
            of = [visit(premise) for premise in node.premises]
            rule, own = _rule(node, layout)
            closed = any(condition.rule is closing.RULE and condition.holds for condition in node.conditions)
            place = add(rule, of, replace(node.facts, equivariant=False) if closed else node.facts, own)
            numbers[id(node)] = add("closing", [place], node.facts) if closed else place
        return numbers[id(node)]

    visit(derivation.judgement)
    return {"axis": derivation.setting.moving.name, "steps": steps}


def _facts(facts: Facts) -> Document:
    degree = facts.degree
    return {
        "equivariant": facts.equivariant,
        "degree": None if degree is None else [degree.first, degree.step],
        "steady": facts.steady,
        "alternating": facts.alternating,
    }


def _rule(node: Judgement, layout: Layout) -> tuple[str, dict[str, Any]]:
    """The kernel's rule for a judgement, and the rule's own data."""
    term = node.term
    alternates = [premise.facts.alternating for premise in node.premises]
    if isinstance(term, Input):
        return "input", {}
    if isinstance(term, Epsilon):
        return "epsilon", {}
    if isinstance(term, Constant):
        return "number", {"value": str(term.value)}
    if isinstance(term, Occurrence):
        return "parameter", {"number": term.index}
    if isinstance(term, Sum):
        if not node.facts.alternating:
            return "sum", {}
        return "sum of pairs" if all(alternates) else "centered pair", {}
    if isinstance(term, (Product, Power)):
        own = {"exponent": term.exponent} if isinstance(term, Power) else {}
        pairs = node.facts.alternating or node.rule == "two samples"
        return ("power" if own else "product") + (" of pairs" if pairs else ""), own
    if isinstance(term, Mean):
        return "mean", {"axes": spell_axes(term.axes, layout)}
    if isinstance(term, InverseRoot):
        return "pointwise", {}
    raise TypeError(f"term={term!r}: expected a numbered term")
