"""Tensors in .safetensors and .npz files.

Neither format can hold code, except a .npz with Python objects, which NumPy would unpickle: those are refused.

References: the format note of safetensors; NumPy's numpy.lib.format.
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import IO, Any

import numpy as np

from equinorm.inputs.stored_tensors import DAMAGE, StoredTensor, Unreadable, printable

SAFETENSORS_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "U8": "uint8",
    "BOOL": "bool",
}


def read_safetensors(data: bytes) -> dict[str, StoredTensor]:
    """The tensors of a safetensors file by name. Raises Unreadable when header and bytes do not agree."""
    from safetensors import SafetensorError, deserialize  # only this format needs the library

    def stored(shape: list[int], dtype: str, content: bytes) -> StoredTensor:
        return StoredTensor(tuple(shape), SAFETENSORS_NAMES.get(dtype, dtype), lambda: content)

    try:
        entries = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise Unreadable(f"it is no complete safetensors file ({printable(error)})") from None
    return {printable(name): stored(entry["shape"], entry["dtype"], entry["data"]) for name, entry in entries}


def read_npz(data: bytes) -> dict[str, StoredTensor]:
    """The arrays of a .npz file by name; only their headers are read at once.

    Raises:
        Unreadable: no zip archive of .npy members, or it is cut.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except DAMAGE:
        raise Unreadable("it is no complete .npz archive") from None
    members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    return {printable(info.filename.removesuffix(".npy")): _npy(archive, info) for info in members}


def _npy(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> StoredTensor:
    try:
        with archive.open(info) as member:
            shape, fortran, dtype = _npy_header(member)
    except DAMAGE:
        raise Unreadable(f"its array {printable(info.filename)} is damaged or cut") from None

    def fetch() -> bytes:
        try:
            with archive.open(info) as member:
                _npy_header(member)
                raw = member.read(math.prod(shape) * dtype.itemsize)
        except DAMAGE:
            raise Unreadable("lies in a damaged part of the archive") from None
        if len(raw) != math.prod(shape) * dtype.itemsize:
            raise Unreadable("lies outside the bytes that the file holds")
        return np.frombuffer(raw, dtype=dtype).reshape(shape, order="F" if fortran else "C").tobytes()

    name = "object, which is code and is not run" if dtype.hasobject else dtype.newbyteorder("=").name
    return StoredTensor(shape, name, fetch, ">" if dtype.byteorder == ">" else "<")


def _npy_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and dtype; ``member`` is left at the first element."""
    if np.lib.format.read_magic(member) == (1, 0):
        return np.lib.format.read_array_header_1_0(member)
    return np.lib.format.read_array_header_2_0(member)
