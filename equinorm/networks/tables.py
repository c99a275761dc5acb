"""The rows of an audit for reading: plain lines, a table for CSV with all there is, and one for the page."""

from __future__ import annotations

from collections.abc import Sequence

from equinorm.networks.rows import Carried, Row
from equinorm.report.cells import Cell
from equinorm.report.table import Column, Table
from numerics.bounds import Judgement
from theory.spec.actions import ActionKind

WORDS = {Judgement.WITHIN: "rounding", Judgement.ABOVE: "above", Judgement.UNDECIDABLE: "undecidable"}
"""What an own defect is, in a word."""

NUMBERS = ("own", "bound", "input", "output", "difference")
LEGEND = (
    "own: |f(gx) - g f(x)| / |g f(x)| of the layer f at the input x that it gets, of the worst sample; bound: what",
    "rounding may make of it; input, output: the defects that both carry when the images are moved, own or not;",
    "difference: output less input. (output): that of the network. Maps of one size are moved alike.",
)
"""What the columns are, for a terminal."""

TITLES = ("own defect", "bound", "carried by input", "by output", "difference")


def numbers(row: Row, kind: ActionKind) -> tuple[float | None, ...]:
    """The five numbers of a row, in the order of `NUMBERS`."""
    own, through = row.own.get(kind), row.carried.get(kind, Carried())
    two = (None, None) if own is None else (own.error, own.bound)
    return (*two, through.input, through.output, through.difference)


def finding(row: Row, kind: ActionKind) -> str:
    """What the own defect is, in a word; empty where nothing was compared."""
    return WORDS[row.own[kind].judgement] if kind in row.own else ""


def verdict(row: Row, kind: ActionKind) -> str:
    """The verdict on the specification, empty where nothing is decided."""
    return row.verdicts[kind.value][0] if row.verdicts else ""


def notes(row: Row, kinds: Sequence[ActionKind]) -> str:
    """What breaks equivariance, why the layer was not compared, and where numbers contradict a proof."""
    said = [row.reason] if row.reason else []
    said += row.about.remarks
    said += [note for note in row.about.notes(kinds[-1]) if any(row.exceeds(kind) for kind in kinds) or row.reason]
    for kind in kinds:
        if row.exceeds(kind) and verdict(row, kind) == "not_equivariant":
            said.append(f"{kind.value}s: {row.verdicts[kind.value][1]}")
        if row.exceeds(kind) and verdict(row, kind) == "equivariant":
            said.append(f"{kind.value}s: its specification is equivariant, so it computes something else")
    return "; ".join(said)


def full_table(rows: Sequence[Row], kinds: Sequence[ActionKind]) -> Table:
    """All that is known of each row, for CSV."""
    columns = [Column(key, key) for key in ("layer", "call", "class", "kind", "specification", "input", "output")]
    for kind in kinds:
        columns += [Column(f"{kind.value}_{key}", key) for key in ("verdict", "finding", *NUMBERS)]
    columns.append(Column("notes", "notes"))
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        about = row.about
        found: list[Cell] = [row.name, row.turn + 1, about.name, about.kind, about.specification]
        found += [spell_shape(shape) for shape in row.shapes]
        for kind in kinds:
            found += [verdict(row, kind), finding(row, kind), *numbers(row, kind)]
        cells.append((*found, notes(row, kinds)))
    return Table("Audit", "Every call of a layer.", tuple(columns), tuple(cells))


def page_table(rows: Sequence[Row], kind: ActionKind, caption: str) -> Table:
    """One action for the page."""
    columns = (
        Column("layer", "layer"),
        Column("specification", "specification"),
        Column("map", "map"),
        Column("finding", "finding"),
        Column("verdict", "verdict"),
        *(Column(key, title, numeric=True) for key, title in zip(NUMBERS, TITLES, strict=True)),
        Column("notes", "why"),
    )
    cells = tuple(
        (
            row.title,
            row.about.specification or row.about.name,
            spell_map(row),
            finding(row, kind),
            verdict(row, kind).replace("_", " "),
            *numbers(row, kind),
            notes(row, (kind,)),
        )
        for row in rows
    )
    return Table(f"{kind.value.capitalize()}s", caption, columns, cells)


def plain_lines(rows: Sequence[Row], kind: ActionKind) -> list[str]:
    """One action for a terminal: a line for each row below a line of titles."""
    head = ("layer", "specification", "map", "own", "bound", "input", "output", "difference", "")
    body = [
        (
            row.title,
            row.about.specification or row.about.name,
            spell_map(row),
            *("–" if value is None else f"{value:.1e}" for value in numbers(row, kind)),
            _word(row, kind),
        )
        for row in rows
    ]
    widths = [max(len(line[place]) for line in (head, *body)) for place in range(len(head))]

    def aligned(line: Sequence[str]) -> str:
        cells = zip(line, widths, range(len(head)), strict=True)
        return "  ".join(text.rjust(width) if 3 <= place <= 7 else text.ljust(width) for text, width, place in cells)

    return [aligned(line).rstrip() for line in (head, *body)]


def _word(row: Row, kind: ActionKind) -> str:
    if row.reason and kind not in row.own:
        return f"not compared: {row.reason}"
    decided = verdict(row, kind).replace("_", " ")
    return "; ".join(filter(None, (finding(row, kind), decided, *row.about.remarks)))


def spell_shape(shape: Sequence[int]) -> str:
    """Sizes joined by x.

    >>> spell_shape((4, 64, 7, 7))
    '4x64x7x7'
    """
    return "x".join(map(str, shape))


def spell_map(row: Row) -> str:
    """The shape of a sample of the input, and of the output where it is another."""
    before, after = (spell_shape(shape[1:]) for shape in row.shapes)
    return before if before == after else f"{before} → {after}"
