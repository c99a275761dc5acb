"""One fixture over the array libraries; a library that is not here is a skip with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from numerics.arrays import to_numpy
from numerics.backends import load_backend
from theory.spec.errors import SpecificationError

LIBRARIES = ("numpy", "array-api-strict", "torch", "cupy")


@dataclass(frozen=True)
class Library:
    """An array library under test."""

    name: str
    asarray: Callable[[np.ndarray], Any]

    def to_numpy(self, x: Any) -> np.ndarray:
        return to_numpy(x)

    def call(self, function: Callable[..., Any], *arrays: Any, **options: Any) -> np.ndarray:
        """Call ``function`` on arrays of this library; the result must be one of them, and comes back as NumPy's."""
        given = [self.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays]
        found = function(*given, **options)
        assert type(found) is type(self.asarray(np.zeros(1)))
        return to_numpy(found)


@pytest.fixture(scope="session", params=LIBRARIES)
def xp(request: pytest.FixtureRequest) -> Library:
    if request.param == "array-api-strict":
        strict = pytest.importorskip("array_api_strict", reason="array-api-strict, of the extra 'test', is missing")
        return Library(request.param, strict.asarray)
    try:
        return Library(request.param, load_backend(request.param).from_numpy)
    except SpecificationError as error:
        pytest.skip(str(error))
