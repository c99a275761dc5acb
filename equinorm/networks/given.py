"""The images on which a network is looked at: pictures, an array, or a file that holds one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from equinorm.inputs.array_files import SUFFIXES, opened_arrays
from equinorm.inputs.batches import Report, read_batches
from equinorm.inputs.images import PHOTOGRAPH, bundled_pictures, find_pictures
from equinorm.inputs.preprocessing import SHORTER_SIDE
from theory.spec.errors import SpecificationError, refuse


@dataclass(frozen=True)
class Images:
    """``values`` (B, C, H, W) in float64, what they are called, what was done to them, and what did not go as asked."""

    values: np.ndarray[Any, Any]
    names: tuple[str, ...]
    treatment: str = ""
    remarks: tuple[str, ...] = ()


def given_images(images: Any, size: int, batch: int) -> Images:
    """The images that a user gives; see :func:`equinorm.audit`.

    Raises:
        SpecificationError: no such picture or file, none that can be used, an array of another shape, or not finite.
    """
    if hasattr(images, "__array__"):
        return _array(np.asarray(images), "given as an array", "images")
    named: Sequence[str | Path] = [images] if isinstance(images, (str, Path)) else list(images)
    if any(Path(path).suffix.lower() in SUFFIXES for path in named):
        if len(named) > 1:
            raise refuse(f"images={named[0]} and {len(named) - 1} more", "one file of an array, or pictures")
        return _stored(Path(named[0]))
    if not 1 <= size <= SHORTER_SIDE:
        expected = f"a number of pixels from 1 to {SHORTER_SIDE}, the shorter side to which pictures are resized"
        raise refuse(f"size={size}", expected, "give larger images as an array")
    if batch < 1:
        raise refuse(f"batch={batch}", "a number of pictures >= 1")
    return _pictures(named, size, batch)


def _pictures(named: Sequence[str | Path], size: int, batch: int) -> Images:
    pictures = find_pictures(named) if named else [one for one in bundled_pictures() if one.group == PHOTOGRAPH]
    report, found = Report(), []
    for part in read_batches(pictures, size, batch, report, threads=1):
        found.append(part.images(np.float64))
        if sum(map(len, found)) >= batch:
            break
    values = np.concatenate(found)[:batch]
    remarks = [f"asked for {batch} pictures, found {len(values)}"] if len(values) < batch else []
    remarks += [f"skipped {picture.name}: {reason}" for picture, reason in report.skipped]
    treatment = (
        f"pictures: the shorter side resized to {SHORTER_SIDE} pixels, the central square of {size} cut out, values "
        "from 0 to 1, less ImageNet's mean and over its deviation"
    )
    return Images(values, tuple(one.name for one in report.used[:batch]), treatment, tuple(remarks))


def _stored(path: Path) -> Images:
    try:
        with opened_arrays(path) as arrays:
            if len(arrays) > 1:
                names = ", ".join(one.name for one in arrays[:4])
                raise refuse(f"images={path}", "a file with one array", f"it holds {len(arrays)}: {names}")
            values = np.concatenate(list(arrays[0].samples(arrays[0].shape[0])))
    except SpecificationError as error:
        raise SpecificationError(str(error).replace("input=", "images=", 1)) from None
    return _array(values, str(path), f"images={path}")


def _array(values: np.ndarray[Any, Any], name: str, given: str) -> Images:
    try:
        values = values.astype(np.float64)
    except (TypeError, ValueError):
        raise refuse(f"{given} of dtype {values.dtype}", "real numbers of shape (B, C, H, W)") from None
    if values.ndim != 4 or 0 in values.shape or not np.all(np.isfinite(values)):
        raise refuse(f"{given} of shape {values.shape}", "finite numbers of shape (B, C, H, W)")
    return Images(values, (name,), "taken as they are")
