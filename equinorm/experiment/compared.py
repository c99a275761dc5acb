"""What was measured on given feature maps, as a table of rows and beside the verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from equinorm.deciding import Decision
from equinorm.experiment.given_maps import ArrayResult, Series
from equinorm.experiment.table import numbers_of
from numerics.bounds import Judgement, judge
from theory.spec.actions import ActionKind

LISTED_ROWS = 20

COLUMNS = {
    "array": "name in the file",
    "sample": "its number, from 0",
    "initialization": "of gain and bias: default (1, 0), drawn from N(0, 1), or absent; a term's are drawn",
    "transformation": "shift or translation",
    "displacement_h": "along H, in samples",
    "displacement_w": "along W, in samples",
    "relative_l2": "|f(Tx) - Tf(x)| / |Tf(x)|",
    "relative_maximum": "max|f(Tx) - Tf(x)| / max|Tf(x)|",
    "cosine_error": "1 - cosine over channels, mean over pixels",
    "rounding_bound": "what rounding alone may make of relative_l2",
    "judgement": "of relative_l2: within the bound, above it, or undecidable at this precision",
    "nyquist_energy": "removed before the layer, relative to the map's; null unless the policy is project",
}
"""Name and meaning of each column, in order."""

MEANINGS = {
    "agree": "the measurement shows what the verdict says",
    "not shown": "the verdict is about all arrays and parameters; these do not show it",
    "undecidable": "at this precision rounding hides what the verdict is about",
    "contradiction": "the verdict says that only rounding is left, and more is seen",
    "not decided": "there is no verdict to compare with",
}


@dataclass(frozen=True)
class Compared:
    """All samples of an array under one initialization and one transformation, and the verdict on the same question.

    ``worst`` is the sample whose relative L2 error is the largest in units of its bound. ``verdict`` and ``grid`` are
    None where there is none.
    """

    array: str
    initialization: str
    transformation: str
    judgements: Mapping[str, int]
    worst: int
    relative_l2: float
    relative_maximum: float
    cosine_error: float
    rounding_bound: float
    grid: str | None
    verdict: str | None

    @property
    def agreement(self) -> str:
        """A key of `MEANINGS`."""
        above, within = (self.judgements[name.value] for name in (Judgement.ABOVE, Judgement.WITHIN))
        if self.verdict in (None, "unknown"):
            return "not decided"
        if self.verdict == "equivariant":
            return "contradiction" if above else "agree" if within else "undecidable"
        return "agree" if above else "not shown" if within else "undecidable"

    def document(self) -> dict[str, Any]:
        """As plain data."""
        numbers = ("relative_l2", "relative_maximum", "cosine_error", "rounding_bound")
        return {
            "array": self.array,
            "initialization": self.initialization,
            "transformation": self.transformation,
            "judgements": dict(self.judgements),
            "worst": {"sample": self.worst, **{name: finite(getattr(self, name)) for name in numbers}},
            "grid": self.grid,
            "verdict": self.verdict,
            "agreement": self.agreement,
        }


def table_of(result: ArrayResult) -> pa.Table:
    """The rows of one array, with the columns `COLUMNS`."""
    count = result.array.shape[0]
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for series in result.series:
        words = {
            "array": result.array.name,
            "initialization": series.initialization.value,
            "transformation": series.transformation.value,
        }
        for name, word in words.items():
            columns[name].append(pa.array([word] * count, pa.string()))
        columns["sample"].append(pa.array(np.arange(count)))
        judged = [judge(error, bound).value for error, bound in zip(series.relative_l2, series.bound, strict=True)]
        columns["judgement"].append(pa.array(judged, pa.string()))
        energy = pa.nulls(count, pa.float64()) if result.nyquist_energy is None else pa.array(result.nyquist_energy)
        columns["nyquist_energy"].append(energy)
        for name, values in numbers_of(series).items():
            columns[name].append(pa.array(np.ascontiguousarray(values)))
    return pa.table({name: pa.chunked_array(parts) for name, parts in columns.items()})


def compared_of(result: ArrayResult, series: Series, verdicts: Mapping[ActionKind, Decision]) -> Compared:
    """One series of ``result`` beside the verdict on its transformation, if there is one."""
    judged = [judge(error, bound) for error, bound in zip(series.relative_l2, series.bound, strict=True)]
    with np.errstate(all="ignore"):
        ratio = np.where(series.relative_l2 == 0, 0.0, series.relative_l2 / series.bound)
    worst = int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))
    decision = verdicts.get(series.transformation)
    return Compared(
        result.array.name,
        series.initialization.value,
        series.transformation.value,
        {judgement.value: judged.count(judgement) for judgement in Judgement},
        worst,
        float(series.relative_l2[worst]),
        float(series.relative_maximum[worst]),
        float(series.cosine[worst]),
        float(series.bound[worst]),
        None if decision is None else str(decision.words.grid),
        None if decision is None else decision.verdict,
    )


def rows_of(table: pa.Table) -> list[list[Any]]:
    """The rows as lists, for :func:`aligned`."""
    names = [name for name in COLUMNS if name != "nyquist_energy"]
    return [list(row) for row in zip(*(table.column(name).to_pylist() for name in names), strict=True)]


def aligned(rows: list[list[Any]]) -> list[str]:
    """The first `LISTED_ROWS` rows as a table with aligned columns."""
    head = ["sample", "gain, bias", "moved", "H", "W", "relative L2", "maximum", "1 - cosine", "bound", "judgement"]
    shown = [head] + [
        [
            str(row[1]),
            row[2],
            row[3],
            f"{row[4]:.2f}",
            f"{row[5]:.2f}",
            *(f"{value + 0.0:.2e}" for value in row[6:10]),
            row[10],
        ]
        for row in rows[:LISTED_ROWS]
    ]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in shown]
    if len(rows) > LISTED_ROWS:
        lines.append(f"… and {len(rows) - LISTED_ROWS} rows more")
    return lines


def counted(judgements: Mapping[str, int]) -> str:
    """How many there are of each judgement that occurs."""
    return ", ".join(f"{count} {name}" for name, count in judgements.items() if count)


def finite(value: Any) -> Any:
    """``value``, or None for a number that JSON cannot spell."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
