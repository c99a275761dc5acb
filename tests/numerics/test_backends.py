"""Backends by name: loaded only when asked for, and what is said when one is missing."""

from __future__ import annotations

import importlib.util
import sys
import types

import numpy as np
import pytest

from numerics.backends import available_backends, load_backend
from theory.spec.errors import SpecificationError


def test_numpy_is_always_there():
    backend = load_backend("numpy")
    assert str(backend) == f"numpy {np.__version__} on CPU"
    x = np.arange(6, dtype=np.float32).reshape(2, 3).T
    there = backend.from_numpy(x, "float64")
    assert there.dtype == np.float64
    assert np.array_equal(backend.to_numpy(there), x)


@pytest.mark.parametrize("name", ["numpy", "numba", "torch", "cupy"])
def test_there_and_back(name):
    try:
        backend = load_backend(name)
    except SpecificationError as error:
        pytest.skip(str(error))
    x = np.random.default_rng(0).standard_normal((3, 4)).T
    for dtype in ("float32", "float64"):
        there = backend.from_numpy(x, dtype)
        assert str(there.dtype).endswith(dtype)
        back = backend.to_numpy(there)
        assert type(back) is np.ndarray
        assert np.array_equal(back, x.astype(dtype))


def test_every_backend_is_usable_or_says_why_not():
    found = {backend.name: backend for backend in available_backends()}
    assert list(found) == ["numpy", "numba", "torch", "cupy"]
    for name, backend in found.items():
        if backend.usable:
            assert backend.description == str(load_backend(name))
        else:
            assert backend.reason.startswith(f"backend={name}: expected ")
            assert "\n" not in backend.reason
            with pytest.raises(SpecificationError) as error:
                load_backend(name)
            assert str(error.value) == backend.reason
    assert found["torch"].usable == (importlib.util.find_spec("torch") is not None)


def missing(monkeypatch, name):
    """Make ``import name`` fail as if nothing of that name were installed."""
    monkeypatch.delitem(sys.modules, name, raising=False)

    class Nothing:
        def find_spec(self, fullname, path=None, target=None):
            if fullname == name:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Nothing(), *sys.meta_path])


def test_cupy_not_installed_names_both_extras(monkeypatch):
    missing(monkeypatch, "cupy")
    with pytest.raises(SpecificationError, match=r"equinorm\[cuda12\].*equinorm\[cuda13\].*not installed"):
        load_backend("cupy")


def test_torch_not_installed_names_its_extra(monkeypatch):
    missing(monkeypatch, "torch")
    with pytest.raises(SpecificationError, match=r"equinorm\[torch\].*not installed"):
        load_backend("torch")


def test_cupy_without_a_gpu_says_so(monkeypatch):
    cupy = types.ModuleType("cupy")
    cupy.cuda = types.SimpleNamespace(is_available=lambda: False)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    with pytest.raises(SpecificationError, match="backend=cupy: expected a GPU that CuPy can use, and none is there"):
        load_backend("cupy")


def test_a_broken_installation_is_told_from_none(monkeypatch, tmp_path):
    (tmp_path / "cupy.py").write_text("raise ImportError('libcuda.so.1: cannot open\\nshared object file')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    with pytest.raises(SpecificationError) as error:
        load_backend("cupy")
    assert "that can be imported; libcuda.so.1: cannot open shared object file" in str(error.value)


@pytest.mark.parametrize("name", ["jax", "", "NumPy"])
def test_unknown_names_are_refused(name):
    with pytest.raises(SpecificationError, match=f"backend={name}: expected one of numpy, numba, torch, cupy"):
        load_backend(name)


def test_unknown_dtypes_are_refused():
    with pytest.raises(SpecificationError, match="dtype=float16: expected float32 or float64"):
        load_backend("numpy").from_numpy(np.zeros(2), "float16")
