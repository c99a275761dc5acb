"""The figures: drawn with Matplotlib, the same bytes each time, readable without color and at the width of a phone.

Curves differ in dash pattern and marker as well as in color, and are named at their right end.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from equinorm.report.spectra import CORNER, INPUT, Spectra
from theory.spec.catalogue import CATALOGUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.5
"""Inches: 324 points, so that letters of 9 points stay readable when a phone shows the figure at its own width."""

Style = tuple[str, Any, str]

INPUT_STYLE: Style = ("#0b0b0b", (0, (1, 1.2)), "")
LAYER_STYLES: tuple[Style, ...] = (
    ("#0060a8", "-", "o"),
    ("#b3420f", (0, (5, 1.5)), "s"),
    ("#6b6b6b", (0, (3, 1, 1, 1)), "^"),
    ("#8a1c7c", "-", "v"),
    ("#00736b", (0, (2, 1)), "x"),
)
FURTHER_STYLE: Style = ("#3d7a1e", (0, (7, 2)), "D")
"""Color, dash pattern and marker: of the input, of the layers in the order of the catalogue, of a second variant."""

SETTINGS: Any = {
    "svg.hashsalt": "equinorm",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "figure.dpi": 100,
    "path.simplify": False,
}

FLOOR = 1e-18
"""Errors below are drawn here: beneath the rounding of float64 a mean may be 0 or negative."""


def style(name: str) -> Style:
    """The style of a curve by its name, the same in every figure."""
    layers = list(CATALOGUE)
    if name in layers:
        return LAYER_STYLES[layers.index(name) % len(LAYER_STYLES)]
    return INPUT_STYLE if name == INPUT else FURTHER_STYLE


@dataclass(frozen=True)
class Chart:
    """A figure as SVG and PNG."""

    svg: str
    png: bytes


@contextmanager
def canvas(height: float) -> Iterator[Figure]:
    """An empty figure of the width of all, under the settings of all, whatever a user's own are."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    with mpl.rc_context():
        # A user's own settings must not change the bytes.
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        figure = Canvas(figsize=(WIDTH, height))
        FigureCanvasAgg(figure)
        yield figure


@contextmanager
def _drawing(height: float, panels: int) -> Iterator[tuple[Figure, list[Axes]]]:
    with canvas(height) as figure:
        axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
        yield figure, list(axes)


def _saved(figure: Figure) -> Chart:
    png = io.BytesIO()
    svg = svg_of(figure)
    figure.savefig(png, format="png", dpi=200, metadata={"Software": None})
    return Chart(svg, png.getvalue())


def svg_of(figure: Figure) -> str:
    """The figure as an SVG document without a date."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue().decode("utf-8")


def pdf_of(figure: Figure, title: str, description: str) -> bytes:
    """The figure as a PDF without a date, which carries a title and a description."""
    out = io.BytesIO()
    about = {"CreationDate": None, "Creator": None, "Producer": None, "Title": title, "Subject": description}
    figure.savefig(out, format="pdf", metadata=about)
    return out.getvalue()


def spoken(svg: str, title: str, description: str) -> str:
    """An SVG document with a title and a description to read out."""
    head, rest = svg[svg.index("<svg") :].split(">", 1)
    text = f'<title id="title">{escape(title)}</title>\n <desc id="description">{escape(description)}</desc>'
    before = svg[: svg.index("<svg")]
    return f'{before}{head} role="img" aria-labelledby="title description">\n {text}{rest}'


def spread(values: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Places for labels near ``values``: at least ``least`` apart, in the same order, within ``low`` and ``high``.

    >>> spread([0.5, 0.5, 0.9], 0.25, 0.0, 1.0)
    [0.375, 0.625, 0.9]
    """
    order = sorted(range(len(values)), key=lambda place: (values[place], place))
    clusters: list[tuple[float, int]] = []
    for place in order:
        center, count = values[place], 1
        while clusters:
            before, size = clusters[-1]
            if center - before >= least * (count + size) / 2:
                break
            clusters.pop()
            center, count = (center * count + before * size) / (count + size), count + size
        reach = least * (count - 1) / 2
        clusters.append((min(max(center, low + reach), max(high - reach, low + reach)), count))
    found = [center + least * (i - (count - 1) / 2) for center, count in clusters for i in range(count)]
    result = [0.0] * len(values)
    for place, value in zip(order, found, strict=True):
        result[place] = value
    return result


def _label(axes: Axes, ends: Sequence[tuple[str, float, float, str]], gap: float) -> None:
    """Write the names at the right of the axes, each joined to the end (x, y) of its curve by a thin line."""
    to_axes = axes.transAxes.inverted()
    places = [to_axes.transform(axes.transData.transform((x, y))) for _, x, y, _ in ends]
    heights = spread([float(place[1]) for place in places], gap, 0.02, 1.0)
    for (name, _, _, color), place, height in zip(ends, places, heights, strict=True):
        axes.plot(
            [place[0], 1.015, 1.04], [place[1], height, height],
            transform=axes.transAxes, color=color, linewidth=0.5, clip_on=False,
        )  # fmt: skip
        axes.text(1.05, height, name, transform=axes.transAxes, va="center", color=color, fontsize=8)


def spectrum_chart(found: Spectra) -> Chart:
    """Figure 1: density against radial frequency, with a line at the corner of the band."""
    with _drawing(3.9, 1) as (figure, (axes,)):
        figure.subplots_adjust(left=0.145, right=0.695, top=0.97, bottom=0.12)
        ends = []
        for number, curve in enumerate(found.curves):
            color, dashes, marker = style(curve.name)
            # The ring at 0 is the mean alone, which centring removes; on a logarithmic axis it would hide the rest.
            x, y = curve.frequency[1:], np.maximum(curve.density[1:], np.finfo(np.float64).tiny)
            every = (2 * number, 14)
            axes.semilogy(x, y, color=color, linestyle=dashes, marker=marker, markevery=every, markerfacecolor="white")
            ends.append((curve.name.replace(", ", ",\n"), float(x[-1]), float(y[-1]), color))
        axes.axvline(CORNER, color="black", linewidth=0.8)
        axes.set_xlim(0, float(found.curves[0].frequency[-1]))
        low = min(float(curve.density[1:].min()) for curve in found.curves)
        axes.set_ylim(low / 10, None)
        axes.annotate(
            "√2/4", (CORNER, 1), xycoords=("data", "axes fraction"), xytext=(4, -10), textcoords="offset points"
        )
        axes.set_xlabel("radial frequency (cycles per sample)")
        axes.set_ylabel("power spectral density")
        _label(axes, ends, 0.075)
        return _saved(figure)


@dataclass(frozen=True)
class Series:
    """One layer: its errors at each size of the map, in the order of the sizes."""

    name: str
    cosine: tuple[float, ...]
    length: tuple[float, ...]


def parity_chart(sizes: Sequence[int], series: Sequence[Series]) -> Chart:
    """Figure 2: both errors against the size of the map; even sizes have a grey ground."""
    with _drawing(5.2, 2) as (figure, panels):
        figure.subplots_adjust(left=0.145, right=0.715, top=0.955, bottom=0.11, hspace=0.16)
        for axes, metric, title in zip(
            panels, ("cosine", "length"), ("1 − cosine (published error)", "relative L2 error"), strict=True
        ):
            ends = []
            x = np.arange(len(sizes))
            for place, size in enumerate(sizes):
                if size % 2 == 0:
                    axes.axvspan(place - 0.5, place + 0.5, color="#e4e4e4", linewidth=0)
            for one in series:
                color, dashes, marker = style(one.name)
                y = np.maximum(getattr(one, metric), FLOOR)
                axes.semilogy(x, y, color=color, linestyle=dashes, marker=marker, markerfacecolor="white")
                ends.append((one.name, float(x[-1]), float(y[-1]), color))
            axes.set_xlim(-0.5, len(sizes) - 0.5)
            axes.set_ylim(FLOOR / 3, 10)
            axes.set_title(title, fontsize=9, loc="left")
            _label(axes, ends, 0.1)
        panels[-1].set_xticks(x, [f"{size}\n{'odd' if size % 2 else 'even'}" for size in sizes], fontsize=8)
        panels[-1].set_xlabel("samples on each side of the map")
        return _saved(figure)


def inline(svg: str, prefix: str, title: str, description: str) -> str:
    """An SVG document as an element of a page: its names made its own, with a title and a description to read out.

    Two figures on one page would otherwise share names such as ``axes_1``, and one would borrow the other's letters.
    """
    body = svg[svg.index("<svg") :]
    head, rest = body.split(">", 1)
    named = f"{prefix}-title {prefix}-text"
    head = re.sub(r'\s(width|height)="[^"]*"', "", head) + f' role="img" aria-labelledby="{named}"'
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    rest = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', rest)
    rest = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', rest)
    rest = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", rest)
    spoken = f'<title id="{prefix}-title">{escape(title)}</title><desc id="{prefix}-text">{escape(description)}</desc>'
    return f"{head}>{spoken}{rest}".strip()
