"""The hunt on functions of which nothing is known: found by name, run in a process of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

import equinorm
from theory.spec.errors import SpecificationError

MODULE = """
import time
import numpy as np


def instance(x):
    c = x - x.mean(axis=(2, 3), keepdims=True)
    return c / np.sqrt((c * c).mean(axis=(2, 3), keepdims=True) + 1e-5)


def narrow(x):
    return instance(x.astype(np.float32)).astype(np.float64)


def rms_of_rows(x):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def across(x):
    return x - x.mean(axis=0, keepdims=True)


def three_channels(x):
    if x.shape[1] != 3:
        raise ValueError("three channels, please")
    return 2 * x


def small(x):
    if x.shape[3] > 3:
        raise ValueError("too wide")
    return x * x


def moody(x):
    return x if (x[0, 0, 0, 0] != 1) else time.sleep(60)


def undefined_at_zero(x):
    with np.errstate(all="ignore"):
        return instance(x) + 0 * (1 / x.max())


def gone_wrong(x):
    return x * float("nan")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_reduction_of_the_wrong_axis_is_found(folder: Path) -> None:
    found = equinorm.hunt(target="mine:rms_of_rows", grid="5x5")
    assert found.search.smallest is not None
    trial, reading = found.search.smallest
    assert sorted(trial.x.ravel())[-2:] == [0, 1]
    assert reading.violates
    assert "precision seen inside: float64" in found.text()
    assert not found.document()["counterexample"]["confirmed_exactly"]
    assert not equinorm.hunt(target="mine:rms_of_rows", action="shift", max_examples=60).found


def test_samples_that_mix_are_found_per_sample_only(folder: Path) -> None:
    assert equinorm.hunt(target="mine:across", action="shift", scope="per-sample").found
    assert not equinorm.hunt(target="mine:across", action="shift", max_examples=60).found


def test_a_function_that_rounds_to_float32_is_not_taken_for_a_violation(folder: Path) -> None:
    found = equinorm.hunt(target="mine:narrow", grid="odd", max_examples=150)
    assert not found.found
    assert found.precision == "float32"
    assert equinorm.hunt(target="mine:narrow", grid="even").found


def test_shapes_that_a_target_does_not_take_are_left_out(folder: Path) -> None:
    found = equinorm.hunt(target="mine:small", grid="odd")
    assert found.found
    assert found.left_out
    assert all(shape[3] == 5 for shape in found.left_out)
    with pytest.raises(SpecificationError, match="three channels, please"):
        equinorm.hunt(target="mine:three_channels")
    assert not equinorm.hunt(target="mine:three_channels", channels=3, max_examples=30).found


def test_arrays_on_which_a_target_is_not_defined_are_passed_over(folder: Path) -> None:
    assert not equinorm.hunt(target="mine:undefined_at_zero", grid="3x3", max_examples=60).found
    with pytest.raises(SpecificationError, match="finite values"):
        equinorm.hunt(target="mine:gone_wrong")


def test_a_call_that_does_not_return_ends_the_hunt(folder: Path) -> None:
    with pytest.raises(SpecificationError, match="an answer within 1 s"):
        equinorm.hunt(target="mine:moody", grid="3x3", timeout=1.0)
