"""From a truth table with open rows to its shortest conjunctive and disjunctive forms.

A clause (a disjunction of literals) is an *implicate* if no true row falsifies it, and *prime* if no shorter part of
it is one. The conjunctive form picks prime implicates that together rule out every false row: as few clauses as
possible, then as few literals, then as few negations. The disjunctive form is the same with true and false exchanged.
Every prime is enumerated, so the choice is a minimum cover, and a minimum is proved, not hoped for; where the search
for the cover is cut short the form says so (``exact``).

Why our own: SymPy's ``POSform`` and ``SOPform`` merge rows pair by pair and need minutes for a table of 12 variables
(``python -m benchmarks.minimize_tables --sympy``). With sets of rows as integers (:mod:`theory.decision.formulas`) a
table of 15 variables takes milliseconds.

References: Quine (1952), "The problem of simplifying truth functions"; McCluskey (1956).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from theory.decision.cover import SEARCH_STEPS, minimum_cover
from theory.decision.factor import factor
from theory.decision.formulas import And, Formula, Literal, Or, everything, join, literals
from theory.decision.primes import Cube, prime_cubes
from theory.decision.tables import Table

_PART, _LITERAL = 1 << 40, 1 << 20


@dataclass(frozen=True)
class NormalForm:
    """A conjunction of clauses (``outer`` is And) or a disjunction of terms (``outer`` is Or).

    ``parts`` holds the literals of each clause or term, in a fixed order. ``exact`` says that fewest parts, and among
    those fewest literals, was proved. No parts: the constant True (And) or False (Or); an empty part: the other one.
    """

    outer: type[And] | type[Or]
    parts: tuple[tuple[Literal, ...], ...]
    exact: bool

    @property
    def length(self) -> int:
        """The number of literals."""
        return sum(len(part) for part in self.parts)

    @property
    def formula(self) -> Formula:
        """The form as a formula, not factored."""
        inner = Or if self.outer is And else And
        return join(self.outer, [join(inner, part) for part in self.parts])


@dataclass(frozen=True)
class Condition:
    """What a table says: the two shortest normal forms, and ``formula``, the shorter of the two when factored."""

    clauses: NormalForm
    terms: NormalForm
    formula: Formula


def _literals(cube: Cube, variables: Sequence[str], negate: bool) -> tuple[Literal, ...]:
    """The cube as literals in the order of the variables: its own, or for a clause their negations."""
    fixed = [index for index in range(len(variables)) if cube.care >> index & 1]
    return tuple(Literal(variables[index], bool(cube.value >> index & 1) != negate) for index in fixed)


def minimize(table: Table, outer: type[And] | type[Or] = And, steps: int = SEARCH_STEPS) -> NormalForm:
    """The shortest conjunctive (``outer`` is And) or disjunctive (Or) form that agrees with every row of ``table``.

    ``steps`` bounds the search for the minimum cover; beyond it the result is still correct but ``exact`` is False.

    >>> form = minimize(Table(("a", "b"), true=0b1001, false=0b0110))
    >>> [[(literal.name, literal.positive) for literal in part] for part in form.parts]
    [[('a', True), ('b', False)], [('a', False), ('b', True)]]
    """
    count = len(table.variables)
    target, forbidden = (table.false, table.true) if outer is And else (table.true, table.false)
    cubes = prime_cubes(everything(count) & ~forbidden, count)
    found = []
    for cube in cubes:
        rows = cube.rows(count) & target
        if rows:
            found.append((_literals(cube, table.variables, negate=outer is And), rows))
    place = {name: index for index, name in enumerate(table.variables)}

    def rank(part: tuple[Literal, ...]) -> tuple[int, list[tuple[int, bool]]]:
        return len(part), [(place[literal.name], not literal.positive) for literal in part]

    # Sorted, so that the order in which the primes were met does not show in the result.
    found.sort(key=lambda item: rank(item[0]))
    costs = [_PART + _LITERAL * len(part) + sum(not literal.positive for literal in part) for part, _ in found]
    cover = minimum_cover(target, [rows for _, rows in found], costs, steps)
    return NormalForm(outer, tuple(found[position][0] for position in cover.chosen), cover.exact)


def condition(table: Table, steps: int = SEARCH_STEPS) -> Condition:
    """Minimize both ways, factor both, and keep the factored formula with fewer literals (conjunctive, if equal)."""
    clauses, terms = minimize(table, And, steps), minimize(table, Or, steps)
    shapes = [factor(form.parts, form.outer, table.variables) for form in (clauses, terms)]
    formula = min(shapes, key=lambda shape: sum(1 for _ in literals(shape)))
    return Condition(clauses, terms, formula)
