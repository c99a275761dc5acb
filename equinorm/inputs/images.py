"""Which pictures are measured, and in which batches.

Pictures come from folders and files, or are those that scikit-image brings along. They are read in sorted order, one
batch at a time, so that memory does not grow with their number. What cannot be used is left out, with a reason, and
the next picture takes its place: the batches depend on the pictures, their order, the batch size, and the crop only
where it exceeds a picture.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from equinorm.inputs.preprocessing import SHORTER_SIDE, UnusablePicture, load_crop, normalize
from equinorm.inputs.stored_tensors import printable
from theory.spec.errors import refuse

PHOTOGRAPH = "photograph"
SCIENTIFIC = "scientific image"
GIVEN = "given"

BUNDLED = {
    "astronaut": ("astronaut.png", PHOTOGRAPH),
    "brick": ("brick.png", PHOTOGRAPH),
    "camera": ("camera.png", PHOTOGRAPH),
    "cell": ("cell.png", SCIENTIFIC),
    "chelsea": ("chelsea.png", PHOTOGRAPH),
    "clock": ("clock_motion.png", PHOTOGRAPH),
    "coffee": ("coffee.png", PHOTOGRAPH),
    "coins": ("coins.png", PHOTOGRAPH),
    "grass": ("grass.png", PHOTOGRAPH),
    "gravel": ("gravel.png", PHOTOGRAPH),
    "hubble_deep_field": ("hubble_deep_field.jpg", SCIENTIFIC),
    "immunohistochemistry": ("ihc.png", SCIENTIFIC),
    "moon": ("moon.png", SCIENTIFIC),
    "retina": ("retina.jpg", SCIENTIFIC),
    "rocket": ("rocket.jpg", PHOTOGRAPH),
    "stereo_motorcycle-left": ("motorcycle_left.png", PHOTOGRAPH),
    "stereo_motorcycle-right": ("motorcycle_right.png", PHOTOGRAPH),
}
"""scikit-image's name, the file in its package, and the group; all have at least 224 pixels on the shorter side."""


@dataclass(frozen=True)
class Picture:
    """A file that may be a picture; ``name`` is what reports call it, ``group`` keeps kinds of pictures apart."""

    name: str
    group: str
    path: Path


@dataclass(frozen=True)
class Batch:
    """Pictures that go through the network together.

    Attributes:
        pictures: one for each row of ``crops``.
        crops: (B, crop, crop, 3), uint8.
    """

    pictures: tuple[Picture, ...]
    crops: NDArray[np.uint8]

    def images(self, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """The normalized images (B, 3, crop, crop) in ``dtype``."""
        return normalize(self.crops, dtype)


@dataclass
class Report:
    """What became of the pictures: grows while batches are read, complete when the last one has been."""

    used: list[Picture] = field(default_factory=list)
    skipped: list[tuple[Picture, str]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """How many were skipped, then each by name with its reason; nothing when all were used.

        >>> Report(skipped=[(Picture("a.txt", GIVEN, Path("a.txt")), "no picture")]).lines()
        ['1 of 1 pictures skipped', 'a.txt: no picture']
        """
        if not self.skipped:
            return []
        count = f"{len(self.skipped)} of {len(self.used) + len(self.skipped)} pictures skipped"
        return [count, *(f"{picture.name}: {reason}" for picture, reason in self.skipped)]


def bundled_pictures() -> tuple[Picture, ...]:
    """Those of `BUNDLED` that the installed scikit-image holds, sorted by name; nothing is downloaded or imported.

    Raises:
        SpecificationError: scikit-image is not installed, or holds none of them.
    """
    package = importlib.util.find_spec("skimage")
    folders = [Path(place) / "data" for place in (package.submodule_search_locations or [])] if package else []
    found = []
    for name, (file, group) in sorted(BUNDLED.items()):
        path = next((folder / file for folder in folders if (folder / file).is_file()), None)
        if path is not None:
            found.append(Picture(name, group, path))
    if not found:
        raise refuse("images=the bundled ones", "scikit-image with its pictures", "install it, or name pictures")
    return tuple(found)


def find_pictures(paths: Sequence[str | Path] = ()) -> tuple[Picture, ...]:
    """The files at ``paths``, folders searched with all their subfolders; without ``paths`` the bundled pictures.

    Sorted by absolute path, character by character, whatever the order of ``paths``; a file named twice comes once.
    In folders, names that begin with a dot are passed over, and links to folders are not followed. No file is opened.

    Raises:
        SpecificationError: a path that does not exist or cannot be listed, a folder without files.
    """
    if not paths:
        return bundled_pictures()
    found: dict[str, Picture] = {}
    for path in map(Path, paths):
        for file in _files(path):
            found.setdefault(os.path.abspath(file), Picture(printable(file, most=4096), GIVEN, file))
    return tuple(found[key] for key in sorted(found))


def _files(path: Path) -> list[Path]:
    given = f"images={printable(path)}"

    def stop(error: OSError) -> None:
        raise refuse(given, "a folder that can be listed", printable(error.strerror or error)) from None

    if not os.path.lexists(path):
        raise refuse(given, "a picture or a folder of pictures", "there is no such file")
    if not path.is_dir():
        return [path]
    files: list[Path] = []
    for folder, inner, names in os.walk(path, onerror=stop):
        inner[:] = [name for name in inner if not name.startswith(".")]
        files.extend(Path(folder, name) for name in names if not name.startswith("."))
    if not files:
        raise refuse(given, "a folder with pictures in it", "it holds no files")
    return files


def read_batches(
    pictures: Sequence[Picture], crop: int = 224, batch_size: int = 16, report: Report | None = None
) -> Iterator[Batch]:
    """Read ``pictures`` in their order; each batch holds the next ``batch_size`` usable ones, the last one the rest.

    ``report`` is filled while batches are read. The arguments are checked at once, pictures when they are reached.

    Raises:
        SpecificationError: a crop that is not from 1 to 256, a batch size below 1, and, at the end, when not one
            picture could be used.
    """
    if not 1 <= crop <= SHORTER_SIDE:
        raise refuse(f"crop={crop}", f"a number of pixels from 1 to {SHORTER_SIDE}, the shorter side after resizing")
    if batch_size < 1:
        raise refuse(f"batch-size={batch_size}", "a number >= 1")
    return _batches(pictures, crop, batch_size, Report() if report is None else report)


def _batches(pictures: Sequence[Picture], crop: int, batch_size: int, report: Report) -> Iterator[Batch]:
    waiting: list[tuple[Picture, NDArray[np.uint8]]] = []
    for picture in pictures:
        try:
            waiting.append((picture, load_crop(picture.path, crop)))
        except UnusablePicture as error:
            report.skipped.append((picture, str(error)))
            continue
        report.used.append(picture)
        if len(waiting) == batch_size:
            yield _batch(waiting)
            waiting = []
    if waiting:
        yield _batch(waiting)
    if not report.used:
        first = f"; {report.skipped[0][0].name}: {report.skipped[0][1]}" if report.skipped else ""
        raise refuse(f"images={len(pictures)} files", "at least one usable picture", f"all were skipped{first}")


def _batch(members: Sequence[tuple[Picture, NDArray[np.uint8]]]) -> Batch:
    return Batch(tuple(picture for picture, _ in members), np.stack([pixels for _, pixels in members]))
