"""The theorems as Markdown, as LaTeX and as data for the page; with them the rules that prove every layer's verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from equinorm.deriving import LAYERS, LEGEND, Derived, counted, describe_action, merged
from equinorm.report.cells import Cell, escape_latex, escape_markdown
from equinorm.report.latex import stand_alone
from equinorm.report.rules import PrintedRule
from equinorm.report.table import Column, Table
from theory.decision.formulas import And, Formula
from theory.decision.markup import mathml
from theory.decision.synthesis import ALL_LAYERS, PAPER, Theorem
from theory.spec.actions import ActionKind, Scope
from theory.spec.grids import ODD

SETTINGS = {PAPER: "the paper's setting", ALL_LAYERS: "all layers"}

LATEX_LEGEND = (
    r"$m_X$, $s_X$, $a_X$: $X$ is an axis of the centring, of the scaling, of the affine step; $m$, $s$, $a$: the "
    r"layer has that step. $E$: the layer centres over no axes, so that only its bias is left."
)

METHOD = (
    "The calculus decides every layer, the verdicts fill a truth table over the variables, the table is minimized, and "
    "the printed formula is read back and compared with every row. No condition on the axes is put in."
)


@dataclass(frozen=True)
class Statement:
    """One theorem for the page: over which layers, the condition in MathML, and what was counted.

    ``equivariant`` is how many layers satisfy it.
    """

    layers: str
    equivariant: int
    mathml: str
    names: tuple[tuple[str, str], ...]
    counted: str


@dataclass(frozen=True)
class Group:
    """The theorems of one action on grids that share their conditions."""

    action: str
    grids: str
    axes: str
    statements: tuple[Statement, ...]
    note: str = ""


PUBLISHED = {
    (ActionKind.SHIFT, Scope.COMMON, "HW", ODD): "Over the first setting, Theorem 1 of the paper.",
    (ActionKind.TRANSLATION, Scope.COMMON, "HW", ODD): "Over the first setting, Theorem 2 of the paper.",
}
"""Which statements are the published ones."""


def groups(derived: Derived) -> tuple[Group, ...]:
    """All theorems for the page, in the order in which they were derived."""
    return tuple(
        Group(describe_action(alike[0].block), grids, alike[0].block.axes, tuple(map(_statement, alike)), _note(alike))
        for found in _by_action(derived)
        for grids, alike in merged(found)
    )


def _note(alike: Sequence[Theorem]) -> str:
    block = alike[0].block
    return PUBLISHED.get((block.action.kind, block.action.scope, block.axes, block.size), "")


def _statement(theorem: Theorem) -> Statement:
    names = tuple((mathml_name(name), mathml(meaning)) for name, meaning in theorem.names)
    return Statement(LAYERS[theorem.layers], theorem.equivariant, breaking(theorem.formula), names, counted(theorem))


def breaking(formula: Formula) -> str:
    """A formula as MathML that may be broken between the parts of its outermost conjunction.

    Browsers break no line within a ``math`` element, so each part is one; a sign of conjunction ends all but the last.
    """
    if not isinstance(formula, And):
        return mathml(formula)
    last = len(formula.parts) - 1
    pieces = []
    for place, part in enumerate(formula.parts):
        head, _, body = mathml(part).partition(">")
        body = body.removesuffix("</math>")
        if part.parts:
            body = f'<mo stretchy="false">(</mo>{body}<mo stretchy="false">)</mo>'
        sign = "" if place == last else "<mo>∧</mo><mspace></mspace>"
        pieces.append(f"{head}><mrow>{body}{sign}</mrow></math>")
    return " ".join(pieces)


def mathml_name(name: str) -> str:
    """An abbreviation as a formula."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>{name}</mi></math>'


def _by_action(derived: Derived) -> list[list[Theorem]]:
    return [
        list(found)
        for _, found in groupby(derived.theorems, key=lambda theorem: (theorem.block.action, theorem.block.layout))
    ]


def capitalized(text: str) -> str:
    """``text`` with its first letter, and no other, in upper case.

    >>> capitalized("shifts of H and W")
    'Shifts of H and W'
    """
    return text[:1].upper() + text[1:]


def counts(derived: Derived, together: bool = True) -> Table | None:
    """How many layers are equivariant in each block, over both settings of layers.

    With all axes moving ``together``, or else one alone; ``None`` where no such theorem was derived.
    """
    pairs: dict[tuple[str, str, str], list[Theorem]] = {}
    for theorem in derived.theorems:
        if (len(theorem.block.axes) > 1) is not together:
            continue
        block = theorem.block
        key = (f"{block.action.kind.value}s of {' and '.join(block.axes)}", block.action.scope.value, block.arrays)
        pairs.setdefault(key, []).append(theorem)
    if not pairs:
        return None
    first = next(iter(pairs.values()))
    columns = (
        Column("action", "action"),
        Column("scope", "scope"),
        Column("grids", "grids"),
        *(
            Column(f"equivariant_{t.layers}", f"of {t.rows}, {SETTINGS[t.layers]}", "equivariant", numeric=True)
            for t in first
        ),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple((*key, *(t.equivariant for t in found)) for key, found in pairs.items())
    name = "Counts" if together else "Counts, one axis"
    return Table(name, "Equivariant layers in each truth table; every row was decided.", columns, rows, heads=3)


def markdown(derived: Derived, rules: Sequence[PrintedRule]) -> str:
    """``theorems.md``."""
    lines = ["# Theorems", "", METHOD, "", *(f"- {escape_markdown(line)}" for line in LEGEND)]
    for found in _by_action(derived):
        lines += ["", f"## {capitalized(describe_action(found[0].block))}"]
        for grids, alike in merged(found):
            lines += ["", f"On {grids}:", ""]
            for theorem in alike:
                lines.append(f"- Among {LAYERS[theorem.layers]}, a layer is equivariant if and only if")
                lines.append(f"  `{theorem.text}` ({counted(theorem)}).")
    lines += ["", "## Rules", ""]
    lines += ["Each relation was derived from sums and phases of waves e^(2πikn/N); the calculus asks it as it is."]
    lines += ["", "| rule | statement | relation |", "|---|---|---|"]
    lines += [
        f"| {escape_markdown(rule.name)} | {escape_markdown(rule.statement)} | `{rule.text.replace('|', 'or')}` |"
        for rule in rules
    ]
    return "\n".join([*lines, ""])


def latex(derived: Derived, rules: Sequence[PrintedRule]) -> str:
    """``theorems.tex``, which compiles by itself."""
    lines = [r"\section*{Theorems}", escape_latex(METHOD), LATEX_LEGEND]
    lines += ["", derived.latex(), r"\section*{Rules}"]
    lines += [r"\begin{description}"]
    lines += [
        rf"\item[{escape_latex(rule.name)}] {escape_latex(rule.statement)}. Derived: ${rule.latex}$." for rule in rules
    ]
    lines += [r"\end{description}"]
    return stand_alone(
        "\n".join(lines),
        packages=("amsmath", "amssymb", "amsthm"),
        title="Theorems",
        definitions=(r"\newtheorem{theorem}{Theorem}",),
    )
