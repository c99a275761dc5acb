"""Array libraries by name: numpy, numba, torch, cupy, loaded only when asked for.

A backend is a namespace of the array API standard together with the ways in and out of NumPy. Everything else in this
room takes its namespace from the arrays it is given; this is the one place where a name becomes a library. The backend
numba is NumPy's arrays, with the passes of the experiment compiled (:mod:`numerics.experiment.passes`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import array_api_compat
import numpy as np

from numerics.arrays import Array, Namespace, to_numpy
from theory.spec.errors import SpecificationError, refuse

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Backend:
    """An array library that is ready to use.

    ``xp`` is its namespace, ``version`` its version, ``device`` where its arrays lie, in words for a report.
    """

    name: str
    xp: Namespace
    version: str
    device: str

    def from_numpy(self, values: np.ndarray[Any, Any], dtype: str | None = None) -> Array:
        """An array of this library with the values and shape of ``values``, on this backend's device.

        Args:
            values: any NumPy array of numbers.
            dtype: "float32" or "float64"; left out, that of ``values``.

        Raises:
            SpecificationError: another dtype.
        """
        if dtype is not None and dtype not in DTYPES:
            raise refuse(f"dtype={dtype}", " or ".join(DTYPES))
        contiguous = np.ascontiguousarray(values, dtype=dtype)
        return contiguous if array_api_compat.is_numpy_namespace(self.xp) else self.xp.asarray(contiguous, copy=True)

    def to_numpy(self, x: Array) -> np.ndarray[Any, Any]:
        """The values of ``x`` as a NumPy array in the main memory."""
        return to_numpy(x)

    def __str__(self) -> str:
        return f"{self.name} {self.version} on {self.device}"


@dataclass(frozen=True)
class Availability:
    """Whether a backend can be used here; ``reason`` says why not, and what to do, and is empty when it can."""

    name: str
    description: str
    reason: str

    @property
    def usable(self) -> bool:
        """True when :func:`load_backend` succeeds."""
        return not self.reason


def load_backend(name: str) -> Backend:
    """The backend called ``name``; its library is imported now, not before.

    Raises:
        SpecificationError: an unknown name, a library that is not installed (names the extra to install), or CuPy
            without a GPU that it can use.
    """
    if name not in _LOADERS:
        raise refuse(f"backend={name}", f"one of {', '.join(_LOADERS)}")
    return _LOADERS[name]()


def available_backends() -> tuple[Availability, ...]:
    """Every known backend, with its description or the reason why it is missing here."""
    found = []
    for name in _LOADERS:
        try:
            found.append(Availability(name, str(load_backend(name)), ""))
        except SpecificationError as error:
            found.append(Availability(name, "", str(error)))
    return tuple(found)


def _load_numpy() -> Backend:
    return Backend("numpy", importlib.import_module("array_api_compat.numpy"), np.__version__, "CPU")


def _load_numba() -> Backend:
    numba = _import("numba", "numba", "Numba (install the extra: pip install 'equinorm[numba]')")
    return Backend("numba", importlib.import_module("array_api_compat.numpy"), str(numba.__version__), "CPU")


def _load_torch() -> Backend:
    torch = _import("torch", "torch", "PyTorch (install the extra: pip install 'equinorm[torch]')")
    device = str(torch.get_default_device())
    if device.startswith("cuda"):
        device = f"{device} ({torch.cuda.get_device_name(device)})"
    xp = importlib.import_module("array_api_compat.torch")
    return Backend("torch", xp, str(torch.__version__), "CPU" if device == "cpu" else device)


def _load_cupy() -> Backend:
    extras = "CuPy (install the extra of your CUDA version: pip install 'equinorm[cuda12]' or 'equinorm[cuda13]')"
    cupy = _import("cupy", "cupy", extras)
    # Importing CuPy succeeds without a GPU; the first allocation would fail.
    if not cupy.cuda.is_available():
        raise refuse("backend=cupy", "a GPU that CuPy can use, and none is there", "use the backend numpy")
    xp = importlib.import_module("array_api_compat.cupy")
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    label = properties["name"]
    return Backend("cupy", xp, str(cupy.__version__), label.decode() if isinstance(label, bytes) else str(label))


_LOADERS: dict[str, Callable[[], Backend]] = {
    "numpy": _load_numpy,
    "numba": _load_numba,
    "torch": _load_torch,
    "cupy": _load_cupy,
}


def _import(module: str, backend: str, expected: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if getattr(error, "name", None) == module:
            raise refuse(f"backend={backend}", expected, "it is not installed, or use the backend numpy") from None
        # Installed but broken, for instance a driver library that is missing: say what it said, on one line.
        said = " ".join(str(error).split())[:200]
        raise refuse(f"backend={backend}", f"an installation of {module} that can be imported", said) from None
