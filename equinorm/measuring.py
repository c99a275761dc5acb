"""The verb ``measure``: equivariance errors of every layer on the feature maps of a ResNet-18."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from equinorm.experiment.options import Options
from equinorm.experiment.run import run_experiment
from equinorm.experiment.summary import Group, lines, summarize
from equinorm.experiment.table import write_table
from equinorm.files import replacing_folder
from equinorm.inputs.images import find_pictures
from equinorm.progress import Listener
from numerics.backends import load_backend

METRICS_NOTE = (
    "1 - cosine is the published error: its floor is rounding, it may be negative there, and it is blind to a gain "
    "per pixel. Above rounding: the share of rows whose relative L2 error exceeds the rounding bound."
)


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        table: the rows, with the columns of :data:`equinorm.experiment.table.COLUMNS`.
        facts: versions, seed, options, device, weights, pictures used and skipped: plain data.
        out: the folder that was written, if any.
    """

    table: pa.Table
    facts: dict[str, Any]
    out: Path | None = None

    def summary(self, *by: str) -> tuple[Group, ...]:
        """Means and standard errors of the rows that share the columns ``by`` (default: layer and transformation)."""
        return summarize(self.table, by or ("layer", "transformation"))

    def document(self) -> dict[str, Any]:
        """The facts and the summary as plain data."""
        out = None if self.out is None else str(self.out)
        return {**self.facts, "summary": [group.document() for group in self.summary()], "out": out}

    def text(self) -> str:
        """The answer for a terminal."""
        options, images = self.facts["options"], self.facts["images"]
        heading = (
            f"{len(images['used'])} pictures at crop {options['crop']}, {self.facts['batches']} batches of at most "
            f"{options['batch_size']}; {options['dtype']}, {options['nyquist']}; {self.facts['device']}; "
            f"seed {options['seed']}"
        )
        found = [heading, f"weights: {describe_weights(self.facts['weights'])}"]
        for group in dict.fromkeys(picture["group"] for picture in images["used"]):
            names = [picture["name"] for picture in images["used"] if picture["group"] == group]
            more = f" and {len(names) - 20} more" if len(names) > 20 else ""
            found.append(f"{group}: {', '.join(names[:20])}{more}")
        if images["skipped"]:
            found.append(f"skipped {len(images['skipped'])}: {images['skipped'][0]['name']}, …")
        found += ["", *lines(self.summary()), "", METRICS_NOTE]
        if self.out is not None:
            found.append(f"{self.table.num_rows} rows in {self.out}")
        return "\n".join(found)


def describe_weights(weights: dict[str, Any]) -> str:
    """Where the weights come from, in words; ``weights`` is that entry of the facts."""
    if weights["kind"] == "file":
        return f"{weights['path']} (SHA-256 {weights['sha256'][:16]}…)"
    return (
        f"none were given; random ones, not trained: He initialization with seed {weights['seed']}, BatchNorm "
        f"statistics calibrated on the first {weights['calibrated_on']} pictures"
    )


def measure(
    images: Sequence[str | Path] = (),
    *,
    weights: str | Path | None = None,
    backend: str = "numpy",
    dtype: str = "float32",
    nyquist: str = "one-sided",
    crop: int = 224,
    batch_size: int = 16,
    seed: int = 0,
    out: str | Path | None = None,
    progress: Listener | None = None,
) -> Measured:
    """Measure the equivariance errors of the named layers on the 20 BatchNorm inputs of a ResNet-18.

    The experiment of Tables 2 and 3 of Scanvic, Barthélemy and Tachella (2025, arXiv 2505.19805), with two more
    metrics and a rounding bound. It departs from the published one where the layers of a map share a displacement.

    Args:
        images: pictures and folders of pictures; none: those that scikit-image brings along.
        weights: torchvision's state dict of a ResNet-18 (.pth, .pt, .safetensors, .npz); None: He initialization,
            calibrated on the pictures.
        backend: ``numpy``, ``torch`` or ``cupy``.
        dtype: ``float32`` or ``float64``.
        nyquist: what a translation does at N/2 of an even axis: ``one-sided`` (as published), ``symmetric``, or
            ``project`` (maps lose that bin once, before the layer).
        crop: side of the central square in pixels; 193 makes all maps odd.
        batch_size: pictures that share a batch, in sorted order; no other argument changes which.
        seed: of the weights, the displacements and the affine parameters.
        out: a folder for ``results.parquet``, ``results.csv`` (below a million rows) and ``run.json``, complete or
            absent; None writes nothing.
        progress: called after each map with the share done and the seconds left.

    Raises:
        SpecificationError: an argument that cannot be used, among them an ``out`` that cannot be written, which is
            tried before any work begins.

    >>> import equinorm
    >>> from equinorm.inputs.images import bundled_pictures
    >>> found = equinorm.measure([picture.path for picture in bundled_pictures()[:2]], crop=64)
    >>> found.table.num_rows == 2 * 20 * 11 * 2  # images, positions, layers, transformations
    True
    """
    options = Options(backend, dtype, nyquist, crop, batch_size, seed)
    with ExitStack() as stack:
        partial = None if out is None else stack.enter_context(replacing_folder(out))
        run = run_experiment(options, load_backend(backend), find_pictures(images), weights, progress)
        if partial is not None:
            write_table(run.table, partial)
            text = json.dumps(run.facts, indent=2, ensure_ascii=False, allow_nan=False)
            (partial / "run.json").write_text(text + "\n", encoding="utf-8")
    return Measured(run.table, run.facts, None if out is None else Path(out))
