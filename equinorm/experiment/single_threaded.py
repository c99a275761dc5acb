"""Products of matrices by one thread each, in every process alike.

OpenBLAS cuts a product in other places when it uses other numbers of threads, and then rounds differently: the bytes
of a result would depend on the machine's number of cores. One thread is also the faster choice here, since units and
samples already share the cores. NumPy with another library than the OpenBLAS of its wheels is left as it is.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDERS = ("../numpy.libs", ".dylibs")


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let OpenBLAS use one thread until the end of the block, then as many as before."""
    controls = _controls()
    if controls is None:
        yield
        return
    get, put = controls
    before = get()
    put(1)
    try:
        yield
    finally:
        put(before)


@cache
def _controls() -> tuple[Any, Any] | None:
    """The functions that tell and set the number of threads, of the library that NumPy has loaded; None without."""
    home = Path(np.__file__).parent
    for folder in FOLDERS:
        for file in sorted((home / folder).glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(file))
            except OSError:
                continue
            for prefix, suffix in (("scipy_", "64_"), ("", "64_"), ("scipy_", ""), ("", "")):
                get = getattr(library, f"{prefix}openblas_get_num_threads{suffix}", None)
                put = getattr(library, f"{prefix}openblas_set_num_threads{suffix}", None)
                if get is not None and put is not None:
                    return get, put
    return None
