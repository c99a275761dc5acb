"""The command ``equinorm measure --backend numba``: the summary of NumPy, within rounding."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import equinorm
from equinorm.experiment.summary import METRICS
from equinorm.inputs.images import bundled_pictures
from tests.command import run_command

pytest.importorskip("numba", reason="Numba, of the extra 'numba', is not installed")

PICTURES = [str(picture.path) for picture in bundled_pictures()[:2]]


def test_the_compiled_passes_give_the_same_summary(tmp_path: Path) -> None:
    done = run_command(
        "measure",
        *("--images", *PICTURES, "--crop", "32", "--backend", "numba", "--out", str(tmp_path / "out"), "--json"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["device"].startswith("numba ")
    measured = equinorm.measure(PICTURES, crop=32)
    groups, rows = measured.summary(), measured.table.to_pylist()
    assert len(groups) == len(found["summary"]) > 0
    eps = np.finfo(measured.facts["options"]["dtype"]).eps
    for group, other in zip(groups, found["summary"], strict=True):
        assert {name: other[name] for name in group.key} == group.key
        bounds = [row["rounding_bound"] for row in rows if all(row[name] == word for name, word in group.key.items())]
        assert other["rows"] == len(bounds)
        bound = np.mean(bounds)
        allowed = {"cosine_error": bound + 8 * eps, "relative_l2": bound, "relative_maximum": 2 * bound}
        for name in METRICS:
            mean, expected = other[name]["mean"], group.metrics[name].mean
            assert expected is not None
            assert abs(mean - expected) <= allowed[name], (group.key, name)
    assert [group["relative_l2"] for group in found["summary"]] != [
        {"mean": group.metrics["relative_l2"].mean, "standard_error": group.metrics["relative_l2"].standard_error}
        for group in groups
    ], "the compiled passes round otherwise: these are NumPy's"
