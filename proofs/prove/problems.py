"""A first-order problem as text in SMT-LIB 2, which z3 reads, and other solvers as well.

Every array has a name, a1, a2, …, defined by the names of its operands. An axiom is asserted under the condition that a
switch of its own is on, and so is the negation of each goal, so that a solver can say which axioms refute which goal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proofs.kernel.terms import Term
from proofs.prove.axioms import Formula

_SAME = ("=>", "and", "or", "not", "=", "<", "<=", "alternating", "band", "samples", "steps")
_OPERATORS = {"plus": "+", "times": "*", **{name: name for name in _SAME}}


@dataclass
class Text:
    """The lines of a problem, written one formula at a time."""

    lines: list[str] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    names: dict[Term, str] = field(default_factory=dict)

    def declare(self, name: str, arity: int, result: str = "Signal") -> str:
        """The name of a function of arrays, declared where it is first used."""
        if name not in self.declared:
            self.declared.add(name)
            self.lines.append(f"(declare-fun {name} ({' '.join(['Signal'] * arity)}) {result})")
        return name

    def array(self, term: Term) -> str:
        """The name of an array."""
        if term not in self.names:
            operands = [self.array(part) for part in term[1:] if isinstance(part, tuple)]
            labels = [str(part) for part in term[1:] if not isinstance(part, tuple)]
            arity = str(len(operands)) if term[0] in ("sum", "product") else ""
            head = self.declare("|" + " ".join(filter(None, [term[0], arity, *labels])) + "|", len(operands))
            self.names[term] = name = f"a{len(self.names) + 1}"
            self.lines.append(f"(define-fun {name} () Signal {_call(head, operands)})")
        return self.names[term]

    def formula(self, formula: Formula) -> str:
        """A formula, or a whole number in one."""
        head, *rest = formula
        if head == "whole":
            return str(rest[0])
        if head not in _OPERATORS:
            return self.array(formula)
        parts = [self.formula(part) for part in rest]
        if head in ("and", "or", "plus") and len(parts) == 1:
            return parts[0]
        return _call(_OPERATORS[head], parts)

    def assume(self, switch: str, formula: Formula) -> None:
        """Assert a formula where its switch is on."""
        written = self.formula(formula)
        self.lines.append(f"(declare-const {switch} Bool)")
        self.lines.append(f"(assert (=> {switch} {written}))")


def _call(head: str, operands: list[str]) -> str:
    return f"({head} {' '.join(operands)})" if operands else head


def problem(axioms: Iterable[Formula], goals: Mapping[str, Formula]) -> str:
    """The text of a problem: the axioms behind the switches axiom0, axiom1, …, goals negated behind their names."""
    text = Text(["(declare-sort Signal 0)", "(declare-fun steps () Int)", "(declare-fun samples () Int)"])
    text.declare("band", 1, "Int")
    text.declare("alternating", 1, "Bool")
    for number, axiom in enumerate(axioms):
        text.assume(f"axiom{number}", axiom)
    for name, goal in goals.items():
        text.assume(name, ("not", goal))
    return "\n".join(text.lines) + "\n"
