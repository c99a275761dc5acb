"""The pictures of a run as they were when it began, cut into the units of its work.

A unit is one batch. Batch i holds the pictures listed from i b on up to (i + 1) b, less those that cannot be used; the
random draws of a picture go by its place in the list. So a batch depends on its own pictures alone: neither a damaged
picture elsewhere nor who measures which batch, and when, changes it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from equinorm.inputs.images import Picture
from equinorm.inputs.stored_tensors import printable
from theory.spec.errors import refuse


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture, its place in the list, and what its file was like: bytes and time of the last change, if it exists.

    The bytes are those of the picture, the time is that of the archive where it is in one.
    """

    number: int
    picture: Picture
    size: int | None
    touched: int | None


@dataclass(frozen=True, slots=True)
class Unit:
    """Batch ``number``: the pictures listed for it, whether or not they can be used."""

    number: int
    listed: tuple[Listed, ...]


def listing(pictures: Iterable[Picture]) -> tuple[Listed, ...]:
    """Every picture with its place and the state of its file now; no file is opened."""
    return tuple(Listed(number, picture, *_state(picture)) for number, picture in enumerate(pictures))


def units(listed: Sequence[Listed], batch_size: int) -> tuple[Unit, ...]:
    """The batches."""
    starts = range(0, len(listed), batch_size)
    return tuple(Unit(number, tuple(listed[start : start + batch_size])) for number, start in enumerate(starts))


def digest(listed: Iterable[Listed]) -> str:
    """SHA-256 of the names, sizes and order of the pictures."""
    return _digest(f"{each.picture.name}\0{each.size}\n" for each in listed)


def digest_of_times(listed: Iterable[Listed]) -> str:
    """SHA-256 of the times of their last changes."""
    return _digest(f"{each.touched}\n" for each in listed)


def latest(listed: Iterable[Listed]) -> int:
    """The time of the last change of any, in nanoseconds."""
    return max((each.touched or 0 for each in listed), default=0)


def check_unchanged(unit: Unit) -> None:
    """Check that the files of ``unit`` are still those that were listed; done after they were read.

    Raises:
        SpecificationError: one was removed or changed. Left out, it would make another result than the same command
            gave if nothing had happened.
    """
    for each in unit.listed:
        if _state(each.picture) != (each.size, each.touched):
            gone = not os.path.lexists(each.picture.path)
            raise refuse(
                f"images={printable(each.picture.name, most=4096)}",
                "a picture that stays as it is while the run lasts",
                f"it was {'removed' if gone else 'changed'}; put it back and start the same command again",
            )


def _state(picture: Picture) -> tuple[int | None, int | None]:
    try:
        found = os.stat(picture.path)
    except (OSError, ValueError):  # a link that leads nowhere
        return None, None
    window = picture.window
    return found.st_size if window is None else window.length, found.st_mtime_ns


def _digest(lines: Iterator[str]) -> str:
    found = hashlib.sha256()
    for line in lines:
        found.update(line.encode("utf-8", "surrogateescape"))
    return found.hexdigest()
