"""The four charts: one panel for each layer, the error as a line, what rounding may make of it as a dotted one.

Curves differ in dash pattern and marker as well as in color, and a legend above the panels names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from equinorm.report.charts import FLOOR, INPUT_STYLE, LAYER_STYLES, canvas, pdf_of, spoken, svg_of
from equinorm.report.curves.computed import EVEN, EVEN_FREE, ODD, SPAN, STEPS, Panel, Seen
from equinorm.report.curves.words import caption, describe, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Style = dict[str, Any]

BLUE, BROWN, GREY = (style[0] for style in LAYER_STYLES[:3])
ERROR: Style = {"color": BLUE, "linestyle": "-"}
MARKED: Style = {**ERROR, "marker": "o", "markevery": STEPS}
BOUND: Style = {"color": GREY, "linestyle": INPUT_STYLE[1], "linewidth": 1.1}
SECOND: Style = {"color": BROWN, "linestyle": LAYER_STYLES[1][1]}
BY_PARITY: dict[str, Style] = {
    ODD: {**ERROR, "marker": "o"},
    EVEN: {**SECOND, "marker": "s"},
    EVEN_FREE: {"color": "#00736b", "linestyle": (0, (3, 1, 1, 1)), "marker": "^"},
}
ROUNDING = "at most by rounding"

ROW, HEAD, FOOT = 1.25, 0.62, 0.5
"""Inches: of a panel, of the legend above all, and of the label below."""

LONGEST_NAMES = {1: 34, 2: 24}
"""Letters of a name above one panel, or above the left one of two."""

KINDS = ("spectrum", "displacement", "size", "band")
"""The charts in their order."""


@dataclass(frozen=True)
class Drawing:
    """A chart as SVG and PDF, with its title, a caption, and a description of what it shows; ``plain`` without them."""

    kind: str
    title: str
    caption: str
    description: str
    plain: str
    pdf: bytes

    @property
    def svg(self) -> str:
        """An SVG document with title and description."""
        return spoken(self.plain, self.title, self.description)


def draw(kind: str, seen: Seen) -> Drawing:
    """Draw one of KINDS."""
    heading, said = title(kind, seen), describe(kind, seen)
    with _DRAWN[kind](seen) as figure:
        return Drawing(kind, heading, caption(kind, seen), said, svg_of(figure), pdf_of(figure, heading, said))


@contextmanager
def _rows(seen: Seen, columns: int = 1, **options: Any) -> Iterator[tuple[Figure, Any]]:
    """A figure with one row of panels for each layer, named above its first panel."""
    height = HEAD + ROW * len(seen.panels) + FOOT
    with canvas(height) as figure:
        axes = figure.subplots(len(seen.panels), columns, sharex="col", squeeze=False, **options)
        figure.subplots_adjust(left=0.15, right=0.97, top=1 - HEAD / height, bottom=FOOT / height, hspace=0.35)
        for row, panel in zip(axes, seen.panels, strict=True):
            row[0].set_title(shorten_name(panel.name, LONGEST_NAMES[columns]), fontsize=9, loc="left", pad=3)
            for each in row:
                each.set_yscale("log")
        yield figure, axes


def shorten_name(name: str, most: int) -> str:
    """A name of at most so many letters, that leaves room beside it.

    >>> shorten_name("LayerNorm-C", 11), shorten_name("LayerNorm-C", 6)
    ('LayerNorm-C', 'Layer…')
    """
    return name if len(name) <= most else name[: most - 1] + "…"


def _finish(figure: Figure, axes: Axes, y: str, values: Sequence[Any], panels: Sequence[Axes], floor: float) -> None:
    """The legend, the label of the ordinate, and the same limits in all panels."""
    handles, names = axes.get_legend_handles_labels()
    top = 1 - 0.04 / float(figure.get_size_inches()[1])
    figure.legend(
        handles, names, loc="upper left", bbox_to_anchor=(0.02, top), ncols=2, frameon=False, fontsize=8,
        handlelength=3, borderpad=0, borderaxespad=0, columnspacing=1.5, labelspacing=0.3,
    )  # fmt: skip
    _limits(panels, values, floor, 6)
    figure.supylabel(y, fontsize=9, x=0.01)


def _limits(panels: Sequence[Axes], values: Sequence[Any], floor: float, ticks: int) -> None:
    """One range for all panels, with room for the markers."""
    shown = np.concatenate([np.ravel(each) for each in values])
    shown = np.maximum(shown[np.isfinite(shown)], floor)
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (floor, 1.0)
    room = max(4.0, (high / low) ** 0.06)
    for each in panels:
        each.set_ylim(low / room, high * room)
        each.tick_params(labelsize=8)
        each.locator_params(axis="y", numticks=ticks)


def _line(axes: Axes, x: Any, y: Any, floor: float = FLOOR, **style: Any) -> None:
    """A curve; what is 0 is drawn at the floor, and what is not finite leaves a gap."""
    y = np.where(np.isfinite(y), np.maximum(y, floor), np.nan)
    axes.plot(x, y, **{"markerfacecolor": "white", **style})


@contextmanager
def _spectrum(seen: Seen) -> Iterator[Figure]:
    floor = float(np.finfo(np.float64).eps ** 2) * FLOOR
    with _rows(seen) as (figure, axes):
        values = []
        for (each,), panel in zip(axes, seen.panels, strict=True):
            found = panel.spectrum
            # The ring at 0 is the mean alone, which centring removes.
            x = found.frequency[1:]
            series: dict[str, tuple[Any, Style]] = {
                "input": (found.input, {"color": "#0b0b0b", "linestyle": (0, (3, 1, 1, 1))}),
                "output": (found.output, ERROR),
                "aliased part of the output": (found.aliased, SECOND),
                ROUNDING: (found.floor, BOUND),
            }
            for name, (density, style) in series.items():
                _line(each, x, density[1:], floor, label=name, **style)
                values.append(density[1:])
            each.axvline(found.corner, color="black", linewidth=0.8)
            each.set_xlim(0, float(found.frequency[-1]) or 1)
            each.set_title(f"band {found.band}: left of the line", fontsize=8, loc="right", pad=3)
        axes[-1][0].set_xlabel("radial frequency (cycles per sample)")
        _finish(figure, axes[0][0], "power spectral density", values, axes[:, 0], floor)
        yield figure


@contextmanager
def _displacement(seen: Seen) -> Iterator[Figure]:
    with _rows(seen, 2, width_ratios=(5, 3)) as (figure, axes):
        figure.subplots_adjust(wspace=0.34)
        errors, amplitudes = [], []
        for (left, right), panel in zip(axes, seen.panels, strict=True):
            found = panel.displacement
            _line(left, found.at, found.relative_l2, label="error, whole t marked", **MARKED)
            _line(left, found.at, found.bound, label=ROUNDING, **BOUND)
            left.set_xlim(-0.06, SPAN + 0.06)
            x, y = panel.content.frequency, np.maximum(panel.content.amplitude, FLOOR**2)
            whole = x == np.rint(x)
            right.vlines(x, FLOOR**2 / 100, y, color=GREY, linewidth=0.6)
            for kept, marker, color in ((whole, "o", BLUE), (~whole, "x", BROWN)):
                right.plot(x[kept], y[kept], linestyle="", marker=marker, color=color, markerfacecolor="white")
            if np.isfinite(panel.content_bound):
                right.axhline(panel.content_bound, **BOUND)
            right.set_xlim(-0.4, float(x[-1]) + 0.4)
            errors += [found.relative_l2, found.bound]
            amplitudes += [y, np.asarray([panel.content_bound])]
        axes[0][1].set_title("amplitude in error²", fontsize=9, loc="left", pad=3)
        axes[-1][0].set_xlabel("displacement t (samples)")
        axes[-1][1].set_xlabel("cycles per sample of t", fontsize=8)
        _finish(figure, axes[0][0], "relative L2 error", errors, axes[:, 0], FLOOR)
        _limits(axes[:, 1], amplitudes, FLOOR**2, 5)
        yield figure


@contextmanager
def _size(seen: Seen) -> Iterator[Figure]:
    with _rows(seen) as (figure, axes):
        values = []
        for (each,), panel in zip(axes, seen.panels, strict=True):
            for name, curve in panel.size.items():
                _line(each, curve.at, curve.relative_l2, label=name, **BY_PARITY[name])
                values += [curve.relative_l2, curve.bound]
            every = sorted((at, bound) for c in panel.size.values() for at, bound in zip(c.at, c.bound, strict=True))
            largest = dict(every)  # of equal sizes the largest bound comes last
            _line(each, list(largest), np.asarray(list(largest.values())), label=ROUNDING, **BOUND)
        axes[-1][0].set_xlabel("samples on each moving axis of the map")
        axes[-1][0].xaxis.get_major_locator().set_params(integer=True)
        _finish(figure, axes[0][0], "relative L2 error", values, axes[:, 0], FLOOR)
        yield figure


@contextmanager
def _band(seen: Seen) -> Iterator[Figure]:
    with _rows(seen) as (figure, axes):
        values = []
        for (each,), panel in zip(axes, seen.panels, strict=True):
            found = panel.band
            _line(each, found.at, found.relative_l2, label="error, filled above rounding", marker="o", **ERROR)
            above = found.where(found.above)
            _line(each, above.at, above.relative_l2, linestyle="", marker="o", color=BLUE, markerfacecolor=BLUE)
            _line(each, found.at, found.bound, label=ROUNDING, **BOUND)
            _threshold(each, panel)
            values += [found.relative_l2, found.bound]
        _band_ticks(axes[-1][0], seen.panels[-1])
        _finish(figure, axes[0][0], "relative L2 error", values, axes[:, 0], FLOOR)
        yield figure


def _threshold(axes: Axes, panel: Panel) -> None:
    """The predicted line; what is not decided has a grey ground."""
    found = panel.threshold
    axes.axvline(found.line, color="black", linewidth=1.1, label="predicted: equivariant to its left")
    if not found.settled:
        end = found.last + 0.5 if found.refuted is None else found.refuted - 0.5
        axes.axvspan(found.line, end, color="#e4e4e4", linewidth=0)
    axes.set_title(f"predicted: {found.said}", fontsize=8, loc="right", pad=3)
    axes.set_xlim(-0.9, found.last + 0.9)


def _band_ticks(axes: Axes, panel: Panel) -> None:
    found = panel.threshold
    step = max(1, -(-found.last // 10))
    ticks = list(range(0, found.last + 1, step))
    if found.whole:
        ticks = [tick for tick in ticks if tick <= found.last - max(1, step - 1)] + [found.last]
    axes.set_xticks(ticks, [found.spelled(tick) for tick in ticks])
    axes.set_xlabel("band K of the input (cycles per map)" + ("; all: every array" if found.whole else ""))


_DRAWN = {"spectrum": _spectrum, "displacement": _displacement, "size": _size, "band": _band}
