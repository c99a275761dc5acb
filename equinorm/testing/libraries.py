"""Arrays into any library and back: what a layer takes and gives, as NumPy arrays in float64."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import array_api_compat
import numpy as np

from numerics.arrays import Array, Namespace, namespace_of, to_numpy
from numerics.backends import load_backend
from theory.spec.errors import refuse

Floats = np.ndarray[Any, np.dtype[np.float64]]

DTYPES = ("float64", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Library:
    """A namespace of the array API standard, and the device on which its arrays are made (None: its default)."""

    xp: Namespace
    device: Any = None

    @property
    def name(self) -> str:
        """The name of the library, without that of the package which adapts it."""
        return str(self.xp.__name__).removeprefix("array_api_compat.")

    def array(self, values: Floats, dtype: str) -> Array:
        """An array of this library with these values, rounded to ``dtype``; it shares no memory with them.

        Raises:
            SpecificationError: a dtype that the library or the device does not have, or a device that is not there.
        """
        kind = getattr(self.xp, dtype, None)
        if kind is None:
            raise refuse(f"dtype={dtype}", f"a dtype of {self.name}")
        where = {} if self.device is None else {"device": self.device}
        try:
            return self.xp.asarray(np.array(values), dtype=kind, **where)
        except Exception as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise refuse(f"device={self.device}", f"one where {self.name} makes arrays of {dtype}", said) from error

    def __str__(self) -> str:
        return self.name if self.device is None else f"{self.name} on {self.device}"


def find_library(like: Any, device: Any = None) -> Library:
    """The library named, or that of an array, or of a namespace such as the module ``array_api_strict``.

    Raises:
        SpecificationError: none of these, or a library that is not there.
    """
    if isinstance(like, str):
        return Library(load_backend(like).xp, device)
    if isinstance(like, ModuleType):
        if not (hasattr(like, "asarray") and hasattr(like, "float64")):
            raise refuse(f"like={like.__name__}", "a namespace of the array API standard", 'or an array, or "numpy"')
        made = like.asarray([0.0])
        return Library(array_api_compat.array_namespace(made), device)
    try:
        xp = array_api_compat.array_namespace(like)
    except TypeError:
        expected = "`numpy`, `torch`, `cupy`, an array, or a namespace of the array API standard"
        raise refuse(f"like={type(like).__name__}", expected) from None
    return Library(xp, array_api_compat.device(like) if device is None else device)


def as_float64(y: Array) -> Floats:
    """The values of ``y`` in float64, in memory of their own."""
    if array_api_compat.is_torch_array(y):
        y = y.detach().cpu().double()  # NumPy has no bfloat16
    return np.array(to_numpy(y), dtype=np.float64)


def roundoff(y: Array) -> float:
    """u of the dtype of ``y``: 2^-11 for float16, 2^-8 for bfloat16, and so on."""
    return float(namespace_of(y).finfo(y.dtype).eps) / 2
