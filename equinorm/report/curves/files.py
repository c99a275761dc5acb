"""The numbers of the charts: a CSV file for each, and all of them as plain data.

What is infinite or not a number is an empty field in CSV and null in JSON.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from equinorm.report.curves.computed import DISTANCES, SPAN, STEPS, Panel, Seen
from equinorm.report.curves.drawing import KINDS, Drawing, draw
from equinorm.report.curves.words import SENTENCES
from numerics.curves.errors import Curve

Rows = Iterator[tuple[Any, ...]]

ERRORS = ("relative_l2", "relative_maximum", "cosine_error", "rounding_bound")
HEADS = {
    "spectrum": ("subject", "band", "frequency", "above_band", "input", "output", "aliased", "rounding_floor"),
    "displacement": ("subject", "displacement", *ERRORS),
    "harmonics": ("subject", "cycles_per_sample", "amplitude_of_squared_error", "rounding_bound"),
    "size": ("subject", "maps", "size", *ERRORS),
    "band": ("subject", "band", "predicted", *ERRORS),
}
"""The tables and their columns: one for each chart, and one for the second half of the chart against displacement."""


def spectrum_rows(panel: Panel) -> Rows:
    """One row for each ring."""
    found = panel.spectrum
    for place, frequency in enumerate(found.frequency):
        densities = (each[place] for each in (found.input, found.output, found.aliased, found.floor))
        yield panel.name, found.band, float(frequency), bool(found.above[place]), *map(float, densities)


def displacement_rows(panel: Panel) -> Rows:
    """One row for each displacement."""
    return ((panel.name, at, *errors) for at, errors in _errors(panel.displacement))


def harmonics_rows(panel: Panel) -> Rows:
    """One row for each frequency in t."""
    for frequency, amplitude in zip(panel.content.frequency, panel.content.amplitude, strict=True):
        yield panel.name, float(frequency), float(amplitude), panel.content_bound


def size_rows(panel: Panel) -> Rows:
    """One row for each size, and for even ones a second without the bins N/2."""
    for name, curve in panel.size.items():
        for at, errors in _errors(curve):
            yield panel.name, name, int(at), *errors


def band_rows(panel: Panel) -> Rows:
    """One row for each band, with what is decided of it."""
    for at, errors in _errors(panel.band):
        yield panel.name, panel.threshold.spelled(int(at)), predicted(panel, int(at)), *errors


ROWS = {
    "spectrum": spectrum_rows,
    "displacement": displacement_rows,
    "harmonics": harmonics_rows,
    "size": size_rows,
    "band": band_rows,
}


def predicted(panel: Panel, band: int) -> str:
    """The verdict on a band."""
    found = panel.threshold
    if found.proved is not None and band <= found.proved:
        return "equivariant"
    return "not_equivariant" if found.refuted is not None and band >= found.refuted else "unknown"


def _errors(curve: Curve) -> Iterator[tuple[float, tuple[float, ...]]]:
    columns = (curve.relative_l2, curve.relative_maximum, curve.cosine, curve.bound)
    for place, at in enumerate(curve.at):
        yield float(at), tuple(float(column[place]) for column in columns)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(name: str, panels: Sequence[Panel]) -> str:
    """One of HEADS as comma-separated values."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADS[name])
    for panel in panels:
        writer.writerows([["" if _finite(v) is None else v for v in row] for row in ROWS[name](panel)])
    return out.getvalue()


def document(seen: Seen) -> dict[str, Any]:
    """All numbers of one input as plain data."""
    maps = seen.input
    return {
        "input": maps.name,
        "shape": list(maps.given.shape),
        "domain": str(maps.domain),
        "axes": "".join(sorted(maps.moving)),
        "scope": seen.scope.value,
        "dtype": seen.dtype,
        "displacements": {"span": SPAN, "steps_per_sample": STEPS, "of_size_and_band": list(DISTANCES)},
        "subjects": [_panel(panel) for panel in seen.panels],
    }


def _panel(panel: Panel) -> dict[str, Any]:
    found = panel.threshold
    tables = {
        name: [dict(zip(HEADS[name][1:], map(_finite, row[1:]), strict=True)) for row in ROWS[name](panel)]
        for name in HEADS
    }
    return {
        "subject": panel.name,
        "threshold": {
            "predicted": None if found.proved is None else found.spelled(found.proved),
            "first_refuted": None if found.refuted is None else found.spelled(found.refuted),
            "settled": found.settled,
            "seen": None if panel.seen is None else found.spelled(panel.seen),
        },
        "findings": {kind: SENTENCES[kind](panel) for kind in KINDS},
        **tables,
    }


def names(prefix: str = "") -> tuple[str, ...]:
    """The files of one input, in order."""
    charts = [f"{prefix}{kind}.{suffix}" for kind in KINDS for suffix in ("svg", "pdf")]
    return (*charts, *(f"{prefix}{name}.csv" for name in HEADS), f"{prefix}curves.json")


def write(seen: Seen, folder: Path, prefix: str = "") -> tuple[Drawing, ...]:
    """Draw the charts of one input and write them with their numbers into ``folder``, as :func:`names`.

    The same numbers are the same bytes.
    """
    drawings = tuple(draw(kind, seen) for kind in KINDS)
    texts = {f"{prefix}{name}.csv": table(name, seen.panels) for name in HEADS}
    charts = {drawing.kind: {"title": drawing.title, "description": drawing.description} for drawing in drawings}
    data = {**document(seen), "charts": charts}
    texts[f"{prefix}curves.json"] = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for drawing in drawings:
        texts[f"{prefix}{drawing.kind}.svg"] = drawing.svg
        (folder / f"{prefix}{drawing.kind}.pdf").write_bytes(drawing.pdf)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return drawings
