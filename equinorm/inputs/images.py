"""Which pictures there are, in which order, and the pixels of each.

Pictures come from folders, files and tar archives (:mod:`equinorm.inputs.archives`), or are those that scikit-image
brings along. They are listed in sorted order, and none is opened by that. :mod:`equinorm.inputs.batches` reads them.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from equinorm.inputs.archives import (
    SUFFIX,
    UnusableArchive,
    Window,
    list_archive,
    names_archive,
    open_window,
)
from equinorm.inputs.preprocessing import UnusablePicture, load_crop
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


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that may be a picture, or a part of one; can be sent to another process.

    Attributes:
        name: what reports call it.
        group: keeps kinds of pictures apart.
        path: the file, or the archive that holds it.
        window: the bytes of the archive that are the picture; None for a file of its own.
        trouble: why it cannot be used, where that was seen while it was listed.
    """

    name: str
    group: str
    path: Path
    window: Window | None = None
    trouble: str = ""


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


def find_pictures(paths: Sequence[str | Path] = (), without: Collection[Path] = ()) -> tuple[Picture, ...]:
    """The files at ``paths``, folders searched with all their subfolders; without ``paths`` the bundled pictures.

    Sorted by absolute path, character by character, whatever the order of ``paths``; a file named twice comes once.
    In folders, names that begin with a dot are passed over, and so are the folders ``without`` (absolute, no links);
    links to folders are not followed. An archive stands for its members, as if it were a folder. No picture is opened.

    Raises:
        SpecificationError: a path that does not exist or cannot be listed, a folder or an archive without files; an
            archive that is named and cannot be used (one in a folder is skipped, with the reason).
    """
    if not paths:
        return bundled_pictures()
    found: dict[str, Picture] = {}
    for path in map(Path, paths):
        for file in _files(path, without):
            if names_archive(file):
                members = _archived(file, named=file == path)
            else:
                members = {os.path.abspath(file): Picture(printable(file, most=4096), GIVEN, file)}
            for key, picture in members.items():
                found.setdefault(key, picture)
    return tuple(found[key] for key in sorted(found))


def _files(path: Path, without: Collection[Path]) -> list[Path]:
    given = f"images={printable(path)}"

    def stop(error: OSError) -> None:
        raise refuse(given, "a folder that can be listed", printable(error.strerror or error)) from None

    if not os.path.lexists(path):
        raise refuse(given, "a picture or a folder of pictures", "there is no such file")
    if not path.is_dir():
        return [path]
    files: list[Path] = []
    for folder, inner, names in os.walk(path, onerror=stop):
        shown = [name for name in inner if not name.startswith(".")]
        inner[:] = [name for name in shown if not without or Path(os.path.realpath(Path(folder, name))) not in without]
        files.extend(Path(folder, name) for name in names if not name.startswith("."))
    if not files:
        raise refuse(given, "a folder with pictures in it", "it holds no files")
    return files


def _archived(path: Path, named: bool) -> dict[str, Picture]:
    """The members of an archive by the paths they would have if it were a folder."""
    place = os.path.abspath(path)
    try:
        members = list_archive(path)
        if not members:
            raise UnusableArchive("it holds no files")
    except UnusableArchive as error:
        if named:
            expected = f"pictures, a folder of them, or a complete {SUFFIX} archive"
            raise refuse(f"images={printable(path)}", expected, printable(error, most=200)) from None
        return {place: Picture(printable(path, most=4096), GIVEN, path, trouble=printable(error, most=200))}
    return {
        f"{place}/{member.name}": Picture(
            printable(f"{path}/{member.name}", most=4096), GIVEN, path, member.window, member.trouble
        )
        for member in members
    }


def read_picture(picture: Picture, crop: int) -> NDArray[np.uint8]:
    """The pixels of one picture: (crop, crop, 3), uint8; see :func:`equinorm.inputs.preprocessing.load_crop`.

    Raises:
        UnusablePicture: it cannot be used.
        SpecificationError: its archive was removed or changed since it was listed.
    """
    if picture.trouble:
        raise UnusablePicture(picture.trouble)
    if picture.window is None:
        return load_crop(picture.path, crop)
    try:
        source = open_window(picture.path, picture.window)
    except (UnusableArchive, OSError) as error:
        # One member after the other would be skipped, and the result would be that of a few pictures.
        reason = printable(getattr(error, "strerror", None) or error, most=200)
        raise refuse(f"images={printable(picture.path)}", "an archive that stays as it is", reason) from None
    with source:
        return load_crop(source, crop)
