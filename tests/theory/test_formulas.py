"""Formulas: normal shape, value, the text form and its reader, LaTeX, MathML, and factoring."""

from __future__ import annotations

import random
import re
from itertools import product
from xml.etree import ElementTree

import pytest

from theory.decision.factor import abbreviate, factor
from theory.decision.formulas import (
    FALSE,
    MOST_VARIABLES,
    TRUE,
    And,
    Formula,
    Literal,
    Or,
    conjunction,
    disjunction,
    evaluate,
    everything,
    join,
    literals,
    models,
    negation,
    where,
)
from theory.decision.markup import latex, mathml
from theory.decision.notation import parse, spell
from theory.decision.tables import Table, differences, members, row_of, table_of, values_of
from theory.spec.errors import SpecificationError

NAMES = ("mB", "mH", "s", "sH", "aW")
A, B, C, D = (Literal(name) for name in "abcd")


def random_formula(source: random.Random, depth: int) -> Formula:
    if depth == 0 or source.random() < 0.1:
        constants = [TRUE, FALSE] if source.random() < 0.1 else []
        return source.choice([*constants, *(Literal(name, source.random() < 0.5) for name in NAMES)])
    parts = [random_formula(source, depth - 1) for _ in range(source.randint(1, 3))]
    return conjunction(*parts) if source.random() < 0.5 else disjunction(*parts)


FORMULAS = [random_formula(random.Random(seed), 4) for seed in range(200)]


def test_the_random_formulas_are_not_all_trivial() -> None:
    assert sum(1 for formula in FORMULAS if len(list(literals(formula))) > 5) > 40


def test_a_text_reads_back_as_the_formula_that_was_printed() -> None:
    for formula in FORMULAS:
        assert parse(spell(formula)) == formula
        assert parse(spell(formula, ascii_only=True)) == formula
        assert spell(formula, ascii_only=True).isascii()


def test_models_holds_the_assignments_on_which_the_formula_is_true() -> None:
    for formula in FORMULAS:
        found = models(formula, NAMES)
        for values in product((False, True), repeat=len(NAMES)):
            assignment = dict(zip(NAMES, values, strict=True))
            row = row_of(NAMES, [name for name in NAMES if assignment[name]])
            assert bool(found >> row & 1) == evaluate(formula, assignment)
            assert values_of(NAMES, row) == assignment


def test_negation_has_the_complementary_models_and_undoes_itself() -> None:
    for formula in FORMULAS:
        assert models(negation(formula), NAMES) == everything(len(NAMES)) ^ models(formula, NAMES)
        assert negation(negation(formula)) == formula
        assert parse(f"¬({spell(formula)})") == negation(formula)


def test_constants_fold_and_nested_nodes_flatten() -> None:
    assert conjunction() == conjunction(TRUE, TRUE) == TRUE
    assert disjunction() == conjunction(A, FALSE) == FALSE
    assert conjunction(A, TRUE, A) == disjunction(FALSE, A) == A
    assert conjunction(A, conjunction(B, C)) == And((A, B, C))
    assert disjunction(disjunction(A, B), conjunction(C, D)) == Or((A, B, And((C, D))))


def test_and_binds_tighter_than_or_and_negation_tightest() -> None:
    assert parse("a ∨ b ∧ ¬c") == disjunction(A, conjunction(B, negation(C)))
    assert parse("~(a & ~b)|True&c") == disjunction(negation(A), B, C)


@pytest.mark.parametrize(
    ("text", "place"),
    [("a ∧", 4), ("a b", 3), ("(a ∨ b", 7), ("a ∧ ∨ b", 5), ("", 1), ("  a + b", 5), ("a)", 2), ("1a", 1), ("¬", 2)],
)
def test_a_text_that_is_no_formula_is_refused_with_the_place(text: str, place: int) -> None:
    with pytest.raises(SpecificationError, match=f"at character {place} stands") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(SpecificationError, match="nested"):
        parse("(" * 5000 + "a" + ")" * 5000)


def test_unknown_variables_are_named() -> None:
    with pytest.raises(SpecificationError, match="variable=d"):
        evaluate(D, {"a": True})
    with pytest.raises(SpecificationError, match="variable=d"):
        models(D, ("a", "b"))
    with pytest.raises(SpecificationError, match=f"0 to {MOST_VARIABLES} variables"):
        everything(MOST_VARIABLES + 1)


def test_where_alternates_in_blocks() -> None:
    for index in range(4):
        assert list(members(where(index, 4))) == [row for row in range(16) if row >> index & 1]


def test_latex_and_mathml_carry_the_same_symbols_as_the_text() -> None:
    for formula in FORMULAS:
        text = spell(formula)
        tex = latex(formula)
        for sign, macro in (("¬", r"\lnot "), ("∧", r"\land"), ("∨", r"\lor")):
            assert tex.count(macro) == text.count(sign)
        plain = re.sub(r"_\{\\mathrm\{(\w+)\}\}", r"\1", tex).replace(r"\text{True}", "True")
        plain = plain.replace(r"\text{False}", "False").replace(r"\lnot ", "¬")
        assert plain.replace(r"\land", "∧").replace(r"\lor", "∨") == text
        element = ElementTree.fromstring(mathml(formula))
        assert "".join(element.itertext()) == text.replace(" ", "")


def test_markup_takes_symbols_and_escapes_names() -> None:
    assert latex(conjunction(A, Literal("E", False)), {"E": r"\mathcal{E}"}) == r"a \land \lnot \mathcal{E}"
    assert "<mi>&lt;</mi>" in mathml(Literal("<"))
    assert 'display="block"' in mathml(A, display=True)
    assert "<mi>F</mi>" in mathml(Literal("x"), {"x": "<mi>F</mi>"})


def test_factoring_finds_rectangles_and_never_lengthens() -> None:
    clauses = [[left, right, Literal("a", False)] for left in (B, C) for right in (D, Literal("e"), Literal("f"))]
    shape = factor(clauses, And, "abcdef")
    assert spell(shape) == "¬a ∨ (b ∧ c) ∨ (d ∧ e ∧ f)"
    assert spell(factor([[A], [B, C], [B, D]], And, "abcd")) == "a ∧ (b ∨ (c ∧ d))"
    assert spell(factor([[A, C], [A, D], [B, C], [B, D]], Or, "abcd")) == "(a ∨ b) ∧ (c ∨ d)"


@pytest.mark.parametrize("seed", range(60))
def test_factoring_keeps_the_value(seed: int) -> None:
    source = random.Random(seed)
    names = "abcdef"
    parts = [
        [Literal(name, source.random() < 0.6) for name in source.sample(names, source.randint(1, 4))]
        for _ in range(source.randint(1, 9))
    ]
    for outer, inner in ((And, Or), (Or, And)):
        plain = join(outer, [join(inner, part) for part in parts])
        shape = factor(parts, outer, names)
        assert models(shape, names) == models(plain, names)
        assert len(list(literals(shape))) <= sum(len(part) for part in parts)
        assert factor(reversed(parts), outer, names) == shape
    assert factor([], And, names) == TRUE
    assert factor([[]], And, names) == FALSE
    assert factor([[], [A]], Or, names) == TRUE


def test_a_name_is_written_only_where_the_rows_allow_it() -> None:
    named = {"E": parse("a ∧ ¬b ∧ ¬c")}
    formula = parse("d ∨ (a ∧ ¬c)")
    every = {row: evaluate(formula, values_of("abcd", row)) for row in range(16)}
    assert abbreviate(formula, table_of("abcd", every), named) == formula
    consistent = {row: value for row, value in every.items() if not values_of("abcd", row)["b"]}
    table = table_of("abcd", consistent)
    shorter = abbreviate(formula, table, named)
    assert spell(shorter) == "d ∨ E"
    assert differences("d ∨ E", table, named) == 0
    assert spell(abbreviate(negation(formula), table_of("abcd", {r: not v for r, v in consistent.items()}), named)) == (
        "¬d ∧ ¬E"
    )


def test_the_check_of_a_text_reports_every_differing_row() -> None:
    table = table_of("ab", {0: False, 1: True, 2: False})
    assert differences("a", table) == 0
    assert differences("a ∧ b", table) == 0b0010
    assert differences("¬a", table) == 0b0111
    assert differences("True", Table(("a",), true=0b10, false=0)) == 0
    assert table.rows == 3
    assert list(members(table.open)) == [3]


def test_contradictory_tables_are_refused() -> None:
    with pytest.raises(SpecificationError, match="row=1"):
        Table(("a",), true=0b11, false=0b10)
    with pytest.raises(SpecificationError, match="variable=a"):
        Table(("a", "a"), true=0, false=0)
    with pytest.raises(SpecificationError, match="rows below 2"):
        Table(("a",), true=0b100, false=0)
    with pytest.raises(SpecificationError, match="rows from 0 to 1"):
        table_of("a", {2: True})
