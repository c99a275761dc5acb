"""Minimization: against exhaustive search on small tables, and on tables shaped like those of the normalization layers.

The tables are made here by evaluating Boolean functions; the code under test sees rows only.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from theory.decision.cover import minimum_cover
from theory.decision.factor import abbreviate
from theory.decision.formulas import FALSE, TRUE, And, Formula, Literal, Or, everything, models
from theory.decision.minimize import condition, minimize
from theory.decision.notation import parse, spell
from theory.decision.primes import Cube, prime_cubes
from theory.decision.tables import Table, differences, members, row_of, table_of

Values = dict[str, bool]
Rule = Callable[[Values], bool]

AXES = "BCHW"
PLAIN = tuple(step + axis for step in "msa" for axis in AXES)
WITH_PRESENCE = tuple(step + axis for step in "msa" for axis in ("", *AXES))


def layers(with_absent: bool) -> Iterator[Values]:
    """Every layer as values of the variables; without absent steps also without those that centre over no axes."""
    sets = [frozenset(a for a, inside in zip(AXES, bits, strict=True) if inside) for bits in product((0, 1), repeat=4)]
    choices: list[frozenset[str] | None] = [None, *sets] if with_absent else list(sets)
    for steps in product(choices, repeat=3):
        if not with_absent and not steps[0]:
            continue
        values = {}
        for step, axes in zip("msa", steps, strict=True):
            values[step] = axes is not None
            values.update({step + axis: axis in (axes or ()) for axis in AXES})
        yield values


def table_by(rule: Rule, with_absent: bool) -> Table:
    names = WITH_PRESENCE if with_absent else PLAIN
    rows = {row_of(names, [name for name in names if v[name]]): rule(v) for v in layers(with_absent)}
    return table_of(names, rows)


def centers_over_nothing(v: Values) -> bool:
    return v["m"] and not any(v["m" + axis] for axis in AXES)


def none(v: Values, step: str, axes: str = "HW") -> bool:
    return not any(v[step + axis] for axis in axes)


def all_of(v: Values, step: str, axes: str = "HW") -> bool:
    return all(v[step + axis] for axis in axes)


PLAIN_CASES: list[tuple[Rule, int, str]] = [
    (lambda v: none(v, "a"), 960, "¬aH ∧ ¬aW"),
    (lambda v: all_of(v, "s") and none(v, "a"), 240, "sH ∧ sW ∧ ¬aH ∧ ¬aW"),
    (
        lambda v: none(v, "a") and all(not v[step + "B"] or all_of(v, step) for step in "ms"),
        360,
        "¬aH ∧ ¬aW ∧ (¬mB ∨ (mH ∧ mW)) ∧ (¬sB ∨ (sH ∧ sW))",
    ),
    (
        lambda v: all_of(v, "s") and none(v, "a") and (not v["mB"] or all_of(v, "m")),
        144,
        "sH ∧ sW ∧ ¬aH ∧ ¬aW ∧ (¬mB ∨ (mH ∧ mW))",
    ),
    (lambda v: none(v, "a", "H") and (not v["mB"] or v["mH"]), 1408, "¬aH ∧ (¬mB ∨ mH)"),
    (lambda v: False, 0, "False"),
    (lambda v: True, 3840, "True"),
]

ABSENT_CASES: list[tuple[Rule, int, str]] = [
    (lambda v: none(v, "a"), 1445, "¬aH ∧ ¬aW"),
    (
        lambda v: none(v, "a") and (not v["s"] or all_of(v, "s") or centers_over_nothing(v)),
        485,
        "¬aH ∧ ¬aW ∧ (¬s ∨ E ∨ (sH ∧ sW))",
    ),
    (lambda v: none(v, "a") and (not v["s"] or centers_over_nothing(v)), 165, "¬aH ∧ ¬aW ∧ (¬s ∨ E)"),
    (
        lambda v: (
            none(v, "a")
            and (not v["mB"] or all_of(v, "m"))
            and (not v["sB"] or all_of(v, "s") or centers_over_nothing(v))
        ),
        635,
        "¬aH ∧ ¬aW ∧ (¬mB ∨ (mH ∧ mW)) ∧ (¬sB ∨ E ∨ (sH ∧ sW))",
    ),
    (
        lambda v: none(v, "a", "W") and (not v["s"] or v["sW"] or centers_over_nothing(v)),
        1449,
        "¬aW ∧ (¬s ∨ sW ∨ E)",
    ),
]


@pytest.mark.parametrize(("rule", "count", "expected"), PLAIN_CASES, ids=[case[2] for case in PLAIN_CASES])
def test_tables_over_three_steps_give_the_theorem(rule: Rule, count: int, expected: str) -> None:
    table = table_by(rule, with_absent=False)
    assert (table.rows, table.true.bit_count()) == (3840, count)
    found = condition(table)
    assert spell(found.formula) == expected
    assert found.clauses.exact
    assert differences(expected, table) == 0


@pytest.mark.parametrize(("rule", "count", "expected"), ABSENT_CASES, ids=[case[2] for case in ABSENT_CASES])
def test_tables_with_absent_steps_give_the_theorem(rule: Rule, count: int, expected: str) -> None:
    named = {"E": parse("m ∧ ¬mB ∧ ¬mC ∧ ¬mH ∧ ¬mW")}
    table = table_by(rule, with_absent=True)
    assert (table.rows, table.true.bit_count()) == (4913, count)
    found = condition(table)
    assert found.clauses.exact
    assert found.terms.exact
    assert differences(spell(found.formula), table) == 0
    assert spell(abbreviate(found.formula, table, named)) == expected
    assert differences(expected, table, named) == 0


def test_changing_one_row_changes_the_condition() -> None:
    table = table_by(PLAIN_CASES[1][0], with_absent=False)
    row = next(members(table.true))
    changed = Table(table.variables, table.true & ~(1 << row), table.false | 1 << row)
    assert differences(condition(table).formula, changed) == 1 << row
    assert differences(condition(changed).formula, changed) == 0


def random_table(seed: int, count: int, falses: int) -> Table:
    """Rows true, false or open at random; at most ``falses`` are false and at most as many true."""
    source = random.Random(seed)
    rows = source.sample(range(1 << count), 1 << count)
    low, high = source.randint(0, falses), source.randint(0, falses)
    values = dict.fromkeys(rows[:low], False) | dict.fromkeys(rows[low : low + high], True)
    return table_of("abcd"[:count], values)


def shortest(table: Table, outer: type[And] | type[Or]) -> tuple[int, int]:
    """Fewest parts and then fewest literals over *all* sets of parts, prime or not: a shortest path over subsets."""
    count = len(table.variables)
    target, forbidden = (table.false, table.true) if outer is And else (table.true, table.false)
    moves = []
    for fixed in product((None, 0, 1), repeat=count):
        rows = [row for row in range(1 << count) if all(f is None or row >> i & 1 == f for i, f in enumerate(fixed))]
        region = sum(1 << row for row in rows)
        if not region & forbidden and region & target:
            moves.append((region & target, sum(value is not None for value in fixed)))
    best: dict[int, tuple[int, int]] = {0: (0, 0)}
    for covered in range(everything(count) + 1):
        if covered & ~target == 0 and covered in best:
            parts, length = best[covered]
            for region, more in moves:
                offer = (parts + 1, length + more)
                if offer < best.get(covered | region, (1 << count, 0)):
                    best[covered | region] = offer
    return best[target]


@pytest.mark.parametrize("outer", [And, Or], ids=["clauses", "terms"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_small_tables_are_minimal_against_exhaustive_search(count: int, outer: type[And] | type[Or]) -> None:
    for seed in range(60):
        table = random_table(seed, count, 1 << count)
        form = minimize(table, outer)
        assert form.exact
        assert differences(form.formula, table) == 0
        assert (len(form.parts), form.length) == shortest(table, outer)


@pytest.mark.parametrize("outer", [And, Or], ids=["clauses", "terms"])
def test_tables_of_four_variables_are_minimal_against_exhaustive_search(outer: type[And] | type[Or]) -> None:
    for seed in range(40):
        table = random_table(seed, 4, 10)
        form = minimize(table, outer)
        assert form.exact
        assert differences(form.formula, table) == 0
        assert (len(form.parts), form.length) == shortest(table, outer)


def test_the_cyclic_table_needs_search_and_is_minimal() -> None:
    # Six rows around the cube, each in two edges: no essential, no dominance; three of six edges suffice.
    true = [row for row in range(8) if row not in (0, 7)]
    table = table_of("abc", {row: row in true for row in range(8)})
    form = minimize(table, Or)
    assert form.exact
    assert (len(form.parts), form.length) == (3, 6) == shortest(table, Or)


def test_a_search_cut_short_says_so_and_is_still_correct() -> None:
    source = random.Random(5)
    table = table_of("abcdefgh", {row: source.random() < 0.5 for row in range(256)})
    form = minimize(table, And, steps=1)
    assert not form.exact
    assert differences(form.formula, table) == 0


def test_the_order_of_the_rows_does_not_matter_and_renaming_follows() -> None:
    for seed in range(20):
        source = random.Random(seed)
        rows = {row: source.random() < 0.5 for row in source.sample(range(32), 20)}
        table = table_of("abcde", rows)
        assert minimize(table) == minimize(table_of("abcde", dict(reversed(rows.items()))))
        renamed = minimize(table_of("pqrst", rows))
        letters = dict(zip("abcde", "pqrst", strict=True))
        expected = tuple(tuple(Literal(letters[i.name], i.positive) for i in part) for part in minimize(table).parts)
        assert renamed.parts == expected


def test_extreme_tables() -> None:
    assert minimize(Table((), true=1, false=0)).formula == TRUE
    assert minimize(Table((), true=0, false=1)).formula == FALSE
    assert minimize(Table(("a", "b"), true=0, false=0)).formula == TRUE
    assert minimize(Table(("a", "b"), true=0, false=0), Or).formula == FALSE
    assert minimize(Table(("a",), true=0b10, false=0b01)).formula == Literal("a")


def test_prime_cubes_are_the_maximal_ones() -> None:
    for seed in range(40):
        region = random.Random(seed).getrandbits(16)
        cubes = {Cube(care, value) for care in range(16) for value in range(16) if value & ~care == 0}
        inside = {cube for cube in cubes if cube.rows(4) & ~region == 0}
        largest = {c for c in inside if not any(c.rows(4) & ~o.rows(4) == 0 for o in inside if o != c)}
        assert prime_cubes(region, 4) == largest


def test_a_row_in_no_candidate_is_an_error() -> None:
    with pytest.raises(ValueError, match="row 2 is in no candidate"):
        minimum_cover(0b111, [0b011], [1])


def test_the_cover_prefers_fewer_sets_then_lower_cost() -> None:
    candidates = [0b0011, 0b1100, 0b0111, 0b1000, 0b1111]
    assert minimum_cover(0b1111, candidates, [10, 10, 10, 10, 19]).chosen == (4,)
    assert minimum_cover(0b1111, candidates, [10, 10, 10, 9, 30]).chosen == (2, 3)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_covers_cost_the_least_of_all_choices(size: int) -> None:
    rows = everything(3)
    for seed in range(250):
        source = random.Random(1000 * size + seed)
        candidates = [sum(1 << row for row in source.sample(range(8), size)) for _ in range(14)] + [rows]
        costs = [source.randint(2, 9) for _ in range(14)] + [40]
        least = {0: 0}
        for covered in range(rows + 1):
            for candidate, cost in zip(candidates, costs, strict=True):
                if covered in least:
                    offer = least[covered] + cost
                    least[covered | candidate] = min(offer, least.get(covered | candidate, offer))
        cover = minimum_cover(rows, candidates, costs)
        assert cover.exact
        assert sum(costs[position] for position in cover.chosen) == least[rows]
        union = 0
        for position in cover.chosen:
            union |= candidates[position]
        assert union == rows


def test_equal_tables_with_open_rows_agree_with_their_formula() -> None:
    formula: Formula = parse("(a ∨ ¬b) ∧ (c ∨ d)")
    everywhere = models(formula, "abcd")
    table = Table(tuple("abcd"), everywhere, everything(4) ^ everywhere)
    assert condition(table).formula == formula
