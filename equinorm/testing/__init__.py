"""One line in the tests of others: is this layer equivariant?

    from equinorm.testing import assert_equivariant

    def test_my_layer():
        assert_equivariant(MyLayer(8), shape=(2, 8, 15, 17), action="translation")

The layer is a ``torch.nn.Module`` or any function of an array of NumPy, PyTorch, CuPy or another library of the array
API standard. With pytest, a fixture of the same name gives the same function. Importing this package loads nothing.

Modules: ``assertion`` (the function), ``question`` (its arguments), ``subject`` (the layer as a function of NumPy
arrays), ``modules`` and ``randomness`` (what is left as found), ``trials`` (the arrays tried), ``message`` (what a
failure says) and ``failures`` (the errors).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equinorm.testing.assertion import assert_equivariant
    from equinorm.testing.failures import NotEquivariant, Undecided

__all__ = ["NotEquivariant", "Undecided", "assert_equivariant"]

_HOME = {
    "NotEquivariant": "equinorm.testing.failures",
    "Undecided": "equinorm.testing.failures",
    "assert_equivariant": "equinorm.testing.assertion",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
