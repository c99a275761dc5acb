"""The verb ``measure``: equivariance errors of every layer on the feature maps of a ResNet-18."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from equinorm.checks import check_whole
from equinorm.experiment.memory import Budget, peak
from equinorm.experiment.options import Options
from equinorm.experiment.parts import PATTERN
from equinorm.experiment.run import already_there, run_experiment, run_in_folder, tidy
from equinorm.experiment.summary import Group, lines, summarize
from equinorm.experiment.table import joined, read_pieces
from equinorm.experiment.workforce import Here, Processes, Workforce
from equinorm.files import resumed_folder
from equinorm.inputs.images import find_pictures
from equinorm.progress import Listener
from numerics.backends import load_backend
from theory.spec.errors import refuse

DEFAULT_GROUPS = ("layer", "transformation")

METRICS_NOTE = (
    "1 - cosine is the published error: its floor is rounding, it may be negative there, and it is blind to a gain "
    "per pixel. Above rounding: the share of rows whose relative L2 error exceeds the rounding bound."
)


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        facts: versions, seed, options, device, weights, pictures used and skipped: plain data.
        out: the folder that was written, if any; the rows stay there until somebody asks for them.
        rows: the rows, where no folder was written.
        groups: the summary by layer and transformation.
        peak: the most bytes of the main memory that a process of the run had at a time.
    """

    facts: dict[str, Any]
    out: Path | None = None
    rows: pa.Table | None = None
    groups: tuple[Group, ...] = ()
    peak: int = field(default=0, compare=False)

    @cached_property
    def table(self) -> pa.Table:
        """All rows at once, with the columns of :data:`equinorm.experiment.table.COLUMNS`."""
        if self.out is not None:
            return joined([pa.parquet.read_table(self.out / "results.parquet")])
        return self.rows

    def summary(self, *by: str) -> tuple[Group, ...]:
        """Means and standard errors of the rows that share the columns ``by`` (default: layer and transformation)."""
        if by in ((), DEFAULT_GROUPS) and self.groups:
            return self.groups
        rows = read_pieces(self.out / "results.parquet") if self.out is not None else self.table
        return summarize(rows, by or DEFAULT_GROUPS)

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
            found.append(f"{self.facts['rows']} rows in {self.out}")
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
    images: str | Path | Sequence[str | Path] = (),
    *,
    weights: str | Path | None = None,
    backend: str = "numpy",
    dtype: str = "float32",
    nyquist: str = "one-sided",
    crop: int = 224,
    batch_size: int = 16,
    seed: int = 0,
    out: str | Path | None = None,
    memory: str | int | None = None,
    workers: int | None = None,
    dask: str | None = None,
    progress: Listener | None = None,
    notice: Callable[[str], None] = lambda line: None,
) -> Measured:
    """Measure the equivariance errors of the named layers on the 20 BatchNorm inputs of a ResNet-18.

    The experiment of Tables 2 and 3 of Scanvic, Barthélemy and Tachella (2025, arXiv 2505.19805), with two more
    metrics and a rounding bound. It departs from the published one where the layers of a map share a displacement.

    With ``out`` the rows of each batch are kept in ``OUT.partial`` as soon as they are known. Whatever ends the run,
    ``kill -9`` and a full disk included: the same command goes on from there and writes the same bytes. Another command
    is refused as long as that folder is there. A complete ``out`` of the same command, younger than its pictures and
    weights, is left as it is.

    Args:
        images: pictures, and folders and tar archives of them, one or a list; none: those that scikit-image brings
            along.
        weights: torchvision's state dict of a ResNet-18 (.pth, .pt, .safetensors, .npz); None: He initialization,
            calibrated on the pictures.
        backend: ``numpy``, ``numba``, ``torch`` or ``cupy``.
        dtype: ``float32`` or ``float64``.
        nyquist: what a translation does at N/2 of an even axis: ``one-sided`` (as published), ``symmetric``, or
            ``project`` (maps lose that bin once, before the layer).
        crop: side of the central square in pixels; 193 makes all maps odd.
        batch_size: pictures that share a batch. Batch i has the pictures listed from i b on up to (i + 1) b, in sorted
            order, less those that cannot be used; draws go by the place in the list. No other argument changes which.
        seed: of the weights, the displacements and the affine parameters.
        out: a folder for ``results.parquet``, ``results.csv`` (below a million rows) and ``run.json``, complete or
            absent; None writes nothing, and keeps all rows in the main memory.
        memory: the most that the run may take, such as ``2GiB``, all its processes together; refused where it is too
            little for one batch. It decides how many batches are measured at a time, and changes no byte.
        workers: processes that measure one batch each at a time; None: this process, with two threads. Changes no byte.
        dask: the address of a scheduler of Dask distributed, or ``local:N``; changes no byte on machines of one kind.
            Where there are processes, a script must keep its own work under ``if __name__ == "__main__"``.
        progress: called after each map (with processes, each batch) with the share done and the seconds left.
        notice: called with a line about what was found: parts of an earlier run, damaged parts.

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
    budget = Budget.parse(memory)
    if workers is not None:
        check_whole("workers", workers, 1)
        if dask is not None:
            raise refuse(f"workers={workers}", "no workers beside dask")
    with ExitStack() as stack:
        shop = None if out is None else stack.enter_context(resumed_folder(out, PATTERN))
        budget.check(options, weights is None)
        # The result may lie among the pictures; what is kept of it is none of them.
        named = [images] if isinstance(images, str | Path) else images
        pictures = find_pictures(named, () if shop is None else (shop.target, shop.folder))
        force = _workforce(stack, options, budget, workers, dask)
        if out is None or shop is None:
            run = run_experiment(options, force, pictures, weights, progress)
            return Measured(run.facts, rows=run.table, groups=summarize(run.table), peak=peak())
        facts = already_there(shop.target, options, force.device, pictures, weights)
        if facts is not None:
            tidy(shop, options, force, pictures, weights)
            notice(f"{out} holds the complete result of this command already; remove it to measure again")
            return Measured(
                facts, Path(out), groups=summarize(read_pieces(shop.target / "results.parquet")), peak=peak()
            )
        done = run_in_folder(shop, options, force, pictures, weights, progress, notice)
    return Measured(done.facts, Path(out), groups=done.groups, peak=done.peak)


def _workforce(stack: ExitStack, options: Options, budget: Budget, workers: int | None, dask: str | None) -> Workforce:
    """Those who measure, for as long as ``stack`` is open."""
    if dask is not None:
        from equinorm.experiment.cluster import connected

        most = budget.processes(options, 999)
        return stack.enter_context(connected(dask, options.backend, most))
    backend = load_backend(options.backend)
    if workers is None or workers == 1:
        return Here(backend, workers)
    return Processes(backend, budget.processes(options, workers))
