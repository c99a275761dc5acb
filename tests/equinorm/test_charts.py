"""The charts as drawings: the same bytes each time, a text for who cannot see them, and no letter upon another."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from equinorm.questions import Words
from equinorm.report.charts import spoken
from equinorm.report.curves import drawing
from equinorm.report.curves.computed import Panel, Seen, see
from equinorm.report.curves.drawing import KINDS, draw, shorten_name
from equinorm.report.curves.files import names, write
from equinorm.report.curves.maps import noise
from equinorm.report.curves.subjects import read_drawn
from equinorm.report.curves.thresholds import Threshold
from theory.spec.actions import Scope
from theory.spec.axes import BCHW
from theory.spec.grids import ALL

LONG = "(x - mean(x, C))*rsqrt(mean((x - mean(x, C))^2, CHW) + eps)*par(C) + par(C)"


def panel(words: Words, shape: tuple[int, ...] = (1, 2, 6, 6)) -> Panel:
    return see(read_drawn(words, 0, "float64"), words, noise(shape, BCHW.spatial, ALL, 0, "float64"))


def seen_of(*panels: Panel, shape: tuple[int, ...] = (1, 2, 6, 6)) -> Seen:
    return Seen(noise(shape, BCHW.spatial, ALL, 0, "float64"), Scope.COMMON, "float64", panels)


@pytest.fixture(scope="module")
def one() -> Seen:
    return seen_of(panel(Words(layer="LayerNorm-C")))


@pytest.fixture(scope="module")
def many(one: Seen) -> Seen:
    """A layer, a term with a long name, and a threshold of which something is not known."""
    long = panel(Words(term=LONG))
    unknown = replace(one.panels[0], name="LayerNorm-C, open", threshold=Threshold(0, 2, 3, True))
    return seen_of(one.panels[0], long, unknown)


def test_the_same_numbers_are_the_same_bytes(many: Seen, tmp_path: Path) -> None:
    folders = (tmp_path / "first", tmp_path / "second")
    for place, folder in enumerate(folders):
        folder.mkdir()
        # Somebody's own settings change nothing.
        with mpl.rc_context({"lines.linewidth": 9.0, "svg.hashsalt": "mine"} if place else {}):
            write(many, folder)
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert set(first) == set(names())
    assert first == second
    assert all(first.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_has_a_text_and_no_date(one: Seen, kind: str) -> None:
    found = draw(kind, one)
    root = ElementTree.fromstring(found.svg)
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    assert root.attrib["role"] == "img"
    texts = {child.attrib["id"]: child.text for child in root if child.tag in (f"{space}title", f"{space}desc")}
    assert [texts[name] for name in root.attrib["aria-labelledby"].split()] == [found.title, found.description]
    assert len(found.description) > 100
    assert "LayerNorm-C: " in found.description
    ElementTree.fromstring(found.plain)
    assert not re.search(r"dc:date|<image", found.svg)
    assert found.pdf.startswith(b"%PDF")
    assert b"CreationDate" not in found.pdf
    assert b"/Title" in found.pdf


def test_texts_are_escaped() -> None:
    found = spoken("<?xml?>\n<svg a='1'>\n<g/></svg>", "a < b", "c & d")
    root = ElementTree.fromstring(found.removeprefix("<?xml?>\n"))
    assert [child.text for child in root][:2] == ["a < b", "c & d"]


def drawn(kind: str, seen: Seen) -> Any:
    return drawing._DRAWN[kind](seen)


def boxes(figure: Figure) -> list[tuple[str, Any]]:
    """Every visible text of a figure and where it lies, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = set(_beyond(figure))
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(mpl.text.Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]


def _beyond(figure: Figure) -> Iterator[Any]:
    """The labels of ticks outside of the limits, which are not drawn."""
    for axes in figure.axes:
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not min(limits) <= tick.get_loc() <= max(limits):
                    yield from (tick.label1, tick.label2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", ["one", "many"])
def test_no_letter_lies_upon_another_or_outside(kind: str, which: str, request: pytest.FixtureRequest) -> None:
    with drawn(kind, request.getfixturevalue(which)) as figure:
        found = boxes(figure)
        page = figure.bbox
        assert len(found) > 10
        for text, box in found:
            assert page.x0 <= box.x0, text
            assert box.x1 <= page.x1, text
            assert page.y0 <= box.y0, text
            assert box.y1 <= page.y1, text
        for (first, a), (second, b) in itertools.combinations(found, 2):
            assert not a.overlaps(b), (first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_curves_differ_in_more_than_color_and_axes_are_labelled(one: Seen, kind: str) -> None:
    with drawn(kind, one) as figure:
        (legend,) = figure.legends
        handles = [(str(line._dash_pattern), line.get_marker()) for line in legend.get_lines()]
        assert len(set(handles)) == len(handles) >= 2
        assert figure._supylabel.get_text()
        last = figure.axes[-1]
        assert last.get_xlabel()
        assert all(axes.get_yscale() == "log" for axes in figure.axes)


def test_the_line_stands_where_it_is_predicted_and_unknown_bands_are_grey(many: Seen) -> None:
    with drawn("band", many) as figure:
        for axes, one in zip(figure.axes, many.panels, strict=True):
            lines = [line for line in axes.lines if line.get_label().startswith("predicted")]
            assert [list(line.get_xdata()) for line in lines] == [[one.threshold.line] * 2]
            assert axes.get_title("right") == f"predicted: {one.threshold.said}"
        spans = [[patch.get_x() for patch in axes.patches] for axes in figure.axes]
        assert spans == [[], [], [0.5]]


def test_what_is_drawn_is_what_was_computed(one: Seen) -> None:
    found = one.panels[0].displacement
    with drawn("displacement", one) as figure:
        error, bound = figure.axes[0].lines[:2]
        np.testing.assert_array_equal(error.get_xdata(), found.at)
        np.testing.assert_array_equal(error.get_ydata(), np.maximum(found.relative_l2, 1e-18))
        np.testing.assert_array_equal(bound.get_ydata(), found.bound)


def test_gaps_zeros_and_nothing_at_all_can_be_drawn() -> None:
    still = panel(Words(term="x"), (1, 1, 1, 1))
    curve = still.displacement
    broken = replace(still, displacement=replace(curve, relative_l2=np.full_like(curve.relative_l2, np.nan)))
    nothing = panel(Words(term="0*x"), (1, 1, 3, 4))
    constant = panel(Words(layer="InstanceNorm"), (1, 1, 1, 4))  # of band 0, hence 0 once it is centered
    assert not constant.spectrum.floor.any()
    for found in (still, broken, nothing, constant):
        for kind in KINDS:
            assert draw(kind, seen_of(found)).svg


def test_long_names_are_cut() -> None:
    assert shorten_name(LONG, 24) == LONG[:23] + "…"
    assert shorten_name("x^2", 3) == "x^2"
