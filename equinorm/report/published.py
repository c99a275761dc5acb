"""The published numbers, read from the data of this package; they stand beside results and enter none.

Source: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, Tables 1 to 3, as printed.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from equinorm.report.cells import Estimate

SOURCE = "arXiv 2505.19805"


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    text = (files("equinorm.report") / "data" / name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def equivariance() -> dict[str, str]:
    """By layer the printed class: ``translation``, ``shift`` or ``neither`` (Table 1).

    >>> equivariance()["LayerNorm-C"]
    'shift'
    """
    return {row["layer"]: row["equivariance"] for row in _rows("table1.csv")}


def errors() -> dict[tuple[str, str], Estimate]:
    """By layer and transformation the printed 1 − cosine (Table 2)."""
    return {(row["layer"], row["transformation"]): _estimate(row) for row in _rows("table2.csv")}


def errors_by_mode() -> dict[tuple[str, str], Estimate]:
    """By mode of BatchNorm and transformation the printed 1 − cosine (Table 3)."""
    return {(row["mode"], row["transformation"]): _estimate(row) for row in _rows("table3.csv")}


def _estimate(row: dict[str, str]) -> Estimate:
    return Estimate(float(row["mean"]), float(row["standard_error"]))
