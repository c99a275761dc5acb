"""From pictures to rows: read, run the network, measure every map, and say what was done.

Weights without a file are He's, with BatchNorm statistics calibrated on the first pictures. They are made by NumPy in
float32 whatever the backend and the dtype, so that runs that differ in these alone see the same network.
"""

from __future__ import annotations

import itertools
import math
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from equinorm.experiment.options import Options
from equinorm.experiment.table import Rows
from equinorm.inputs.batches import Batch, Report, read_batches
from equinorm.inputs.images import Picture
from equinorm.inputs.weights import Weights, load_weights
from equinorm.progress import Listener, Progress
from numerics.backends import Backend
from numerics.experiment.draws import Source
from numerics.experiment.maps import measure_map
from numerics.resnet.architecture import feature_shapes
from numerics.resnet.forward import batch_norm_inputs
from numerics.resnet.initialization import calibrate, he_state

CALIBRATION_PICTURES = 32
"""Pictures, in sorted order, whose statistics He weights get: all their maps at a position are in memory at once."""

LIBRARIES = ("array-api-compat", "numpy", "pillow", "pyarrow", "scipy")


@dataclass(frozen=True)
class Run:
    """The rows of one run and the facts that go with them, plain data for ``run.json``; no clock is in them."""

    table: pa.Table
    facts: dict[str, Any]


def run_experiment(
    options: Options,
    backend: Backend,
    pictures: Sequence[Picture],
    weights: str | Path | None = None,
    listener: Listener | None = None,
) -> Run:
    """Measure every layer on the maps of ``pictures``, in their order.

    Args:
        options: dtype, policy, crop, batch size and seed.
        backend: the array library, loaded.
        pictures: files that may be pictures; those that cannot be used are skipped and named in the facts.
        weights: a file for :func:`equinorm.inputs.weights.load_weights`; left out, He's.
        listener: is told the progress after each map.

    Raises:
        SpecificationError: weights that cannot be used or make infinite maps, or no usable picture.
    """
    loaded = None if weights is None else load_weights(weights)
    report = Report()
    batches = read_batches(pictures, options.crop, options.batch_size, report)
    state, description, batches = _state(options, loaded, batches)
    shapes = feature_shapes(options.crop, options.crop)
    work = {position: math.prod(shape) for position, shape in shapes.items()}
    progress = Progress("measuring", sum(work.values()) * len(pictures), listener)
    rows = Rows(options)
    first = number = 0
    for number, batch in enumerate(batches):
        images = backend.from_numpy(batch.images(np.dtype(options.dtype)), options.dtype)
        names = [(picture.name, picture.group) for picture in batch.pictures]
        for position, x in batch_norm_inputs(state, images):
            result = measure_map(x, Source(options.seed, position, number, first), options.policy)
            rows.add(result, number, position, x.shape, names)
            progress.step(work[position] * len(names))
        first += len(names)
    facts = {
        "verb": "measure",
        **versions(),
        "options": options.document(),
        "device": str(backend),
        "weights": description,
        "displacements": "uniform over the map, one for each image, position and transformation, for all layers alike",
        "images": {
            "used": [{"name": picture.name, "group": picture.group} for picture in report.used],
            "skipped": [{"name": picture.name, "reason": reason} for picture, reason in report.skipped],
        },
        "batches": number + 1,
        "rows": sum(map(len, rows.parts["batch"])),
    }
    return Run(rows.table(), facts)


def versions() -> dict[str, Any]:
    """Versions of equinorm, of Python and of the libraries that computed, and the platform."""
    import equinorm

    return {
        "version": equinorm.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _state(
    options: Options, loaded: Weights | None, batches: Iterator[Batch]
) -> tuple[dict[str, Any], dict[str, Any], Iterator[Batch]]:
    """The network's tensors, where they come from, and the batches, of which the first may have been read."""
    if loaded is not None:
        source = {"kind": "file", "path": loaded.path, "sha256": loaded.digest, "ignored": list(loaded.ignored)}
        return dict(loaded.state), source, batches
    wanted = -(-CALIBRATION_PICTURES // options.batch_size)
    read = list(itertools.islice(batches, wanted))
    images = np.concatenate([batch.images(np.float32) for batch in read])[:CALIBRATION_PICTURES]
    state = calibrate(he_state(options.seed), images)
    description = {"kind": "he", "seed": options.seed, "calibrated_on": len(images)}
    return state, description, itertools.chain(read, batches)
