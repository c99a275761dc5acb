"""Cells and tables of the report: one table in four forms, each of which can be read back."""

from __future__ import annotations

import csv
import itertools
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from equinorm.report.cells import Cell, Estimate, escape_latex, spell
from equinorm.report.charts import FLOOR, Series, inline, parity_chart, spread
from equinorm.report.latex import stand_alone
from equinorm.report.table import Column, Mark, Table

SPECIAL = "50 % of a_b & {c} # $d$ ~ ^ \\ <e> | f"


def small_table() -> Table:
    columns = (
        Column("layer", "layer"),
        Column("kind", "kind"),
        Column("error", "1 − cosine", "group & co", numeric=True),
        Column("share", "share", "group & co", numeric=True),
        Column("count", "values", numeric=True),
    )
    rows: tuple[tuple[Cell, ...], ...] = (
        ("A_1", "shift", Estimate(1.284e-6, 1.7e-9), 0.0, 17),
        ("A_1", "translation", Estimate(None), 0.4968, 3),
        ("B", SPECIAL, Estimate(-2.5e-17), None, 0),
    )
    return Table("Table 9", "What is 100 % & more?", columns, rows, heads=2)


class Reader(HTMLParser):
    """Collects the text of each cell and checks that every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.cell: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            assert self.cell is not None
            self.rows[-1].append(self.cell)
            self.cell = None

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell += data


def balanced(latex: str) -> bool:
    """Braces close what they open, and environments end in the order in which they began."""
    bare = re.sub(r"(?<!\\)%.*", "", latex).replace(r"\\", "").replace(r"\{", "").replace(r"\}", "")
    depth = 0
    for sign in bare:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0, latex
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", bare):
        if name == "document":
            continue
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name, latex
    return depth == 0 and not stack


def compiles(folder: Path, *names: str) -> None:
    """Compile each file by itself, and all in one document that has the packages they need; skip without pdflatex."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    packages = r"\usepackage{booktabs,graphicx,amsmath,amssymb,amsthm}\newtheorem{theorem}{Theorem}"
    inputs = " Then. ".join(rf"\input{{{name}}}" for name in names)
    host = rf"\documentclass{{article}}{packages}\begin{{document}}{inputs} After.\end{{document}}"
    (folder / "host.tex").write_text(host, encoding="utf-8")
    for source in (*names, "host.tex"):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", source],
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
        assert (folder / source).with_suffix(".pdf").stat().st_size > 0


@pytest.mark.parametrize(
    ("cell", "text", "latex", "html"),
    [
        (None, "–", "--", "–"),
        (0.0, "0", "$0$", "0"),
        (17, "17", "17", "17"),
        (0.49684, "0.497", "$0.497$", "0.497"),
        (123.4, "123", "$123$", "123"),
        (9.996, "10.0", "$10.0$", "10.0"),
        (-1.284e-6, "-1.28e-06", r"$-1.28\cdot 10^{-6}$", "−1.28·10<sup>−6</sup>"),
        (float("inf"), "∞", r"\ensuremath{\infty}", "∞"),
        (Estimate(2.0, 0.031), "2.00 ± 0.031", r"$2.00$ $\pm$ $0.031$", None),
        (Estimate(None, None), "–", "--", "–"),
        ("a|b", r"a\|b", r"a\textbar{}b", "a|b"),
        ("x < y & z", r"x \< y & z", r"x \textless{} y \& z", "x &lt; y &amp; z"),
    ],
)
def test_a_cell_in_three_styles(cell: Cell, text: str, latex: str, html: str | None) -> None:
    assert (spell(cell), spell(cell, "latex")) == (text, latex)
    if html is not None:
        assert spell(cell, "html") == html


def test_latex_keeps_no_special_character() -> None:
    escaped = escape_latex(SPECIAL)
    assert re.sub(r"\\[%_&{}#$]|\\text\w+\{\}", "", escaped).strip(" abcdefo501") == ""
    assert balanced(escaped)


def test_csv_gives_the_numbers_back_in_all_digits() -> None:
    rows = list(csv.DictReader(small_table().csv().splitlines()))
    assert [row["layer"] for row in rows] == ["A_1", "A_1", "B"]
    assert float(rows[0]["error_mean"]) == 1.284e-6
    assert float(rows[0]["error_standard_error"]) == 1.7e-9
    assert rows[1]["error_mean"] == rows[2]["share"] == ""
    assert rows[2]["kind"] == SPECIAL


def test_markdown_has_one_line_a_row_and_as_many_cells_as_columns() -> None:
    lines = small_table().markdown().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 3
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert table[1] == "|---|---|---:|---:|---:|"
    assert "group & co: 1 − cosine" in table[0]


def test_latex_table_is_balanced_and_has_the_right_number_of_cells() -> None:
    text = small_table().latex()
    assert balanced(text)
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [4, 4, 4]
    assert r"\multicolumn{2}{c}{group \& co}" in text
    assert r"\cmidrule(lr){3-4}" in text


def test_html_table_holds_every_cell_below_its_caption() -> None:
    reader = Reader()
    reader.feed(small_table().html())
    assert reader.open == []
    head, *rows = reader.rows[1:]
    assert head == ["layer", "kind", "1 − cosine", "share", "values"]
    assert [row[:2] for row in rows] == [["A_1", "shift"], ["A_1", "translation"], ["B", SPECIAL]]
    assert rows[0][2] == "1.28·10−6 ±\N{NO-BREAK SPACE}1.7·10−9"
    assert "What is 100 % &amp; more?</figcaption>" in small_table().html()


def test_links_are_set_cell_by_cell() -> None:
    columns = (Column("a", "a"), Column("b", "b"))
    html = Table("T", "t", columns, (("x", "y"),), links=((None, "proof-1"),)).html()
    assert '<td><a href="#proof-1">y</a></td>' in html
    assert html.count("<a ") == 1


def test_marks_lead_to_files_in_every_form_that_has_links() -> None:
    columns = (Column("a", "a"), Column("b", "b"))
    marks = (((), (Mark("S", "files/one.json", "the proof of <S>"), Mark("T", "files/two.json", "t"))),)
    table = Table("T", "t", columns, (("x", "y_1"),), links=((None, "proof-1"),), marks=marks)
    html, line, latex = table.html(), table.markdown().splitlines()[-1], table.latex()
    assert '<a href="#proof-1">y_1</a> <a class="mark" href="files/one.json" title="the proof of &lt;S&gt;"' in html
    assert html.count("<a ") == 3
    assert line == r"| x | y\_1 [S](files/one.json) [T](files/two.json) |"
    assert r"x & y\_1 \href{files/one.json}{S} \href{files/two.json}{T} \\" in latex
    assert latex.count("{hyperref}") == 1
    assert balanced(latex)
    assert "files" not in table.csv()
    assert "href" not in small_table().latex()
    with pytest.raises(ValueError, match="a row of 1 cells below 2 columns"):
        Table("T", "t", columns, (("x", "y"),), marks=(((),),))


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells below 2 columns"):
        Table("T", "t", (Column("a", "a"), Column("b", "b")), (("x",),))


def test_a_latex_file_names_what_it_needs() -> None:
    text = stand_alone("body", packages=("booktabs",), title="Table 1")
    assert text.splitlines()[0].endswith(r"\input it (packages: booktabs).")
    assert text.count(r"\usepackage{booktabs}") == 1
    assert text.index(r"\begin{document}") < text.index("body") < text.index("\n\\equinormend")


@pytest.mark.parametrize("values", [[0.5], [0.1, 0.1, 0.1], [0.9, 0.95, 0.2, 0.21], [1.0, 1.0, 0.0, 0.0]])
def test_labels_keep_their_order_and_their_distance(values: list[float]) -> None:
    found = spread(values, 0.1, 0.0, 1.0)
    order = sorted(range(len(values)), key=lambda place: (values[place], place))
    gaps = [found[b] - found[a] for a, b in itertools.pairwise(order)]
    assert all(gap >= 0.1 - 1e-12 for gap in gaps)
    assert all(-1e-12 <= value <= 1 + 1e-12 for value in found)


def test_a_figure_is_the_same_each_time_and_can_be_read_out() -> None:
    series = [Series("BatchNorm", (1e-5, -1e-17), (1e-2, 1e-15)), Series("LayerNorm-C", (1e-3, 1e-3), (0.1, 0.1))]
    first, second = parity_chart((14, 15), series), parity_chart((14, 15), series)
    assert first == second
    assert first.png.startswith(b"\x89PNG")
    assert FLOOR > 0
    element = inline(first.svg, "f9", "A title", "what & where")
    assert element.startswith("<svg")
    assert 'aria-labelledby="f9-title f9-text"' in element
    assert '<desc id="f9-text">what &amp; where</desc>' in element
    ids = re.findall(r'\bid="([^"]+)"', element)
    assert len(ids) == len(set(ids))
    assert all(name.startswith("f9-") for name in ids)
    used = re.findall(r'href="#([^"]+)"', element) + re.findall(r"url\(#([^)]+)\)", element)
    assert used
    assert set(used) <= set(ids)
