"""Tables 2 and 3 and the split by parity and policy, from the rows of the measurements.

All numbers are means over rows, with the standard error of the mean where a table has room for it. The published
errors stand beside the same error measured here, and the relative L2 error beside both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from equinorm.experiment.run import Run
from equinorm.experiment.summary import Group, Statistic, summarize
from equinorm.report import published
from equinorm.report.cells import Cell, Estimate
from equinorm.report.charts import Series
from equinorm.report.table import Column, Table
from numerics.experiment.variants import Initialization, Mode
from theory.spec.actions import ActionKind

COSINE, LENGTH, LARGEST = "cosine_error", "relative_l2", "relative_maximum"
TRANSLATION = ActionKind.TRANSLATION.value
ODD, EVEN = "odd", "even"


@dataclass(frozen=True)
class Measured:
    """One run with the options that made it."""

    crop: int
    dtype: str
    nyquist: str
    run: Run

    def rows(self, **values: str) -> pa.Table:
        """The rows whose columns have these values."""
        table = self.run.table
        kept = np.ones(table.num_rows, dtype=bool)
        for name, value in values.items():
            words = table.column(name).combine_chunks().cast(pa.string())
            kept &= np.asarray(words) == value
        return table.filter(pa.array(kept))


def estimate(statistic: Statistic) -> Estimate:
    """A statistic as a cell."""
    return Estimate(statistic.mean, statistic.standard_error)


def joined(runs: Sequence[Measured]) -> pa.Table:
    """The rows of all runs, with the crop in front."""
    tables = []
    for one in runs:
        crop = pa.array(np.full(one.run.table.num_rows, one.crop, dtype=np.int32))
        tables.append(one.run.table.add_column(0, "crop", crop))
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def pooled_columns(found: Group, printed: Estimate | None) -> tuple[Cell, ...]:
    """The published error, and ours in every metric."""
    cosine, length, largest = (estimate(found.metrics[name]) for name in (COSINE, LENGTH, LARGEST))
    return printed, cosine, length, largest, f"{100 * found.above_rounding:.0f} %", found.metrics[COSINE].count


def _columns(*heads: str) -> tuple[Column, ...]:
    return (
        *(Column(head, head) for head in heads),
        Column("published_cosine_error", "1 − cosine", f"published ({published.SOURCE})", numeric=True),
        Column(COSINE, "1 − cosine", "measured here", numeric=True),
        Column(LENGTH, "relative L2", "measured here", numeric=True),
        Column(LARGEST, "relative maximum", "measured here", numeric=True),
        Column("above_rounding", "above rounding", "measured here", numeric=True),
        Column("rows", "values", "measured here", numeric=True),
    )


def _conditions(one: Measured) -> str:
    return f"{one.dtype}, policy {one.nyquist}, crop {one.crop}"


def table2(one: Measured) -> Table:
    """Table 2: every layer under shifts and translations, pooled over images, positions, initializations and modes."""
    printed = published.errors()
    rows = tuple(
        (*found.key.values(), *pooled_columns(found, printed.get((found.key["layer"], found.key["transformation"]))))
        for found in summarize(one.run.table, ("layer", "transformation"))
    )
    caption = (
        f"Equivariance errors of the named layers ({_conditions(one)}), mean ± standard error over images, positions, "
        "initializations and modes; above rounding: the share of values that rounding cannot explain."
    )
    return Table("Table 2", caption, _columns("layer", "transformation"), rows, heads=2)


def table3(one: Measured) -> Table:
    """Table 3: the layers that couple the samples, in training and in evaluation mode."""
    printed = published.errors_by_mode()
    groups = summarize(one.run.table, ("layer", "mode", "transformation"))
    rows = tuple(
        (*found.key.values(), *pooled_columns(found, printed.get((found.key["mode"], found.key["transformation"]))))
        for found in groups
        if (found.key["mode"], found.key["transformation"]) in printed
    )
    caption = f"BatchNorm by mode ({_conditions(one)}), otherwise as Table 2."
    return Table("Table 3", caption, _columns("layer", "mode", "transformation"), rows, heads=3)


@dataclass(frozen=True)
class Part:
    """Some maps of one run: those of one parity, or all."""

    key: str
    crop: int
    title: str
    rows: pa.Table


def parts(runs: Sequence[Measured]) -> Iterator[Part]:
    """The columns of the split, crop by crop: the published pooling, then even maps by policy and odd maps."""
    first = runs[0]
    yield Part("all", first.crop, f"all maps, {first.nyquist}", first.rows(transformation=TRANSLATION))
    for one in runs:
        for parity in (EVEN, ODD):
            rows = one.rows(transformation=TRANSLATION, parity=parity)
            if rows.num_rows and (parity == EVEN or one.nyquist == first.nyquist):
                policy = f", {one.nyquist}" if parity == EVEN else ""
                key = f"{parity}_{one.crop}" + (f"_{one.nyquist}".replace("-", "_") if parity == EVEN else "")
                yield Part(key, one.crop, f"{parity} maps ({sizes(rows)}){policy}", rows)


def sizes(rows: pa.Table) -> str:
    """The sizes of the maps, largest first: ``112, 56, 28, 14``."""
    return ", ".join(str(size) for size in sorted(set(rows.column("height").to_pylist()), reverse=True))


def split_table(runs: Sequence[Measured], by: Sequence[str], name: str) -> Table:
    """Translation errors by parity and policy; the rows are the groups ``by``, once for each of two errors."""
    found = list(parts(runs))
    heads = [Column(key, key) for key in (*by, "error")]
    columns = [Column(part.key, part.title, f"crop {part.crop}", numeric=True) for part in found]
    by_key: dict[tuple[str, ...], list[Cell]] = {}
    for place, part in enumerate(found):
        for group in summarize(part.rows, by):
            for metric, error in ((COSINE, "1 − cosine"), (LENGTH, "relative L2")):
                cells = by_key.setdefault((*group.key.values(), error), [None] * len(found))
                cells[place] = group.metrics[metric].mean
    rows = tuple((*key, *cells) for key, cells in by_key.items())
    caption = f"Translation errors ({runs[0].dtype}) by parity of the map size and by Nyquist policy, means."
    return Table(name, caption, (*heads, *columns), rows, heads=len(heads))


def blind_table(runs: Sequence[Measured], layer: str, name: str) -> Table:
    """The published error and the relative one of one layer on the even maps, by size, policy and initialization."""
    rows: list[tuple[Cell, ...]] = []
    for one in runs:
        chosen = one.rows(transformation=TRANSLATION, parity=EVEN, layer=layer)
        for size in sorted(set(chosen.column("height").to_pylist()), reverse=True):
            here = chosen.filter(pa.array(chosen.column("height").to_numpy() == size))
            cells: list[Cell] = []
            for found in _in_order(summarize(here, ("initialization",))):
                cells += [found.metrics[COSINE].mean, found.metrics[LENGTH].mean]
            rows.append((one.nyquist, f"{size}×{size}", *cells))
    columns = [Column("nyquist", "policy"), Column("size", "map")]
    for initialization in ("default", "drawn"):
        group = f"{initialization} gain and bias"
        columns += [
            Column(f"{initialization}_{COSINE}", "1 − cosine", group, numeric=True),
            Column(f"{initialization}_{LENGTH}", "relative L2", group, numeric=True),
        ]
    caption = f"{layer} under translations on even maps ({runs[0].dtype}), means: what each of two errors sees."
    return Table(name, caption, tuple(columns), tuple(rows), heads=2)


def _in_order(groups: Sequence[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: group.key["initialization"])


def parity_series(runs: Sequence[Measured]) -> tuple[tuple[int, ...], tuple[Series, ...]]:
    """Mean translation errors of each layer by size of the map, for Figure 2: one policy, default gain and bias.

    Sizes that occur at both crops are taken from the first run.
    """
    found: dict[int, dict[str, Group]] = {}
    for one in runs:
        rows = one.rows(transformation=TRANSLATION)
        plain = {Initialization.DEFAULT.value, Initialization.ABSENT.value}
        for group in summarize(rows, ("height", "layer", "mode", "initialization")):
            if group.key["mode"] != Mode.EVALUATION.value and group.key["initialization"] in plain:
                found.setdefault(int(group.key["height"]), {}).setdefault(group.key["layer"], group)
    sizes = tuple(sorted(found))
    series = []
    for layer in found[sizes[0]]:
        cosine, length = (
            tuple(found[size][layer].metrics[metric].mean or 0.0 for size in sizes) for metric in (COSINE, LENGTH)
        )
        series.append(Series(layer, cosine, length))
    return sizes, tuple(series)
