"""Maps from a file of somebody's own: one floating array (B, C, H, W) or (C, H, W) in .npy, .npz or .safetensors.

No format is let to run code. What cannot be used is refused in one line; NaN and infinity by the index of the first.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from equinorm.inputs.stored_tensors import DAMAGE, StoredTensor, Unreadable, printable
from equinorm.inputs.tensor_files import read_npz, read_safetensors
from theory.spec.axes import BCHW
from theory.spec.errors import refuse

LARGEST_FILE = 2**31
"""Bytes of a file that are read."""

Values = np.ndarray[Any, Any]


def read_maps(path: str | Path) -> Values:
    """The array in the file at ``path`` as (B, C, H, W), float32 or float64; half precision becomes float32, exactly.

    Raises:
        SpecificationError: no such file, another format, damaged, more than one array; an array of another rank or
            dtype, empty, or with NaN or infinity.
    """
    given = f"input={printable(path)}"
    file = Path(path)
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise refuse(given, f"a file ending in {', '.join(_READERS)}")
    values = _opened(file, given, reader)
    if values.ndim == len(BCHW) - 1:
        values = values[None]
    if values.ndim != len(BCHW) or 0 in values.shape:
        raise refuse(given, "maps (B, C, H, W) or (C, H, W)", f"the array has shape {values.shape}")
    if not np.all(np.isfinite(values)):
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise refuse(given, "finite numbers", f"there is {values[index]} at (B, C, H, W) = {index}")
    return values


def _opened(file: Path, given: str, reader: Callable[[bytes], Values]) -> Values:
    try:
        if not file.is_file():
            raise refuse(given, "a file", "it is a folder or a device" if file.exists() else "there is no such file")
        if file.stat().st_size > LARGEST_FILE:
            raise refuse(given, f"at most {LARGEST_FILE} bytes", f"it has {file.stat().st_size}")
        data = file.read_bytes()
    except OSError as error:
        raise refuse(given, "a file that can be read", printable(error.strerror or error)) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oddities in damaged headers; what matters about them is refused
        try:
            return reader(data)
        except Unreadable as error:
            raise refuse(given, "one array of floating numbers", str(error)) from None


def _only(tensors: Mapping[str, StoredTensor]) -> Values:
    if len(tensors) != 1:
        some = ", ".join(list(tensors)[:3]) or "none"
        raise Unreadable(f"it has {len(tensors)} arrays ({some}); save the one that is meant in a file of its own")
    ((name, tensor),) = tensors.items()
    try:
        return tensor.values()
    except Unreadable as error:
        raise Unreadable(f"{name} {error}") from None


def _npy(data: bytes) -> Values:
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except DAMAGE:
        raise Unreadable("it is no complete .npy file of numbers") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.dtype.itemsize > 8:
        raise Unreadable(f"it holds {printable(getattr(values, 'dtype', type(values).__name__))}")
    return np.asarray(values, dtype=np.float64 if values.dtype.itemsize == 8 else np.float32)


_READERS: dict[str, Callable[[bytes], Values]] = {
    ".npy": _npy,
    ".npz": lambda data: _only(read_npz(data)),
    ".safetensors": lambda data: _only(read_safetensors(data)),
}
