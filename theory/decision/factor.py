"""Factoring: a normal form rewritten with fewer literals, so that people can read it.

Written for clauses (a conjunction of disjunctions); for terms exchange ∧ and ∨ throughout.

- A literal common to all clauses is taken out: (l ∨ p) ∧ (l ∨ q) = l ∨ (p ∧ q).
- Clauses that share no literal with the rest are factored on their own.
- A *rectangle*, clauses {p ∨ q : p in P, q in Q}, is (⋀P) ∨ (⋀Q): the one that saves most literals is taken out
  first, then the rest is factored.

Candidates for P are the cofactors {clause − c : c ⊆ clause} by an intersection c of two clauses; Q is then the set of
all q that complete every p (the quotient of weak division). Each step is an identity, so the result has the value of
the form on every assignment, open rows included.

Reference: Brayton (1987), "Factoring logic functions".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from theory.decision.formulas import And, Formula, Literal, Or, join, literals, negation
from theory.decision.tables import Table, differences

_Part = frozenset[Literal]


def _length(parts: Iterable[_Part]) -> int:
    return sum(len(part) for part in parts)


class _Factoring:
    def __init__(self, variables: Sequence[str]) -> None:
        self.place = {name: index for index, name in enumerate(variables)}

    def key(self, formula: Formula) -> tuple[bool, list[tuple[int, bool]]]:
        """Literals before compound parts, then by the order of the variables."""
        return bool(formula.parts), [(self.place[item.name], not item.positive) for item in literals(formula)]

    def build(self, kind: type[And] | type[Or], parts: Iterable[Formula]) -> Formula:
        joined = join(kind, list(parts))
        return kind(tuple(sorted(joined.parts, key=self.key))) if isinstance(joined, kind) else joined

    def order(self, part: _Part) -> list[tuple[int, bool]]:
        return sorted((self.place[item.name], not item.positive) for item in part)

    def factor(self, parts: frozenset[_Part], outer: type[And] | type[Or]) -> Formula:
        inner: type[And] | type[Or] = Or if outer is And else And
        parts = frozenset(part for part in parts if not any(other < part for other in parts))
        if len(parts) <= 1:
            return join(outer, [self.build(inner, part) for part in parts])
        common = frozenset.intersection(*parts)
        if common:
            rest = self.factor(frozenset(part - common for part in parts), outer)
            return self.build(inner, [*common, rest])
        groups = self.components(parts)
        if len(groups) > 1:
            return self.build(outer, [self.factor(group, outer) for group in groups])
        rows, columns = self.best_rectangle(parts)
        product = self.build(inner, [self.factor(rows, outer), self.factor(columns, outer)])
        left = parts - {row | column for row in rows for column in columns}
        return self.build(outer, [product, self.factor(left, outer)] if left else [product])

    def components(self, parts: frozenset[_Part]) -> list[frozenset[_Part]]:
        """Split into groups that share no literal."""
        groups: list[set[_Part]] = []
        for part in sorted(parts, key=self.order):
            touching = [group for group in groups if any(part & other for other in group)]
            groups = [group for group in groups if group not in touching]
            groups.append({part}.union(*touching))
        return [frozenset(group) for group in groups]

    def best_rectangle(self, parts: frozenset[_Part]) -> tuple[frozenset[_Part], frozenset[_Part]]:
        """The P and Q of the rectangle that saves most literals; two of the connected ``parts`` always share one."""
        ordered = sorted(parts, key=self.order)
        best: tuple[frozenset[_Part], frozenset[_Part]] = (frozenset(), frozenset())
        best_saving = 0
        seen: set[_Part] = set()
        for left, right in combinations(ordered, 2):
            shared = left & right
            if not shared or shared in seen:
                continue
            seen.add(shared)
            rows = frozenset(part - shared for part in ordered if shared <= part)
            columns = frozenset.intersection(*(frozenset(p - row for p in parts if row <= p) for row in rows))
            covered = {row | column for row in rows for column in columns}
            saving = _length(covered) - _length(rows) - _length(columns)
            if saving > best_saving:
                best, best_saving = (rows, columns), saving
        return best


def factor(parts: Iterable[Iterable[Literal]], outer: type[And] | type[Or], variables: Sequence[str]) -> Formula:
    """Factor a normal form: ``parts`` are its clauses (``outer`` is And) or its terms (Or).

    Literals stand before compound parts, each in the order of ``variables``.

    >>> from theory.decision.notation import spell
    >>> no_b, h, w = Literal("mB", False), Literal("mH"), Literal("mW")
    >>> spell(factor([[no_b, h], [no_b, w]], And, ("mB", "mH", "mW")))
    '¬mB ∨ (mH ∧ mW)'
    """
    return _Factoring(variables).factor(frozenset(frozenset(part) for part in parts), outer)


def abbreviate(formula: Formula, table: Table, named: Mapping[str, Formula]) -> Formula:
    """Write names for the conjunctions of literals that ``named`` defines, and their negations for the dual parts.

    In a conjunction, two or more literals that all belong to a definition are replaced by its name when the formula
    keeps its value on every row of ``table``; a minimal formula may lack a literal of the definition that another
    part already implies, and the name says more. In a disjunction, negated literals become the negated name.
    A name is used only where it was checked; names that find no place are not used.
    """
    for name, meaning in named.items():
        for kind, literal in ((And, Literal(name)), (Or, Literal(name, False))):
            known = frozenset(literals(meaning if kind is And else negation(meaning)))
            places = list(_replacements(formula, kind, known, literal))
            while places:
                candidate = places.pop(0)
                if not differences(candidate, table, named):
                    formula = candidate
                    places = list(_replacements(formula, kind, known, literal))
    return formula


def _replacements(formula: Formula, kind: type[And] | type[Or], known: _Part, literal: Literal) -> Iterator[Formula]:
    """Each formula that comes from replacing, in one node, the parts in ``known`` by ``literal``."""
    if not isinstance(formula, (And, Or)):
        return
    parts = formula.parts
    inside = [part for part in parts if part in known]
    if isinstance(formula, kind) and len(inside) > 1:
        yield join(kind, [literal if part == inside[0] else part for part in parts if part not in inside[1:]])
    for index, part in enumerate(parts):
        for other in _replacements(part, kind, known, literal):
            yield join(type(formula), [*parts[:index], other, *parts[index + 1 :]])
