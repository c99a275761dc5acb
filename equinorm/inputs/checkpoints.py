"""Files of torch.save, in the zip form (PyTorch 1.6 and later) and in the older one, read without PyTorch.

Both hold a pickle, which describes the tensors as windows of numbered storages, and the storages' raw bytes: as
members of the zip archive, or one after the other behind the pickles. The pickle is read by `inert_pickle`, which runs
nothing.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Callable

import numpy as np

from equinorm.inputs.inert_pickle import LARGEST_PICKLE, Storage, View, read_pickle
from equinorm.inputs.stored_tensors import DAMAGE, ENCODINGS, StoredTensor, Unreadable, printable

OLD_MAGIC = 0x1950A86A20F9469CFC6C
OLD_PROTOCOL = 1001
WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts keep the state dict beside other things."""

Fetch = Callable[[Storage, int, int], bytes]
"""Bytes number start to stop of a storage."""


def read_checkpoint(data: bytes) -> dict[str, StoredTensor]:
    """The tensors of a state dict, by name, of a file that torch.save wrote.

    Raises:
        Unreadable: neither form, code inside, damaged or cut, no dictionary of tensors.
    """
    if data.startswith(b"PK"):
        return _read_zip(data)
    if data.startswith(b"\x80"):
        return _read_old(data)
    raise Unreadable("it was not written by torch.save")


def _read_zip(data: bytes) -> dict[str, StoredTensor]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = {info.filename: info for info in archive.infolist()}
        pickles = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise Unreadable("its archive does not hold one data.pkl")
        prefix = pickles[0].removesuffix("data.pkl")
        if any(name.startswith(f"{prefix}code/") for name in members):
            raise Unreadable("it is a TorchScript program, which is code and is not run")
        if members[pickles[0]].file_size > LARGEST_PICKLE:
            raise Unreadable(f"its pickle is longer than {LARGEST_PICKLE} bytes")
        content = read_pickle(io.BytesIO(archive.read(pickles[0])))
        mark = members.get(f"{prefix}byteorder")
        order = ">" if mark is not None and mark.file_size == 3 and archive.read(mark) == b"big" else "<"
    except DAMAGE:
        raise Unreadable("its zip archive is damaged or cut") from None

    def fetch(storage: Storage, start: int, stop: int) -> bytes:
        name = f"{prefix}data/{storage.key}"
        if name not in members or members[name].file_size < stop:
            raise Unreadable("lies outside the bytes that the file holds")
        if members[name].compress_type != zipfile.ZIP_STORED:
            raise Unreadable("is compressed, which torch.save never does")
        try:
            with archive.open(name) as member:
                member.seek(start)
                return member.read(stop - start)
        except DAMAGE:
            raise Unreadable("lies in a damaged part of the archive") from None

    return _tensors(content, fetch, order)


def _read_old(data: bytes) -> dict[str, StoredTensor]:
    """Five pickles (magic number, protocol, system, content, keys), then for each key an int64 count and the bytes."""
    stream = io.BytesIO(data)
    if read_pickle(stream) != OLD_MAGIC or read_pickle(stream) != OLD_PROTOCOL:
        raise Unreadable("it was not written by torch.save")
    system = read_pickle(stream)
    seen: list[Storage] = []
    content = read_pickle(stream, seen)
    keys = read_pickle(stream)
    if not isinstance(keys, list) or not isinstance(system, dict):
        raise Unreadable("its list of storages is damaged")
    order = "<" if system.get("little_endian", True) else ">"
    item_bytes = {storage.key: _item_bytes(storage) for storage in seen}
    places: dict[object, tuple[int, int]] = {}
    position = stream.tell()
    for key in keys:
        # What lies behind a storage of unknown element size, or behind the end, cannot be found and is missing.
        if not isinstance(key, str) or key not in item_bytes or position + 8 > len(data):
            break
        (count,) = struct.unpack_from(f"{order}q", data, position)
        length = count * item_bytes[key]
        if count < 0 or position + 8 + length > len(data):
            break
        places[key] = (position + 8, length)
        position += 8 + length

    def fetch(storage: Storage, start: int, stop: int) -> bytes:
        first, length = places.get(storage.key, (0, 0))
        if stop > length:
            raise Unreadable("lies outside the bytes that the file holds")
        return data[first + start : first + stop]

    return _tensors(content, fetch, order)


def _tensors(content: object, fetch: Fetch, order: str) -> dict[str, StoredTensor]:
    """Every tensor of the state dict in ``content`` as one that is fetched when it is asked for."""

    def stored(view: View) -> StoredTensor:
        return StoredTensor(view.shape, view.storage.dtype, lambda: _gather(view, fetch), order)

    return {name: stored(view) for name, view in _views(content).items()}


def _views(content: object) -> dict[str, View]:
    """The tensors by name: of a dictionary of tensors, or of one kept under a key of `WRAPPERS`."""
    if isinstance(content, dict):
        inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), dict)), content)
        views = {printable(name): value for name, value in inner.items() if isinstance(value, View)}
        if views:
            return views
    raise Unreadable("it holds no dictionary of tensors")


def _item_bytes(storage: Storage) -> int:
    return np.dtype(ENCODINGS[storage.dtype]).itemsize


def _gather(view: View, fetch: Fetch) -> bytes:
    """The window's elements in C order; only the bytes from its first to its last element are read."""
    size = _item_bytes(view.storage)
    if math.prod(view.shape) == 0:
        return b""
    # The stride of an axis with one element says nothing, and may be any number.
    strides = [stride if count > 1 else 0 for count, stride in zip(view.shape, view.strides, strict=True)]
    span = 1 + sum((count - 1) * stride for count, stride in zip(view.shape, strides, strict=True))
    if view.offset + span > view.storage.count:
        raise Unreadable("reaches beyond its storage")
    raw = np.frombuffer(fetch(view.storage, view.offset * size, (view.offset + span) * size), dtype=f"V{size}")
    if raw.size != span:
        raise Unreadable("lies outside the bytes that the file holds")
    return np.lib.stride_tricks.as_strided(raw, view.shape, [stride * size for stride in strides]).tobytes()
