"""The results table: one row for each image, position, layer, initialization, mode and transformation.

Columns that repeat (names, modes, dtype) are dictionaries: a row of the table takes about 100 bytes in memory and few
in Parquet. Rows stand in the order of the work: batch, position, layer, transformation, image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from equinorm.experiment.options import Options
from numerics.experiment.maps import MapResult

LARGEST_CSV = 1_000_000
"""Rows from which no CSV is written."""

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
            numbers = {
                "displacement_h": found.displacements[:, 0],
                "displacement_w": found.displacements[:, 1],
                "relative_l2": found.relative_l2,
                "relative_maximum": found.relative_maximum,
                "cosine_error": found.cosine,
                "rounding_bound": found.bound,
            }
            for name, values in numbers.items():
                self.parts[name].append(np.asarray(values, dtype=np.float64))
        if result.nyquist_energy is not None:
            self.parts["nyquist_energy"].append(np.tile(result.nyquist_energy, repeats))

    def _indices(self, name: str, words: Sequence[str]) -> np.ndarray[Any, Any]:
        known = self.names.setdefault(name, {})
        return np.array([known.setdefault(word, len(known)) for word in words], dtype=np.int32)

    def _words(self, name: str, words: Sequence[str], count: int) -> None:
        self.parts[name].append(np.repeat(self._indices(name, words), count))

    def table(self) -> pa.Table:
        """The rows so far as a table with the columns `COLUMNS`."""
        rows = sum(map(len, self.parts["batch"]))
        columns: dict[str, pa.Array] = {}
        for name in COLUMNS:
            if name == "nyquist_energy" and not self.parts[name]:
                columns[name] = pa.nulls(rows, pa.float64())
                continue
            values = np.concatenate(self.parts[name]) if self.parts[name] else np.array([], dtype=np.int32)
            if name in self.names:
                columns[name] = pa.DictionaryArray.from_arrays(pa.array(values), pa.array(list(self.names[name])))
            else:
                columns[name] = pa.array(values)
        return pa.table(columns)


def parity(height: int, width: int) -> str:
    """``odd`` or ``even`` where both sizes are, else ``mixed``.

    >>> parity(7, 7), parity(112, 112), parity(7, 8)
    ('odd', 'even', 'mixed')
    """
    if height % 2 != width % 2:
        return "mixed"
    return "odd" if height % 2 else "even"


def write_table(table: pa.Table, folder: Path) -> None:
    """Write ``results.parquet``, and ``results.csv`` below `LARGEST_CSV` rows."""
    pa.parquet.write_table(table, folder / "results.parquet", compression="zstd")
    if table.num_rows < LARGEST_CSV:
        words = [pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
        pa.csv.write_csv(table.cast(pa.schema(words)), folder / "results.csv")
