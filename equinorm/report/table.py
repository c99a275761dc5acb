"""A table as data, and the same table as Markdown, LaTeX, CSV and HTML.

The columns may stand in groups with a common heading. CSV holds the numbers in all their digits, an estimate in two
columns; the other forms are for reading.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby

from equinorm.report.cells import Cell, Estimate, escape_latex, escape_markdown, spell
from equinorm.report.latex import stand_alone


@dataclass(frozen=True)
class Column:
    """``key`` names the column in CSV, ``title`` everywhere else, below the heading ``group``."""

    key: str
    title: str
    group: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class Mark:
    """A link beside the text of a cell: a letter or two, the file beside the table, and ``title``, what it is."""

    text: str
    file: str
    title: str


@dataclass(frozen=True)
class Table:
    """Rows of cells below columns; the first ``heads`` cells of a row say what the row is about.

    ``links`` lead from the text of a cell to a place on the same page, in HTML only; ``marks`` stand behind the text
    of a cell and lead to files, in every form but CSV.

    Raises:
        ValueError: a row of another length than the columns.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    heads: int = 1
    links: tuple[tuple[str | None, ...], ...] = ()
    marks: tuple[tuple[tuple[Mark, ...], ...], ...] = ()

    def __post_init__(self) -> None:
        for row in (*self.rows, *self.links, *self.marks):
            if len(row) != len(self.columns):
                raise ValueError(f"{self.name}: a row of {len(row)} cells below {len(self.columns)} columns")

    @property
    def grouped(self) -> bool:
        """True if a column has a group."""
        return any(column.group for column in self.columns)

    def groups(self) -> list[tuple[str, int]]:
        """The headings of the groups from left to right, each with its number of columns."""
        return [(group, len(list(members))) for group, members in groupby(self.columns, key=lambda c: c.group)]

    def _marked(self) -> Iterator[Iterator[tuple[Cell, tuple[Mark, ...]]]]:
        """The rows, each cell with its marks."""
        for place, row in enumerate(self.rows):
            yield zip(row, self.marks[place] if self.marks else ((),) * len(row), strict=True)

    def markdown(self) -> str:
        """A table in GitHub's Markdown, below its caption."""
        titles = [f"{c.group}: {c.title}" if c.group else c.title for c in self.columns]
        lines = [
            "| " + " | ".join(map(escape_markdown, titles)) + " |",
            "|" + "|".join("---:" if column.numeric else "---" for column in self.columns) + "|",
            *("| " + " | ".join(_in_markdown(cell, marks) for cell, marks in row) + " |" for row in self._marked()),
        ]
        return f"**{self.name}.** {escape_markdown(self.caption)}\n\n" + "\n".join(lines) + "\n"

    def latex(self) -> str:
        r"""A table float that compiles by itself and can be ``\input`` where booktabs and graphicx are loaded.

        Its marks are links where hyperref is loaded too, and plain letters elsewhere.
        """
        lines = [
            *([r"\providecommand{\href}[2]{#2}"] if self.marks else []),
            r"\begin{table}[tbp]",
            r"\centering",
            rf"\caption{{{escape_latex(self.caption)}}}",
            rf"\label{{tab:{self.name.lower().replace(' ', '')}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in self.columns)}}}",
            r"\toprule",
        ]
        if self.grouped:
            cells, rules, place = [], [], 1
            for group, count in self.groups():
                if group:
                    cells.append(rf"\multicolumn{{{count}}}{{c}}{{{escape_latex(group)}}}")
                    rules.append(rf"\cmidrule(lr){{{place}-{place + count - 1}}}")
                else:
                    cells.append(" & " * (count - 1))
                place += count
            lines += [" & ".join(cells) + r" \\", "".join(rules)]
        lines += [" & ".join(escape_latex(column.title) for column in self.columns) + r" \\", r"\midrule"]
        lines += [" & ".join(_in_latex(cell, marks) for cell, marks in row) + r" \\" for row in self._marked()]
        lines += [r"\bottomrule", r"\end{tabular}}", r"\end{table}"]
        # By itself the table has a wide page, and the number in its name.
        number = self.name.rpartition(" ")[2]
        alone = [r"\usepackage[landscape, margin=15mm]{geometry}"]
        if number.isdecimal():
            alone.append(rf"\setcounter{{table}}{{{int(number) - 1}}}")
        if self.marks:
            alone.append(r"\usepackage[colorlinks, allcolors=blue]{hyperref}")
        return stand_alone("\n".join(lines), ("booktabs", "graphicx"), self.name, alone)

    def csv(self) -> str:
        """Comma-separated values with a header row."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        estimates = [any(isinstance(row[place], Estimate) for row in self.rows) for place in range(len(self.columns))]
        header: list[str] = []
        for column, two in zip(self.columns, estimates, strict=True):
            header += [f"{column.key}_mean", f"{column.key}_standard_error"] if two else [column.key]
        writer.writerow(header)
        for row in self.rows:
            writer.writerow([value for cell, two in zip(row, estimates, strict=True) for value in _values(cell, two)])
        return out.getvalue()

    def html(self) -> str:
        """A ``table`` element with scopes in a box that scrolls where the screen is narrow, below its caption."""
        return "\n".join(self._html())

    def _html(self) -> Iterator[str]:
        label = "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())
        yield '<figure class="table">'
        yield f'<figcaption id="{label}"><b>{escape(self.name)}.</b> {escape(self.caption)}</figcaption>'
        # With a tabindex the box can be scrolled by the keyboard.
        yield f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{label}">'
        yield f'<table aria-labelledby="{label}">'
        yield "<thead>"
        if self.grouped:
            yield "<tr>"
            for group, count in self.groups():
                # A column without a group has its title over both rows of the head.
                if group:
                    yield f'<th scope="colgroup" colspan="{count}" class="group">{escape(group)}</th>'
                else:
                    yield f'<td colspan="{count}"></td>'
            yield "</tr>"
        yield "<tr>"
        for column in self.columns:
            kind = ' class="number"' if column.numeric else ""
            yield f'<th scope="col"{kind}>{escape(column.title)}</th>'
        yield "</tr></thead><tbody>"
        previous: tuple[Cell, ...] = ()
        for place, (row, marked) in enumerate(zip(self.rows, self._marked(), strict=True)):
            links = self.links[place] if self.links else (None,) * len(row)
            first = ' class="first"' if self.heads > 1 and row[0] != (previous[:1] or (None,))[0] else ""
            yield f"<tr{first}>"
            cells = zip(marked, self.columns, links, strict=True)
            for number, ((cell, marks), column, link) in enumerate(cells):
                text = spell(cell, "html")
                text = f'<a href="#{escape(link)}">{text}</a>' if link else text
                text = " ".join([text, *map(_html_mark, marks)])
                kind = ' class="number"' if column.numeric else ""
                yield f'<th scope="row">{text}</th>' if number < self.heads else f"<td{kind}>{text}</td>"
            yield "</tr>"
            previous = row
        yield "</tbody></table></div></figure>"


def _in_markdown(cell: Cell, marks: tuple[Mark, ...]) -> str:
    return " ".join([spell(cell), *(f"[{escape_markdown(mark.text)}]({mark.file})" for mark in marks)])


def _in_latex(cell: Cell, marks: tuple[Mark, ...]) -> str:
    return " ".join([spell(cell, "latex"), *(rf"\href{{{mark.file}}}{{{escape_latex(mark.text)}}}" for mark in marks)])


def _html_mark(mark: Mark) -> str:
    title = escape(mark.title)
    return f'<a class="mark" href="{escape(mark.file)}" title="{title}" aria-label="{title}">{escape(mark.text)}</a>'


def _values(cell: Cell, two: bool) -> list[str]:
    if not two:
        return ["" if cell is None else repr(cell) if isinstance(cell, float) else str(cell)]
    if not isinstance(cell, Estimate):
        return ["", ""]
    return ["" if value is None else repr(value) for value in (cell.mean, cell.error)]
