"""What all units of a run share, small enough to be sent to any process: options, network, versions, device.

Weights without a file are He's, with BatchNorm statistics calibrated on the first pictures that can be used, in the
order of the list. They are made by NumPy in float32 whatever the backend and the dtype, so that runs that differ in
these alone see the same network. The filters are drawn again wherever they are needed; the statistics travel.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import platform
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from equinorm.experiment.listing import Listed, Unit, check_unchanged
from equinorm.experiment.options import Options
from equinorm.inputs.batches import read_crops
from equinorm.inputs.preprocessing import normalize
from equinorm.inputs.weights import Weights, load_weights
from numerics.resnet.architecture import PARAMETERS
from numerics.resnet.initialization import calibrate, he_state
from theory.spec.errors import refuse

CALIBRATION_PICTURES = 32
"""Pictures, in the order of the list, whose statistics He weights get: all their maps at a position are in memory at
once."""

LIBRARIES = ("array-api-compat", "numpy", "pillow", "pyarrow", "scipy")
RUNNING = tuple(name for name in PARAMETERS if name.endswith(("running_mean", "running_var")))


@dataclass(frozen=True)
class Setting:
    """Everything but the pictures that the numbers of a unit depend on.

    Attributes:
        options: dtype, policy, crop, batch size and seed.
        device: what the backend calls itself.
        kind: what must be the same wherever a unit is measured: that of `kind_of_machine`, as JSON.
        weights: where the weights come from, for ``run.json``, as JSON.
        statistics: float32, one after the other those of `RUNNING`; nothing where the weights come from a file.
    """

    options: Options
    device: str
    kind: str
    weights: str
    statistics: bytes = b""

    @property
    def description(self) -> dict[str, Any]:
        """Where the weights come from, as plain data."""
        return cast(dict[str, Any], json.loads(self.weights))

    def key(self, pictures: str) -> str:
        """SHA-256 that tells apart what may not be mixed, given the digest of the pictures."""
        parts = [json.dumps(self.options.document()), self.device, self.kind, self.weights, pictures]
        return hashlib.sha256("\n".join(parts).encode() + self.statistics).hexdigest()


def versions() -> dict[str, Any]:
    """Versions of equinorm, of Python and of the libraries that computed, and the platform."""
    import equinorm

    return {
        "version": equinorm.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def kind_of_machine() -> dict[str, Any]:
    """What rounding may depend on besides the device: versions, these sources, and the kind of processor.

    Which system this is does not matter to it: a computer may get a new one between two parts.
    """
    return {**versions(), "platform": platform.machine(), "sources": digest_of_sources()}


def sources() -> list[Path]:
    """The files that compute: the rooms `numerics` and `theory.spec`, the inputs and this folder."""
    here, house = Path(__file__).parent, Path(__file__).parents[2]
    folders = (house / "numerics", house / "theory" / "spec", here.parent / "inputs", here)
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


@cache
def digest_of_sources() -> str:
    """SHA-256 of `sources`, the same wherever they lie."""
    house, found = Path(__file__).parents[2], hashlib.sha256()
    for file in sources():
        found.update(f"{file.relative_to(house).as_posix()}\0".encode() + file.read_bytes())
    return found.hexdigest()


def plain(value: dict[str, Any]) -> str:
    """``value`` in JSON, always the same characters."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def described(weights: str | Path | None) -> dict[str, Any]:
    """Where weights come from, before any calibration.

    Raises:
        SpecificationError: a file that cannot be used.
    """
    return {"kind": "he"} if weights is None else _described(load_weights(weights))


def _described(loaded: Weights) -> dict[str, Any]:
    return {"kind": "file", "path": loaded.path, "sha256": loaded.digest, "ignored": list(loaded.ignored)}


def calibrated(options: Options, listed: Sequence[Listed]) -> tuple[bytes, int]:
    """The statistics of He's weights on the first usable pictures, and how many there were.

    Raises:
        SpecificationError: no usable picture; one was removed meanwhile.
    """
    pixels, seen, first = [], 0, ""
    with closing(read_crops((each.picture for each in listed), options.crop)) as crops:
        for crop in crops:
            seen += 1
            if crop.pixels is None:
                first = first or f"; {crop.picture.name}: {crop.reason}"
            else:
                pixels.append(crop.pixels)
            if len(pixels) == CALIBRATION_PICTURES:
                break
    check_unchanged(Unit(0, tuple(listed[:seen])))
    if not pixels:
        raise no_usable_picture(len(listed), first)
    state = calibrate(_filters(options.seed), normalize(np.stack(pixels), np.float32))
    return b"".join(np.asarray(state[name], dtype="<f4").tobytes() for name in RUNNING), len(pixels)


def no_usable_picture(count: int, first: str) -> Exception:
    """The refusal of ``count`` files; ``first`` says what is wrong with one."""
    return refuse(f"images={count} files", "at least one usable picture", f"all were skipped{first}")


@lru_cache(maxsize=1)
def network(setting: Setting) -> dict[str, NDArray[Any]]:
    """The network's tensors, kept for the next unit.

    Raises:
        SpecificationError: the file of the weights was changed meanwhile, or is another one here.
    """
    description = setting.description
    if description["kind"] == "file":
        loaded = load_weights(description["path"])
        if loaded.digest != description["sha256"]:
            raise refuse(f"weights={loaded.path}", "the same file as when the run began", "put it back")
        return dict(loaded.state)
    state = dict(_filters(description["seed"]))
    values = np.frombuffer(setting.statistics, dtype="<f4").astype(np.float32)
    state.update(zip(RUNNING, _cut(values), strict=True))
    return state


def forget() -> None:
    """Give back the memory that the weights take."""
    network.cache_clear()
    _filters.cache_clear()


@lru_cache(maxsize=1)
def _filters(seed: int) -> dict[str, NDArray[Any]]:
    return dict(he_state(seed))


def _cut(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    ends = list(itertools.accumulate(PARAMETERS[name][0] for name in RUNNING))
    return iter(np.split(values, ends[:-1]))
