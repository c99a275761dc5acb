"""A failure names the layer, the action, three metrics and the bound, and an example that can be run again as it is."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from equinorm.testing import NotEquivariant, assert_equivariant
from numerics.bounds import Judgement
from numerics.equivariance import Motion, both_sides, measure_equivariance
from numerics.layers import normalize
from theory.spec.actions import ActionKind
from theory.spec.catalogue import CATALOGUE


def failure(layer: Any, **options: Any) -> NotEquivariant:
    with pytest.raises(NotEquivariant) as caught:
        assert_equivariant(layer, **options)
    return caught.value


def channel_norm(x: Any) -> Any:
    return normalize(CATALOGUE["LayerNorm-C"].layer, x)


def test_a_failure_says_all() -> None:
    found = failure(channel_norm, shape=(2, 4, 6, 5))
    lines = str(found).splitlines()
    assert lines[0].endswith("test_testing_message.channel_norm is not equivariant under translations")
    assert lines[1] == (
        "  action: translation, per-sample (each sample by its own displacement); along axes (-2, -1) of (2, 4, 6, 5); "
        "Nyquist policy symmetric (N/2 of an even axis times cos(pi t)); domain all"
    )
    assert lines[2] == "  layer: float64 by numpy"
    number = r"[0-9.e+-]+"
    shown = re.fullmatch(
        f"  measured: relative L2 ({number}), relative maximum ({number}), 1 - cosine ({number}); "
        rf"rounding explains a relative L2 of ({number}) \(unit 1.1e-16\)",
        lines[3],
    )
    assert shown is not None
    worst = found.measurement.worst
    errors = found.measurement
    for text, values in zip(
        shown.groups(), (errors.relative_l2, errors.relative_maximum, errors.cosine, errors.bound), strict=True
    ):
        assert float(text) == pytest.approx(values[worst], rel=0.05)
    assert re.fullmatch(rf"    on noise, seed 0, sample {worst} moved by \([0-9.]+, [0-9.]+\)", lines[4])
    assert lines[5] == "  minimal example:"
    assert len(lines) == 9


def test_the_example_is_small_and_is_one() -> None:
    found = failure(channel_norm, shape=(2, 4, 6, 5))
    example = found.example
    assert np.count_nonzero(example.x) == 1
    assert np.count_nonzero(example.displacements) == 1
    motion = Motion(ActionKind.TRANSLATION)
    shown = measure_equivariance(channel_norm, example.x, example.displacements, motion)
    assert shown.judgement is Judgement.ABOVE
    again = failure(channel_norm, shape=(2, 4, 6, 5), displacements=example.displacements)
    assert np.array_equal(again.example.x, example.x)


def test_the_example_is_printed_as_it_is() -> None:
    found = failure(channel_norm, shape=(2, 4, 6, 5))
    lines = [line.strip() for line in str(found).splitlines()[-3:]]
    place = tuple(np.argwhere(found.example.x)[0].tolist())
    assert lines[0] == f"x = 0 but x[{', '.join(map(str, place))}] = {found.example.x[place]:g}"
    sample, axis = np.argwhere(found.example.displacements)[0].tolist()
    row = ["0", "0"]
    row[axis] = {0.5: "1/2", 1.0: "1"}[found.example.displacements[sample, axis]]
    assert lines[1] == f"moved: sample {sample} by ({', '.join(row)}), no other"
    told = re.fullmatch(r"at (\(.*\)): layer\(moved x\) = (.*), moved layer\(x\) = (.*)", lines[2])
    assert told is not None
    entry = tuple(map(int, told[1].strip("()").split(",")))
    sides = both_sides(channel_norm, found.example.x, found.example.displacements, Motion(ActionKind.TRANSLATION))
    assert float(told[2]) == pytest.approx(sides.moved_then_layer[entry], rel=1e-5, abs=1e-12)
    assert float(told[3]) == pytest.approx(sides.layer_then_moved[entry], rel=1e-5, abs=1e-12)
    assert abs(float(told[2]) - float(told[3])) > 1e-3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scope": "common"}, "common (all samples alike)"),
        ({"scope": "common"}, "moved: all samples by ("),
        ({"shape": (1, 3, 5, 5)}, "moved: all samples by ("),
        ({"action": "shift"}, "is not equivariant under shifts"),
        ({"action": "shift"}, "action: shift, per-sample"),
        ({"axes": (-2,)}, "along axes (-2,)"),
        ({"axes": (-2,)}, "moved: sample 0 by (1,), no other"),
        ({"nyquist": "one-sided"}, "Nyquist policy one-sided (N/2 of an even axis as in the published experiment)"),
        ({"nyquist": "project"}, "Nyquist policy project (arrays without N/2 of an even axis); domain nyquist-free"),
        ({"domain": 1}, "domain: band 1 along these axes"),
        ({"domain": 1}, ", projected onto the domain 1"),
        ({"nyquist": "project", "shape": (2, 3, 6, 6)}, ", projected onto the domain nyquist-free"),
        ({"tolerance": 0.001}, "the tolerance is 0.001"),
        ({"seed": 5}, "on noise, seed 5"),
        ({"dtype": "float32"}, "layer: float32 by numpy"),
    ],
)
def test_what_was_asked_is_said(options: dict[str, Any], said: str) -> None:
    def graded(x: Any) -> Any:
        return x * np.arange(1, x.shape[2] + 1, dtype=x.dtype)[:, None]

    assert said in str(failure(graded, **{"shape": (2, 3, 5, 6), **options}))


def test_shifts_have_no_nyquist_policy() -> None:
    found = failure(lambda x: x * np.arange(6), shape=(2, 3, 5, 6), action="shift")
    assert "Nyquist" not in str(found)


def test_a_bias_needs_no_entry() -> None:
    found = failure(lambda x: x + np.arange(6), shape=(2, 3, 5, 6))
    assert "x = 0 everywhere" in str(found)
    assert not found.example.x.any()


def test_many_entries_are_counted() -> None:
    """A layer that violates only while at least ten entries are large."""

    def layer(x: Any) -> Any:
        return x * (1 + (np.count_nonzero(np.abs(x) > 0.5) >= 10) * np.arange(6))

    assert "10 entries that are not 0 (the attribute `example` of this error): x[" in str(
        failure(layer, shape=(1, 3, 5, 6), action="shift")
    )


def test_values_that_are_close_are_told_apart() -> None:
    found = failure(lambda x: x + 1 + 1e-8 * np.arange(6), shape=(1, 1, 1, 6), action="shift")
    told = re.search(r"layer\(moved x\) = (.*), moved layer\(x\) = (.*)", str(found))
    assert told is not None
    assert told[1] != told[2]
    assert float(told[1]) == pytest.approx(1, abs=1e-6)


def test_a_long_name_is_cut() -> None:
    def layer(x: Any) -> Any:
        return np.abs(x)

    layer.__qualname__ = "layer" * 100
    assert len(str(failure(layer)).splitlines()[0]) < 200
