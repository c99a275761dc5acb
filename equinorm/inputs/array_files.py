"""Feature maps that a person brings: arrays N x C x H x W, or C x H x W, in .npy, .npz and .safetensors files.

Only headers are read when a file is opened; its arrays are then read some samples at a time, from first to last, so
that memory does not grow with the file. (An array stored in Fortran order has its samples interleaved and is read
whole.) Nothing is mapped into memory, since a file that is cut while it is mapped kills the process.

No code is run: arrays of Python objects, which NumPy would unpickle, are refused. Floating numbers of every width are
taken. Narrow ones become float32, exactly; wider ones than float64 are rounded to it. Integers are refused: they are
labels or pixels whose scale is unknown.

References: NumPy's numpy.lib.format; the format note of safetensors; Micikevicius et al. (2022), arXiv 2209.05433, for
the two types of 8 bits.
"""

from __future__ import annotations

import json
import math
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from equinorm.inputs.stored_tensors import DAMAGE, Unreadable, printable
from theory.spec.errors import SpecificationError, refuse

SUFFIXES = (".npy", ".npz", ".safetensors")
LARGEST_HEADER = 100_000_000
"""Bytes; the limit that the format note of safetensors sets."""

LARGEST_SAMPLE = 2**31
"""Bytes of one sample, of which several copies are made."""


@dataclass(frozen=True)
class GivenArray:
    """An array that a person gave: its samples are read from first to last.

    Attributes:
        name: of the array in its file.
        shape: N, C, H, W.
        dtype: how it was stored, in words.
        working: ``float32`` or ``float64``, what is computed with unless another is asked for.
        samples: gives the array (n, C, H, W) of up to so many samples at a time, all of them in order.
        note: what was done to it, in words.
    """

    name: str
    shape: tuple[int, int, int, int]
    dtype: str
    working: str
    samples: Callable[[int], Iterator[NDArray[Any]]]
    note: str = ""


@dataclass(frozen=True)
class Element:
    """A stored element: NumPy's type of its bytes, and how floating numbers are made of them."""

    name: str
    stored: np.dtype[Any]
    widen: Callable[[NDArray[Any]], NDArray[Any]]
    working: str = "float32"


def _eight_bits(values: NDArray[Any]) -> NDArray[Any]:
    """E4M3: sign, 4 bits of exponent with bias 7, 3 of significand; no infinity, NaN where all others are set."""
    codes = np.arange(256)
    exponent, fraction = (codes >> 3) & 15, codes & 7
    size = np.where(exponent == 0, np.ldexp(fraction / 8.0, -6), np.ldexp(1 + fraction / 8.0, exponent - 7))
    size[(codes & 127) == 127] = np.nan
    table = np.where(codes >= 128, -size, size).astype(np.float32)
    return np.asarray(table[values])


ELEMENTS = {
    "F64": Element("float64", np.dtype("<f8"), lambda stored: stored.astype(np.float64), "float64"),
    "F32": Element("float32", np.dtype("<f4"), lambda stored: stored.astype(np.float32)),
    "F16": Element("float16", np.dtype("<f2"), lambda stored: stored.astype(np.float32)),
    "BF16": Element("bfloat16", np.dtype("<u2"), lambda stored: (stored.astype(np.uint32) << 16).view(np.float32)),
    "F8_E4M3": Element("float8_e4m3", np.dtype("u1"), _eight_bits),
    "F8_E5M2": Element(
        "float8_e5m2",
        np.dtype("u1"),
        lambda stored: (stored.astype(np.uint16) << 8).view(np.float16).astype(np.float32),
    ),
}
"""The floating types of safetensors by their names there."""


def check_squares(given: str, largest: float, count: int, dtype: str) -> None:
    """The squares of ``count`` numbers, none larger than ``largest``, must have a finite sum in ``dtype``.

    ``given`` is what a SpecificationError names them.
    """
    if largest * largest * count > float(np.finfo(dtype).max):  # with ** a large float would raise
        raise refuse(
            f"{given}, with {largest:.3g} in it", f"numbers whose squares are finite in {dtype}", "divide them"
        )


@contextmanager
def opened_arrays(path: str | Path) -> Iterator[tuple[GivenArray, ...]]:
    """The arrays of the file at ``path``, by its extension; they can be read while the file is open.

    Raises:
        SpecificationError: no such file, another extension, damaged or cut, no array in it; an array of another rank,
            with an axis of no entries, or without floating numbers.
    """
    place = Path(path)
    given = f"input={printable(path)}"
    suffix = place.suffix.lower()
    if suffix not in SUFFIXES:
        raise refuse(given, f"a file ending in {', '.join(SUFFIXES)}")
    with _explained(given):
        if not place.is_file():
            expected = "a file" if place.exists() else "a file; there is no such file"
            raise refuse(given, expected)
        file = place.open("rb")
    with file:
        with _explained(given), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of old headers
            found = tuple(_READERS[suffix](file, given))
            if not found:
                raise refuse(given, "at least one array N x C x H x W or C x H x W", "the file holds none")
        yield found


@contextmanager
def _explained(given: str) -> Iterator[None]:
    """Turn what damaged bytes and the operating system raise into bad input."""
    try:
        yield
    except (SpecificationError, MemoryError):
        raise
    except Unreadable as error:
        raise refuse(given, "a complete file of arrays", str(error)) from None
    except OSError as error:
        raise refuse(given, "a file that can be read", printable(error.strerror or error)) from None
    except DAMAGE as error:
        raise refuse(given, "a complete file of arrays", f"it is damaged or cut ({printable(error)})") from None


def given_arrays(arrays: Mapping[str, Any] | Any, given: str = "maps") -> tuple[GivenArray, ...]:
    """Arrays in memory as :func:`opened_arrays` gives those of a file.

    Raises:
        SpecificationError: as there.
    """
    named = dict(arrays) if isinstance(arrays, Mapping) else {"x": arrays}
    if not named:
        raise refuse(f"{given}=no arrays", "at least one array N x C x H x W or C x H x W")
    return tuple(_in_memory(str(name), np.asarray(values), given) for name, values in named.items())


def _in_memory(name: str, values: NDArray[Any], given: str) -> GivenArray:
    element = _numpy_element(values.dtype, name, given)
    shape, note = _checked_shape(values.shape, name, given)

    def samples(count: int) -> Iterator[NDArray[Any]]:
        whole = values.reshape(shape)
        for start in range(0, shape[0], count):
            yield element.widen(whole[start : start + count])

    return GivenArray(name, shape, element.name, element.working, samples, note)


def _read_npy(file: IO[bytes], given: str) -> Iterator[GivenArray]:
    shape, fortran, dtype = _npy_header(file)
    start = file.tell()

    def restart() -> IO[bytes]:
        file.seek(start)
        return file

    left = os.fstat(file.fileno()).st_size - start
    yield _array("x", shape, _numpy_element(dtype, "x", given), restart, left, given, fortran=fortran)


def _read_npz(file: IO[bytes], given: str) -> Iterator[GivenArray]:
    archive = zipfile.ZipFile(file)
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            continue
        name = printable(info.filename.removesuffix(".npy"))
        with archive.open(info) as member:
            shape, fortran, dtype = _npy_header(member)
            left = info.file_size - member.tell()

        def restart(info: zipfile.ZipInfo = info) -> IO[bytes]:
            again = archive.open(info)
            _npy_header(again)
            return again

        yield _array(name, shape, _numpy_element(dtype, name, given), restart, left, given, fortran=fortran)


def _read_safetensors(file: IO[bytes], given: str) -> Iterator[GivenArray]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(LARGEST_HEADER, size - 8):
        raise Unreadable("it is no complete safetensors file")
    header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise Unreadable("its header is damaged")
    header.pop("__metadata__", None)
    for key in sorted(header):
        name = printable(key)
        dtype, shape, (begin, end) = (header[key][word] for word in ("dtype", "shape", "data_offsets"))
        if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
            raise Unreadable(f"the header of its array {name} is damaged")
        element = ELEMENTS.get(dtype)
        if element is None:
            raise _no_floats(name, dtype, given)
        start = 8 + length + begin

        def restart(start: int = start) -> IO[bytes]:
            file.seek(start)
            return file

        if end - begin != math.prod(shape) * element.stored.itemsize:
            raise Unreadable(f"its array {name} has {end - begin} bytes, which its shape and dtype do not need")
        yield _array(name, tuple(shape), element, restart, size - start, given)


_READERS: dict[str, Callable[[IO[bytes], str], Iterator[GivenArray]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
}


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and dtype; ``file`` is left at the first element."""
    if np.lib.format.read_magic(file) == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _array(
    name: str,
    stated: tuple[int, ...],
    element: Element,
    restart: Callable[[], IO[bytes]],
    left: int,
    given: str,
    *,
    fortran: bool = False,
) -> GivenArray:
    """An array whose elements lie one after the other in what ``restart`` gives, ``left`` bytes long."""
    shape, note = _checked_shape(stated, name, given)
    size = element.stored.itemsize
    if math.prod(shape) * size > left:
        raise Unreadable(f"its array {name} needs {math.prod(shape) * size} bytes, and {max(left, 0)} are there")
    per_sample = math.prod(shape[1:])
    if (math.prod(shape) if fortran else per_sample) * size > LARGEST_SAMPLE:
        given_size = f"{given}, array={name} of shape {tuple(stated)}"
        raise refuse(given_size, f"at most {LARGEST_SAMPLE} bytes a sample", "an array in Fortran order counts whole")

    def samples(count: int) -> Iterator[NDArray[Any]]:
        with _explained(given):
            source = restart()
            if fortran:
                whole = _read(source, math.prod(shape), element, name).reshape(stated, order="F").reshape(shape)
                for start in range(0, shape[0], count):
                    yield element.widen(whole[start : start + count])
                return
            place = source.tell()
            for start in range(0, shape[0], count):
                number = min(count, shape[0] - start)
                source.seek(place + start * per_sample * size)  # whoever read in between may have moved it
                yield element.widen(_read(source, number * per_sample, element, name).reshape(number, *shape[1:]))

    return GivenArray(name, shape, element.name, element.working, samples, note)


def _read(source: IO[bytes], count: int, element: Element, name: str) -> NDArray[Any]:
    raw = source.read(count * element.stored.itemsize)
    if len(raw) < count * element.stored.itemsize:
        raise Unreadable(f"its array {name} ends too early; the file is cut, or was while it was read")
    return np.frombuffer(raw, dtype=element.stored)


def _numpy_element(dtype: np.dtype[Any], name: str, given: str) -> Element:
    if dtype.hasobject:
        raise refuse(
            f"{given}, array={name}", "an array of floating numbers", "it holds Python objects, which are code"
        )
    if dtype.kind != "f":
        raise _no_floats(name, str(dtype), given)
    native = dtype.newbyteorder("=")
    working = "float32" if dtype.itemsize <= 4 else "float64"
    return Element(native.name, dtype, lambda stored: stored.astype(working), working)


def _no_floats(name: str, dtype: object, given: str) -> SpecificationError:
    said = printable(dtype, most=40)
    remedy = "convert it to float32 first, and leave out what is no feature map"
    if isinstance(dtype, str) and dtype in ("|V2", "<V2"):
        remedy = "NumPy knows no bfloat16; save it as .safetensors"
    return refuse(f"{given}, array={name}", f"floating numbers, not {said}", remedy)


def _checked_shape(shape: tuple[int, ...], name: str, given: str) -> tuple[tuple[int, int, int, int], str]:
    said = f"{given}, array={name} of shape {printable(shape)}"
    if len(shape) not in (3, 4):
        raise refuse(said, "N x C x H x W, or C x H x W", f"it has {len(shape)} axes")
    if 0 in shape:
        raise refuse(said, "at least one entry along each axis")
    full = shape if len(shape) == 4 else (1, *shape)
    return (full[0], full[1], full[2], full[3]), "" if len(shape) == 4 else "taken as C x H x W, one sample"
