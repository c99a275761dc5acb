"""Targets of torch: modules made from literals, functions that take tensors, and the dtype that each computes in."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equinorm.targets import examine, open_target
from tests.equinorm.inside import opened
from theory.spec.errors import SpecificationError

torch = pytest.importorskip("torch", reason="torch, of the extra 'torch', is missing")

X = np.random.default_rng(1).standard_normal((2, 8, 3, 5))


SOURCE = """
import torch
class Single(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((8, 1, 1), 3.0))
    def forward(self, x):
        return x @ torch.eye(5) * self.weight
class Half(torch.nn.Module):
    def forward(self, x): return x.to(torch.bfloat16)
class NoModule:
    def __init__(self, n): pass
layer = torch.nn.GroupNorm(1, 8)
drop = torch.nn.Dropout()
relu = torch.nn.ReLU(inplace=True)
class Counter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("n", torch.zeros(()))
    def forward(self, x):
        self.n += 1
        return x * self.n
def tensors_only(x): return x.abs().mean(dim=1, keepdim=True) + x
def single_only(x): return x * 2 if x.dtype == torch.float32 else x @ torch.ones((5, 5), dtype=torch.float32)
def converts(x): return torch.from_numpy(x) * 2
def gradient(x): return torch.nn.Parameter(torch.ones(())) * torch.from_numpy(x)
def refuses(x): return torch.nn.functional.layer_norm(x, (99,))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)


def refused(opening: AbstractContextManager[Any]) -> str:
    """What is said of a target that is not fit; it is one line."""
    with pytest.raises(SpecificationError) as caught, opening as target:
        examine(target, X)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_modules_run_in_float64_if_they_can() -> None:
    for text, dtype, expected in [
        ("torch:torch.nn.GroupNorm(1, 8, eps=1e-3)", np.float64, torch.nn.GroupNorm(1, 8, eps=1e-3).double()),
        ("mine:layer", np.float64, torch.nn.GroupNorm(1, 8).double()),
        ("torch:mine.Single()", np.float32, lambda x: 3 * x),
        ("torch:mine.Half()", np.float32, lambda x: x.to(torch.bfloat16)),
    ]:
        with opened(text) as target:
            y = examine(target, X)
        assert y.dtype == dtype
        with torch.no_grad():
            wanted = expected(torch.from_numpy(X)).float().numpy()
        assert np.allclose(y, wanted, rtol=1e-6, atol=1e-6)


def test_functions_get_the_arrays_that_they_take() -> None:
    for text, dtype, expected in [
        ("mine:tensors_only", np.float64, X + np.abs(X).mean(axis=1, keepdims=True)),
        ("mine:single_only", np.float32, 2 * X.astype(np.float32)),
        ("mine:converts", np.float64, 2 * X),
        ("mine:gradient", np.float64, X),
        ("torch:nn.functional.relu", np.float64, np.maximum(X, 0)),
    ]:
        with opened(text) as target:
            y = examine(target, X)
        assert y.dtype == dtype, text
        assert np.allclose(y, expected, rtol=1e-12 if dtype == np.float64 else 1e-6), text


def test_initial_weights_are_the_same_in_each_process() -> None:
    values = []
    for _ in range(2):
        with open_target("torch:torch.nn.Conv2d(8, 8, 3, padding=1)") as target:
            values.append(target(X))
    assert np.array_equal(*values)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("torch:torch.nn.NoSuchLayer(8)", "torch.nn has no NoSuchLayer"),
        ("torch:torch.nosuch.Layer(8)", "there is no module torch.nosuch"),
        ("torch:torch.nn.LayerNorm()", "it raises TypeError"),
        ("torch:mine.NoModule(3)", "makes a NoModule"),
        ("torch:torch.nn.LayerNorm(99)", "on a torch tensor it raises RuntimeError: Given normalized_shape"),
        ("mine:refuses", "on a torch tensor it raises RuntimeError: Given normalized_shape"),
        ("mine:relu", "it modifies the array in place"),
        ("torch:torch.nn.MaxPool2d(2)", "it takes (2, 8, 3, 5) to (2, 8, 1, 2)"),
    ],
)
def test_faults_of_torch_targets(text: str, said: str) -> None:
    assert said in refused(opened(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mine:drop", "it is random"),
        ("torch:mine.Counter()", "it keeps state: two calls"),
    ],
)
def test_faults_of_torch_targets_in_their_own_process(text: str, said: str) -> None:
    assert said in refused(open_target(text))


def test_a_module_in_its_own_process() -> None:
    with open_target("torch:torch.nn.GroupNorm(1, 8, eps=1e-3)") as target:
        y = examine(target, X)
    with torch.no_grad():
        assert np.allclose(y, torch.nn.GroupNorm(1, 8, eps=1e-3).double()(torch.from_numpy(X)).numpy(), rtol=1e-12)
