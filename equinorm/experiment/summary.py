"""The answer in few lines: for each layer and transformation, means over images, positions, initializations and modes.

The pooling is that of the published Table 2. Standard errors are those of the mean of the pooled values, which treat
them as independent, as published. Sums are exact (:mod:`equinorm.experiment.exact`): rows that arrive in pieces, in any
order, give the same means and standard errors bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from equinorm.experiment.exact import ExactSum, exact_sums

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


@dataclass
class Tally:
    """What `summarize` keeps of the rows it has seen: a few sums for each group, whatever their number."""

    by: tuple[str, ...] = ("layer", "transformation")
    sums: dict[tuple[str, ...], list[ExactSum]] = field(default_factory=dict)
    above: dict[tuple[str, ...], int] = field(default_factory=dict)

    def add(self, table: pa.Table) -> None:
        """Take the rows of a results table in."""
        keys, places = _groups(table, self.by)
        values = {name: table.column(name).to_numpy() for name in (*METRICS, "rounding_bound")}
        found = [exact_sums(values[name], places, len(keys)) for name in METRICS]
        above = np.bincount(places[values["relative_l2"] > values["rounding_bound"]], minlength=len(keys))
        for place, key in enumerate(keys):
            known = self.sums.setdefault(key, [ExactSum() for _ in METRICS])
            for whole, part in zip(known, found, strict=True):
                whole.merge(part[place])
            self.above[key] = self.above.get(key, 0) + int(above[place])

    def groups(self) -> tuple[Group, ...]:
        """The groups in the order of their first rows."""
        return tuple(
            Group(
                dict(zip(self.by, key, strict=True)),
                {name: _statistic(found) for name, found in zip(METRICS, sums, strict=True)},
                self.above[key] / sums[0].count,
            )
            for key, sums in self.sums.items()
        )


def summarize(
    rows: pa.Table | Iterable[pa.Table], by: Sequence[str] = ("layer", "transformation")
) -> tuple[Group, ...]:
    """Group the rows of a results table, whole or in pieces, by the columns ``by`` of words; in order of first rows."""
    tally = Tally(tuple(by))
    for piece in [rows] if isinstance(rows, pa.Table) else rows:
        tally.add(piece)
    return tally.groups()


def statistic(values: np.ndarray[Any, Any]) -> Statistic:
    """Mean and standard error s/√n, with s the sample deviation (n − 1).

    >>> statistic(np.array([1.0, 3.0]))
    Statistic(count=2, mean=2.0, standard_error=1.0)
    """
    return _statistic(exact_sums(values, np.zeros(len(values), dtype=np.int64), 1)[0])


def _statistic(found: ExactSum) -> Statistic:
    return Statistic(found.count, found.mean, found.standard_error)


def _groups(table: pa.Table, by: Sequence[str]) -> tuple[list[tuple[str, ...]], np.ndarray[Any, np.dtype[np.int64]]]:
    """The groups in the order of their first rows, and the group of each row."""
    words, codes = [], np.zeros(table.num_rows, dtype=np.int64)
    for name in by:
        coded = table.column(name).cast(pa.string()).combine_chunks().dictionary_encode()
        words.append(coded.dictionary.to_pylist())
        codes = codes * len(coded.dictionary) + coded.indices.to_numpy()
    known, first, places = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return [_key(int(known[place]), words) for place in order], rank[places]


def _key(code: int, words: Sequence[Sequence[str]]) -> tuple[str, ...]:
    key = []
    for known in reversed(words):
        code, place = divmod(code, len(known))
        key.append(known[place])
    return tuple(reversed(key))


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
