"""Arrays of any library: their namespace, their Fourier transform, and blocks that fit into a cache.

The functions of this room are pure functions of an array namespace (the array API standard, 2023.12, through
``array_api_compat``): they find it from the array they are given, so NumPy, PyTorch, CuPy and array-api-strict run the
same lines. Arrays keep their floating dtype: float32 stays float32 (complex64 between transforms).

Reference: Consortium for Python Data API Standards, "Python array API standard", data-apis.org/array-api.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import array_api_compat
import numpy as np
import scipy.fft

from theory.spec.errors import refuse

Array = Any
"""An array of any library that :func:`namespace_of` knows; the standard offers no nominal type to name."""
Namespace = Any
"""A module with the functions of the array API standard."""

Floats = np.ndarray[Any, np.dtype[np.float64]]
"""Numbers on the host."""

FFT_WORKERS = 2
BLOCK_BYTES = 4 * 2**20
"""Bytes of one block. A step over a block writes what the next one reads, so a block and its successor should stay in
the second-level cache of the two cores; blocks much smaller pay the start of the FFT's threads each time."""


def namespace_of(x: Array) -> Namespace:
    """The array API namespace of ``x``.

    Raises:
        SpecificationError: ``x`` is no array, or its dtype is not float32 or float64.
    """
    try:
        xp = array_api_compat.array_namespace(x)
    except TypeError:
        raise refuse(f"x={type(x).__name__}", "an array of NumPy, PyTorch, CuPy or array-api-strict") from None
    if not xp.isdtype(x.dtype, "real floating"):
        raise refuse(f"dtype={x.dtype}", "float32 or float64", "convert the array first")
    return xp


class _ScipyFourier:
    """``scipy.fft`` with worker threads; it keeps float32, and so does not double the bytes moved."""

    @staticmethod
    def rfftn(x: Array, axes: Sequence[int]) -> Array:
        return scipy.fft.rfftn(x, axes=tuple(axes), workers=FFT_WORKERS)

    @staticmethod
    def irfftn(x: Array, s: Sequence[int], axes: Sequence[int]) -> Array:
        return scipy.fft.irfftn(x, s=tuple(s), axes=tuple(axes), workers=FFT_WORKERS, overwrite_x=True)


def fourier(xp: Namespace) -> Any:
    """The Fourier module for arrays of ``xp``, with ``rfftn(x, axes=...)`` and ``irfftn(x, s=..., axes=...)``.

    NumPy arrays go through ``scipy.fft`` with ``FFT_WORKERS`` threads; it would turn the tensors of other libraries
    into NumPy arrays, so those use their own ``fft``. ``irfftn`` may overwrite its argument.
    """
    return _ScipyFourier if array_api_compat.is_numpy_namespace(xp) else xp.fft


def complex_dtype(xp: Namespace, dtype: Any) -> Any:
    """complex64 for float32, complex128 for float64."""
    return xp.complex64 if dtype == xp.float32 else xp.complex128


def unit_roundoff(x: Array) -> float:
    """u, half the distance from 1 to the next number of the dtype of ``x``: 2^-24 for float32, 2^-53 for float64."""
    return float(namespace_of(x).finfo(x.dtype).eps) / 2


def on_host(x: Array) -> bool:
    """True when ``x`` lies in the main memory, where blocks that fit into the cache pay."""
    return isinstance(x, np.ndarray) or str(array_api_compat.device(x)).lower().startswith("cpu")


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """``x`` as a NumPy array in the main memory; a CPU tensor and its NumPy array share their memory."""
    if array_api_compat.is_torch_array(x):
        return np.asarray(x.detach().cpu().numpy())
    return np.asarray(x.get() if array_api_compat.is_cupy_array(x) else x)


def bytes_of(x: Array) -> int:
    """The bytes of the entries of ``x``, float32 or float64."""
    return int(math.prod(x.shape)) * (4 if "32" in str(x.dtype) else 8)


def blocks(x: Array, axis: int | None = 0, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[slice, ...]]:
    """Cut ``x`` along ``axis`` into index tuples of about ``block_bytes`` each; in one piece if ``axis`` is None.

    On an accelerator ``x`` stays whole: there a launch costs more than a pass over the memory.
    """
    if axis is None or not on_host(x):
        yield (slice(None),) * x.ndim
        return
    size = x.shape[axis]
    step = max(1, block_bytes // max(bytes_of(x) // max(size, 1), 1))
    for start in range(0, size, step):
        yield tuple(slice(start, start + step) if place == axis else slice(None) for place in range(x.ndim))


def in_blocks(xp: Namespace, x: Array, function: Callable[[tuple[slice, ...]], Array], axis: int | None = 0) -> Array:
    """An array like ``x``, made of what ``function`` gives for each of its :func:`blocks`."""
    cuts = list(blocks(x, axis))
    if len(cuts) == 1:
        return function(cuts[0])
    out = xp.empty_like(x)
    for block in cuts:
        out[block] = function(block)
    return out


def largest_entry(xp: Namespace, x: Array, axes: tuple[int, ...]) -> Array:
    """max|x| over ``axes``, without an array of absolute values."""
    return xp.maximum(xp.max(x, axis=axes), -xp.min(x, axis=axes))


def sum_of_products(xp: Namespace, x: Array, y: Array, axes: tuple[int, ...]) -> Array:
    """The sum of x y over ``axes``; NumPy adds the products up as it makes them, in one pass over both."""
    if isinstance(x, np.ndarray):
        kept = [place for place in range(x.ndim) if place not in axes]
        return np.einsum(x, list(range(x.ndim)), y, list(range(x.ndim)), kept)
    return xp.sum(x * y, axis=axes)


def ratio(xp: Namespace, error: Array, size: Array) -> Array:
    """The ratio error / size; 0 / 0 is 0, and a positive error over 0 is infinite."""
    nothing = size == 0
    found = error / xp.where(nothing, xp.ones_like(size), size)
    return xp.where(nothing & (error > 0), xp.full_like(found, float("inf")), found)


def positions(x: Array, axes: Sequence[int], name: str = "axes") -> tuple[int, ...]:
    """The axes as distinct positions from 0 to ``x.ndim - 1``.

    Raises:
        SpecificationError: an axis that ``x`` does not have, or one that is there twice.
    """
    found = tuple(axis + x.ndim if axis < 0 else axis for axis in axes)
    if any(not 0 <= axis < x.ndim for axis in found) or len(set(found)) < len(found):
        raise refuse(f"{name}={tuple(axes)}", f"distinct axes of an array of shape {tuple(x.shape)}")
    return found
