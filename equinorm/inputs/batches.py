"""Pictures in batches: decoded by several threads, in a fixed order, a bounded number of them ahead of whoever reads.

So memory does not grow with the number of pictures. What cannot be used is left out, with a reason. Batch i holds the
pictures listed from i b on up to (i + 1) b, b the batch size, less those that cannot be used: so a batch can be read
without those before it, and neither a damaged picture nor the number of threads changes any other batch.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from equinorm.inputs.images import Picture, read_picture
from equinorm.inputs.preprocessing import SHORTER_SIDE, UnusablePicture, normalize
from theory.spec.errors import refuse

AHEAD = 4
"""Pictures that are decoded, or about to be, for each thread before somebody asks for them."""


@dataclass(frozen=True)
class Crop:
    """A picture that was read: ``pixels`` (crop, crop, 3), uint8, or None, and then ``reason`` says why."""

    picture: Picture
    pixels: NDArray[np.uint8] | None
    reason: str = ""


@dataclass(frozen=True)
class Batch:
    """Pictures that go through the network together.

    Attributes:
        number: i, from 0.
        pictures: one for each row of ``crops``.
        crops: (B, crop, crop, 3), uint8; B is 0 where none of the batch could be used.
        skipped: the others that were listed, each with the reason.
    """

    number: int
    pictures: tuple[Picture, ...]
    crops: NDArray[np.uint8]
    skipped: tuple[tuple[Picture, str], ...] = ()

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

        >>> from pathlib import Path
        >>> Report(skipped=[(Picture("a.txt", "given", Path("a.txt")), "no picture")]).lines()
        ['1 of 1 pictures skipped', 'a.txt: no picture']
        """
        if not self.skipped:
            return []
        count = f"{len(self.skipped)} of {len(self.used) + len(self.skipped)} pictures skipped"
        return [count, *(f"{picture.name}: {reason}" for picture, reason in self.skipped)]


def read_crops(pictures: Iterable[Picture], crop: int, threads: int | None = None) -> Generator[Crop, None, None]:
    """Read ``pictures`` in their order, by ``threads`` threads (default: one a core), a few of them ahead.

    The number of threads changes no byte. Closing the iterator waits for the pictures that are being decoded.

    Raises:
        SpecificationError: as :func:`read_picture`.
    """
    count = available_threads() if threads is None else threads
    if count <= 1:
        yield from (_crop(picture, crop) for picture in pictures)
        return
    pool = ThreadPoolExecutor(count, thread_name_prefix="decode")
    waiting: deque[Future[Crop]] = deque()
    try:
        for picture in pictures:
            waiting.append(pool.submit(_crop, picture, crop))
            if len(waiting) > AHEAD * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def available_threads() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _crop(picture: Picture, crop: int) -> Crop:
    try:
        return Crop(picture, read_picture(picture, crop))
    except UnusablePicture as error:
        return Crop(picture, None, str(error))


def batch_count(pictures: Sequence[Picture], batch_size: int) -> int:
    """How many batches ``pictures`` make."""
    return -(-len(pictures) // batch_size)


def read_batches(
    pictures: Sequence[Picture],
    crop: int = 224,
    batch_size: int = 16,
    report: Report | None = None,
    *,
    numbers: Iterable[int] | None = None,
    threads: int | None = None,
) -> Iterator[Batch]:
    """Read ``pictures`` batch by batch: all batches, or those with these ``numbers``, in the order given.

    ``report`` is filled while batches are read. The arguments are checked at once, pictures when they are reached.
    Without ``numbers`` a batch of which no picture can be used is left out, its number too; with them it is empty.

    Raises:
        SpecificationError: a crop that is not from 1 to 256, a batch size below 1; without ``numbers`` at the end, when
            not one picture could be used; as :func:`read_picture`.
    """
    if not 1 <= crop <= SHORTER_SIDE:
        raise refuse(f"crop={crop}", f"a number of pixels from 1 to {SHORTER_SIDE}, the shorter side after resizing")
    if batch_size < 1:
        raise refuse(f"batch-size={batch_size}", "a number >= 1")
    report = Report() if report is None else report
    if numbers is not None:
        return _batches(pictures, crop, batch_size, report, list(numbers), threads)
    return _all_batches(pictures, crop, batch_size, report, threads)


def _all_batches(
    pictures: Sequence[Picture], crop: int, batch_size: int, report: Report, threads: int | None
) -> Iterator[Batch]:
    numbers = range(batch_count(pictures, batch_size))
    for batch in _batches(pictures, crop, batch_size, report, numbers, threads):
        if batch.pictures:
            yield batch
    if not report.used:
        first = f"; {report.skipped[0][0].name}: {report.skipped[0][1]}" if report.skipped else ""
        raise refuse(f"images={len(pictures)} files", "at least one usable picture", f"all were skipped{first}")


def _batches(
    pictures: Sequence[Picture],
    crop: int,
    batch_size: int,
    report: Report,
    numbers: Sequence[int],
    threads: int | None,
) -> Iterator[Batch]:
    slices = [pictures[number * batch_size : (number + 1) * batch_size] for number in numbers]
    crops = read_crops((picture for part in slices for picture in part), crop, threads)
    try:
        for number, part in zip(numbers, slices, strict=True):
            batch = _batch(number, [next(crops) for _ in part], crop)
            report.used.extend(batch.pictures)
            report.skipped.extend(batch.skipped)
            yield batch
    finally:
        crops.close()


def _batch(number: int, crops: Sequence[Crop], crop: int) -> Batch:
    pixels = [each.pixels for each in crops if each.pixels is not None]
    return Batch(
        number,
        tuple(each.picture for each in crops if each.pixels is not None),
        np.stack(pixels) if pixels else np.empty((0, crop, crop, 3), dtype=np.uint8),
        tuple((each.picture, each.reason) for each in crops if each.pixels is None),
    )
