"""One unit of work: the pictures of a batch through the network, every map measured, the rows as a part of the table.

A part is the bytes of a Parquet file of these rows. Its metadata say which batch it is, of which run (the key of
setting and pictures), and what became of each picture.
"""

from __future__ import annotations

import gc
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from equinorm.experiment.listing import Unit, check_unchanged
from equinorm.experiment.setting import Setting, network
from equinorm.experiment.table import Rows
from equinorm.inputs.batches import Crop
from equinorm.inputs.preprocessing import normalize
from numerics.arrays import Array
from numerics.backends import Backend
from numerics.experiment.draws import Source, stream
from numerics.experiment.maps import WORKERS, MapResult, measure_map
from numerics.experiment.passes import passes_of
from numerics.resnet.architecture import feature_shapes
from numerics.resnet.forward import batch_norm_inputs
from numerics.translations import Table, draw_displacements
from theory.spec.actions import ActionKind
from theory.spec.errors import refuse

METADATA = b"equinorm"
Step = Callable[[float], None]
"""Is told the work that is done, in entries of maps."""


class DamagedPart(Exception):
    """Bytes that are no part; ``str(error)`` says why in few words."""


@dataclass(frozen=True)
class Part:
    """The rows of one batch.

    Attributes:
        number: of the batch.
        key: of the run.
        used: name and group of each picture in its rows, in order.
        skipped: name of each other picture, and the reason.
        rows: the table.
    """

    number: int
    key: str
    used: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    rows: pa.Table

    def encode(self) -> bytes:
        """As a file."""
        facts = {"batch": self.number, "key": self.key, "used": self.used, "skipped": self.skipped}
        sink = io.BytesIO()
        rows = self.rows.replace_schema_metadata({METADATA: json.dumps(facts)})
        pa.parquet.write_table(rows, sink, compression="zstd")
        return sink.getvalue()

    @staticmethod
    def decode(data: bytes) -> Part:
        """Read a file.

        Raises:
            DamagedPart: it is none.
        """
        try:
            rows = pa.parquet.read_table(io.BytesIO(data), use_threads=False)
            facts = json.loads(rows.schema.metadata[METADATA])
            used, skipped = (tuple((str(a), str(b)) for a, b in facts[name]) for name in ("used", "skipped"))
            return Part(int(facts["batch"]), str(facts["key"]), used, skipped, rows.replace_schema_metadata(None))
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedPart(type(error).__name__) from None


@dataclass(frozen=True)
class ListedSource(Source):
    """The draws for a map whose pictures have these ``numbers`` in the list, which need not follow one another."""

    numbers: tuple[int, ...] = ()

    def displacements(self, kind: ActionKind, images: int, sizes: Sequence[int]) -> Table:
        """One row a picture, that of its number, whatever shares its batch."""
        names = [("displacement", number, self.position, kind.value) for number in self.numbers[:images]]
        return np.concatenate([draw_displacements(kind, 1, sizes, stream(self.seed, *name)) for name in names])


def measure_unit(
    setting: Setting,
    backend: Backend,
    unit: Unit,
    crops: Iterable[Crop],
    key: str,
    threads: int = WORKERS,
    step: Step | None = None,
) -> Part:
    """Measure one batch.

    Args:
        setting: what the run shares.
        backend: the array library, loaded.
        unit: the pictures that were listed for the batch.
        crops: these pictures, read, in their order.
        key: of the run, for the part.
        threads: for arrays in the main memory; changes no byte.
        step: is told the work done after each map.

    Raises:
        SpecificationError: infinite maps, a picture that was removed meanwhile, memory of a GPU that does not suffice.
    """
    options = setting.options
    read = list(crops)
    check_unchanged(unit)
    usable = [(each, crop.pixels) for each, crop in zip(unit.listed, read, strict=True) if crop.pixels is not None]
    skipped = tuple((crop.picture.name, crop.reason) for crop in read if crop.pixels is None)
    names = tuple((each.picture.name, each.picture.group) for each, _ in usable)
    numbers = tuple(each.number for each, _ in usable)
    rows = Rows(options)
    if usable:
        images = normalize(np.stack([pixels for _, pixels in usable]), np.dtype(options.dtype))

        passes = passes_of(backend.name)

        def measure(position: str, x: Array) -> MapResult:
            source = ListedSource(options.seed, position, unit.number, numbers[0], numbers)
            return in_smaller_pieces(
                lambda pieces: measure_map(x, source, options.policy, threads, passes=passes, pieces=pieces), len(x)
            )

        for position, shape, result in _results(setting, backend, images, measure):
            rows.add(result, unit.number, position, shape, names)
            if step is not None:
                step(float(math.prod(shape[1:]) * len(unit.listed)))
    elif step is not None:
        step(float(work_of_picture(options.crop) * len(unit.listed)))
    return Part(unit.number, key, names, skipped, rows.table())


def work_of_picture(crop: int) -> int:
    """Entries of all maps of one picture."""
    return sum(math.prod(shape) for shape in feature_shapes(crop, crop).values())


def _results(
    setting: Setting,
    backend: Backend,
    images: np.ndarray[Any, Any],
    measure: Callable[[str, Array], MapResult],
) -> Iterator[tuple[str, tuple[int, ...], MapResult]]:
    """Position, shape and result of each map.

    Where the memory of a device does not suffice even for one sample at a time, what is left is measured with one map
    there, the others waiting in the main memory. The maps are the same, since the network sees the same batch.
    """
    state, dtype, done = network(setting), setting.options.dtype, 0
    try:
        for position, x in batch_norm_inputs(state, backend.from_numpy(images, dtype)):
            yield position, tuple(x.shape), measure(position, x)
            done += 1
            del x
        return
    except Exception as error:
        if not lacks_device_memory(error):
            raise
    release_device_memory()
    try:
        maps = batch_norm_inputs(state, backend.from_numpy(images, dtype))
        waiting = [(position, backend.to_numpy(x)) for position, x in maps]
        for position, values in waiting[done:]:
            release_device_memory()
            yield position, values.shape, measure(position, backend.from_numpy(values, dtype))
    except Exception as error:
        if not lacks_device_memory(error):
            raise
        raise refuse(
            f"batch-size={setting.options.batch_size}",
            f"maps at crop {setting.options.crop} that fit into the memory of {setting.device}",
            "choose a smaller batch-size",
        ) from error


def in_smaller_pieces(measure: Callable[[int], MapResult], samples: int) -> MapResult:
    """What ``measure`` gives, with twice as many pieces each time that the memory of a device does not suffice.

    Layers that join samples see all of them still; errors may differ in their last digits.
    """
    pieces = 1
    while True:
        try:
            return measure(pieces)
        except Exception as error:
            if pieces >= samples or not lacks_device_memory(error):
                raise
        # Outside of the handler, which keeps the arrays alive.
        release_device_memory()
        pieces = min(2 * pieces, samples)


def lacks_device_memory(error: BaseException) -> bool:
    """Whether an array library says that its device has no memory left; none is imported to find out."""
    return any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__)


def release_device_memory() -> None:
    """Give back the device memory that a library keeps for later use."""
    gc.collect()
    cupy, torch = sys.modules.get("cupy"), sys.modules.get("torch")
    if cupy is not None:
        cupy.get_default_memory_pool().free_all_blocks()
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
