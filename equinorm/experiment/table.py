"""The results table: one row for each image, position, layer, initialization, mode and transformation.

Columns that repeat (names, modes, dtype) are dictionaries: a row of the table takes about 100 bytes in memory and few
in Parquet. Rows stand in the order of the work: batch, position, layer, transformation, image.

The files are written while the rows arrive, never more than a group of them at a time, and their bytes do not depend on
the pieces in which they arrive: a row group holds `GROUP` rows, its dictionaries the words of these rows in the order
of their first occurrence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from equinorm.experiment.options import Options
from numerics.experiment.maps import MapResult
from numerics.experiment.study import Measurement

if TYPE_CHECKING:
    from equinorm.experiment.given_maps import Series

LARGEST_CSV = 1_000_000
"""Rows from which no CSV is written."""

GROUP = 1 << 16
"""Rows of a group of results.parquet."""

COLUMNS = {
    "image": "name of the picture",
    "group": "photograph, scientific image, or given",
    "batch": "number of the batch, from 0; training mode couples its images",
    "position": "BatchNorm layer of the network whose input the map is",
    "channels": "C",
    "height": "H, samples",
    "width": "W, samples",
    "parity": "of H and W: odd, even, or mixed",
    "layer": "name in the catalogue",
    "initialization": "of gain and bias: default (1, 0), drawn from N(0, 1), or absent",
    "mode": "training, evaluation (running mean 0, variance 1), or both where they are the same",
    "transformation": "shift or translation",
    "displacement_h": "along H, in samples",
    "displacement_w": "along W, in samples",
    "relative_l2": "|f(Tx) - Tf(x)| / |Tf(x)|",
    "relative_maximum": "max|f(Tx) - Tf(x)| / max|Tf(x)|",
    "cosine_error": "1 - cosine over channels, mean over pixels: the published error",
    "rounding_bound": "what rounding alone may make of relative_l2",
    "nyquist_energy": "removed before the layer, relative to the map's; null unless the policy is project",
    "dtype": "float32 or float64",
    "nyquist": "policy: one-sided, symmetric or project",
}
"""Name and meaning of each column, in order."""

WHOLE = ("batch", "channels", "height", "width")
FLOATING = (
    "displacement_h",
    "displacement_w",
    "relative_l2",
    "relative_maximum",
    "cosine_error",
    "rounding_bound",
    "nyquist_energy",
)
WORD = pa.dictionary(pa.int32(), pa.string())


def _type(name: str) -> pa.DataType:
    return pa.int32() if name in WHOLE else pa.float64() if name in FLOATING else WORD


SCHEMA = pa.schema([(name, _type(name)) for name in COLUMNS])


@dataclass
class Rows:
    """The table while it grows: an array of indices or of numbers for each column and map."""

    options: Options
    names: dict[str, dict[str, int]] = field(default_factory=dict)
    parts: dict[str, list[np.ndarray[Any, Any]]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def add(
        self, result: MapResult, batch: int, position: str, shape: Sequence[int], images: Sequence[tuple[str, str]]
    ) -> None:
        """Append the measurements of one map of shape (B, C, H, W); ``images`` holds (name, group) of each sample."""
        count = len(images)
        repeats = len(result.measurements)
        _, channels, height, width = shape
        same = {"batch": batch, "channels": channels, "height": height, "width": width}
        for name, value in same.items():
            self.parts[name].append(np.full(count * repeats, value, dtype=np.int32))
        words = {
            "position": position,
            "parity": parity(height, width),
            "dtype": self.options.dtype,
            "nyquist": self.options.nyquist,
        }
        for name, word in words.items():
            self._words(name, [word], count * repeats)
        for place, name in enumerate(("image", "group")):
            indices = self._indices(name, [image[place] for image in images])
            self.parts[name].append(np.tile(indices, repeats))
        for found in result.measurements:
            body = found.variant.body
            self._words("layer", [body.name], count)
            self._words("initialization", [found.variant.initialization.value], count)
            self._words("mode", [body.mode.value], count)
            self._words("transformation", [found.transformation.value], count)
            for name, values in numbers_of(found).items():
                self.parts[name].append(np.asarray(values, dtype=np.float64))
        if result.nyquist_energy is not None:
            self.parts["nyquist_energy"].append(np.tile(result.nyquist_energy, repeats))

    def _indices(self, name: str, words: Sequence[str]) -> np.ndarray[Any, Any]:
        known = self.names.setdefault(name, {})
        return np.array([known.setdefault(word, len(known)) for word in words], dtype=np.int32)

    def _words(self, name: str, words: Sequence[str], count: int) -> None:
        self.parts[name].append(np.repeat(self._indices(name, words), count))

    def table(self) -> pa.Table:
        """The rows so far as a table of the schema `SCHEMA`."""
        rows = sum(map(len, self.parts["batch"]))
        if rows == 0:
            return SCHEMA.empty_table()
        columns: dict[str, pa.Array] = {}
        for name in COLUMNS:
            if not self.parts[name]:  # nyquist_energy, where nothing was removed
                columns[name] = pa.nulls(rows, pa.float64())
                continue
            values = np.concatenate(self.parts[name])
            if name in self.names:
                columns[name] = pa.DictionaryArray.from_arrays(pa.array(values), pa.array(list(self.names[name])))
            else:
                columns[name] = pa.array(values)
        return pa.table(columns, schema=SCHEMA)


def numbers_of(found: Measurement | Series) -> dict[str, np.ndarray[Any, Any]]:
    """Displacements and errors of one measurement, by the names of their columns."""
    return {
        "displacement_h": found.displacements[:, 0],
        "displacement_w": found.displacements[:, 1],
        "relative_l2": found.relative_l2,
        "relative_maximum": found.relative_maximum,
        "cosine_error": found.cosine,
        "rounding_bound": found.bound,
    }


def parity(height: int, width: int) -> str:
    """``odd`` or ``even`` where both sizes are, else ``mixed``.

    >>> parity(7, 7), parity(112, 112), parity(7, 8)
    ('odd', 'even', 'mixed')
    """
    if height % 2 != width % 2:
        return "mixed"
    return "odd" if height % 2 else "even"


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all tables in one, each word once in its dictionary."""
    found = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    return found.replace_schema_metadata(None).unify_dictionaries().combine_chunks()


class TableWriter:
    """Takes rows piece by piece and writes them; see :func:`table_writer`."""

    def __init__(self, schema: pa.Schema, parquet: Any, csv: Any | None) -> None:
        self.schema, self.parquet, self.csv = schema, parquet, csv
        self.waiting: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Append rows of the writer's schema."""
        self.waiting.append(table.replace_schema_metadata(None))
        while sum(piece.num_rows for piece in self.waiting) >= GROUP:
            rows = pa.concat_tables(self.waiting)
            self._write(rows.slice(0, GROUP))
            self.waiting = [rows.slice(GROUP)]

    def finish(self) -> None:
        """Write the last rows."""
        rows = pa.concat_tables(self.waiting) if self.waiting else self.schema.empty_table()
        if rows.num_rows:
            self._write(rows)

    def _write(self, group: pa.Table) -> None:
        spelled = group.cast(_spelled(self.schema)).combine_chunks()
        for place, column in enumerate(self.schema):
            if pa.types.is_dictionary(column.type):
                words = spelled.column(place).dictionary_encode().cast(column.type)
                group = group.set_column(place, column, words)
        self.parquet.write_table(group.combine_chunks(), row_group_size=GROUP)
        if self.csv is not None:
            self.csv.write_table(spelled)


@contextmanager
def table_writer(folder: Path, rows: int, schema: pa.Schema = SCHEMA) -> Iterator[TableWriter]:
    """Write ``results.parquet``, and ``results.csv`` where there are fewer than `LARGEST_CSV` ``rows``.

    Raises:
        OSError: a file cannot be written.
    """
    schema = schema.remove_metadata()
    with ExitStack() as stack:
        file = stack.enter_context((folder / "results.parquet").open("wb"))
        parquet = stack.enter_context(pa.parquet.ParquetWriter(file, schema, compression="zstd"))
        csv = None
        if rows < LARGEST_CSV:
            text = stack.enter_context((folder / "results.csv").open("wb"))
            csv = stack.enter_context(pa.csv.CSVWriter(text, _spelled(schema)))
        writer = TableWriter(schema, parquet, csv)
        yield writer
        writer.finish()


def _spelled(schema: pa.Schema) -> pa.Schema:
    """The schema with words in full in place of dictionaries."""
    return pa.schema([pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in schema])


def write_table(table: pa.Table, folder: Path) -> None:
    """Write a table that is at hand as `table_writer` does, with columns of its own."""
    with table_writer(folder, table.num_rows, table.schema) as writer:
        for start in range(0, table.num_rows, GROUP):
            writer.add(table.slice(start, GROUP))


def read_pieces(path: Path) -> Iterator[pa.Table]:
    """The rows of ``results.parquet``, one group after the other."""
    with pa.parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)
