"""The answer in few lines: for each layer and transformation, means over images, positions, initializations and modes.

The pooling is that of the published Table 2. Standard errors are those of the mean of the pooled values, which treat
them as independent, as published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

METRICS = ("cosine_error", "relative_l2", "relative_maximum")


@dataclass(frozen=True)
class Statistic:
    """The mean of ``count`` values and its standard error; None where there is no finite one."""

    count: int
    mean: float | None
    standard_error: float | None


@dataclass(frozen=True)
class Group:
    """Rows that share ``key``: a statistic for each of `METRICS`, and how often rounding explains what was seen.

    ``above_rounding`` is the share of rows whose relative L2 error exceeds its rounding bound.
    """

    key: Mapping[str, str]
    metrics: Mapping[str, Statistic]
    above_rounding: float

    def document(self) -> dict[str, Any]:
        """As plain data."""
        found: dict[str, Any] = dict(self.key)
        found["rows"] = self.metrics[METRICS[0]].count
        for name, value in self.metrics.items():
            found[name] = {"mean": value.mean, "standard_error": value.standard_error}
        found["above_rounding"] = self.above_rounding
        return found


def summarize(table: pa.Table, by: Sequence[str] = ("layer", "transformation")) -> tuple[Group, ...]:
    """Group the rows of a results table by the columns ``by`` of words; groups in the order of their first rows."""
    values = {name: table.column(name).to_numpy() for name in (*METRICS, "rounding_bound")}
    words, group = [], np.zeros(table.num_rows, dtype=np.int64)
    for name in by:
        coded = table.column(name).cast(pa.string()).combine_chunks().dictionary_encode()
        words.append(coded.dictionary.to_pylist())
        group = group * len(coded.dictionary) + coded.indices.to_numpy()
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    groups = []
    for rows in sorted(np.split(order, starts[1:]), key=lambda rows: int(rows[0])) if len(starts) else ():
        key, code = [], int(group[rows[0]])
        for known in reversed(words):
            code, place = divmod(code, len(known))
            key.append(known[place])
        chosen = {name: column[rows] for name, column in values.items()}
        above = chosen["relative_l2"] > chosen["rounding_bound"]
        metrics = {name: statistic(chosen[name]) for name in METRICS}
        groups.append(Group(dict(zip(by, reversed(key), strict=True)), metrics, float(np.mean(above))))
    return tuple(groups)


def statistic(values: np.ndarray[Any, Any]) -> Statistic:
    """Mean and standard error s/√n, with s the sample deviation (n − 1).

    >>> statistic(np.array([1.0, 3.0]))
    Statistic(count=2, mean=2.0, standard_error=1.0)
    """
    count = len(values)
    if count == 0 or not np.all(np.isfinite(values)):
        return Statistic(count, None, None)
    error = float(np.std(values, ddof=1)) / math.sqrt(count) if count > 1 else None
    return Statistic(count, float(np.mean(values)), error)


def lines(groups: Sequence[Group]) -> list[str]:
    """The groups as a plain table, one line each, columns aligned."""
    keys = list(groups[0].key) if groups else []
    rows = [[*keys, "1 - cosine", "standard error", "relative L2", "maximum", "above rounding"]]
    for group in groups:
        cosine = group.metrics["cosine_error"]
        numbers = [cosine.mean, cosine.standard_error, group.metrics["relative_l2"].mean]
        numbers.append(group.metrics["relative_maximum"].mean)
        shown = ["-" if number is None else f"{number:.2e}" for number in numbers]
        rows.append([*group.key.values(), *shown, f"{100 * group.above_rounding:.0f} %"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = len(keys)
    return [
        "  ".join(
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
