"""The experiment on arrays against its definition, piece by piece and draw by draw."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

import equinorm
from numerics.arrays import to_numpy
from numerics.bounds import Judgement, judge, rounding_bound, transform_growth
from numerics.experiment.draws import Source, stream
from numerics.experiment.maps import MapResult, measure_map
from numerics.experiment.passes import ArrayPasses
from numerics.experiment.study import Measurement
from numerics.experiment.variants import Initialization, Mode, bodies, variants
from numerics.layers import normalize
from numerics.metrics import compare
from numerics.translations import move, remove_nyquist
from tests.numerics.conftest import Library
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.errors import SpecificationError

SOURCE = Source(7, "layer1.0.bn1", batch=2, first=32)
SHAPES = [(3, 5, 6, 8), (2, 4, 5, 7), (1, 3, 4, 5), (2, 1, 1, 6)]


def maps_of(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    return (1 + np.random.default_rng(3).standard_normal(shape)).astype(dtype)


def by_definition(x: np.ndarray, policy: NyquistPolicy) -> Iterator[tuple[Measurement, tuple[np.ndarray, ...]]]:
    """Each measurement beside errors and bound computed from whole arrays, with the layer as it stands."""
    found = measure_map(x, SOURCE, policy, share=False)
    if policy is NyquistPolicy.PROJECT:
        x, _ = remove_nyquist(x)
    for measurement in found.measurements:
        body, kind = measurement.variant.body, measurement.transformation
        drawn = measurement.variant.initialization is Initialization.DRAWN
        gain, bias = SOURCE.affine(body.name, body.layer, x) if drawn else (None, None)
        displacements = SOURCE.displacements(kind, x.shape[0], x.shape[2:])
        y = normalize(body.layer, x, gain, bias)
        expected = move(kind, y, displacements, policy=policy)
        errors = compare(normalize(body.layer, move(kind, x, displacements, policy=policy), gain, bias), expected)
        bound = rounding_bound(body.layer, x, y, expected, transform_growth(kind, x.shape[2:]), gain, bias)
        yield measurement, (displacements, errors.relative_l2, errors.relative_maximum, errors.cosine, bound)


@pytest.mark.parametrize("policy", NyquistPolicy)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_row_is_what_the_definition_gives(shape: tuple[int, ...], dtype: str, policy: NyquistPolicy) -> None:
    seen = 0
    for measurement, (displacements, l2, maximum, cosine, bound) in by_definition(maps_of(shape, dtype), policy):
        np.testing.assert_array_equal(measurement.displacements, displacements)
        np.testing.assert_array_equal(measurement.relative_l2, l2)
        np.testing.assert_array_equal(measurement.relative_maximum, maximum)
        np.testing.assert_array_equal(measurement.cosine, cosine)
        # Sums of squares of the moved array and of the array itself may round differently.
        np.testing.assert_allclose(measurement.bound, bound, rtol=64 * np.finfo(dtype).eps)
        seen += 1
    assert seen == len(variants()) * len(ActionKind)


@pytest.mark.parametrize("policy", NyquistPolicy)
@pytest.mark.parametrize("shape", [*SHAPES, (4, 16, 14, 14), (2, 3, 7, 7)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mean", [0.0, 30.0])
def test_sharing_changes_results_by_rounding_alone(
    shape: tuple[int, ...], dtype: str, mean: float, policy: NyquistPolicy
) -> None:
    x = (maps_of(shape) + mean).astype(dtype)
    alone = measure_map(x, SOURCE, policy, share=False).measurements
    for one, other in zip(measure_map(x, SOURCE, policy).measurements, alone, strict=True):
        assert (one.variant, one.transformation) == (other.variant, other.transformation)
        np.testing.assert_array_equal(one.displacements, other.displacements)
        np.testing.assert_allclose(one.bound, other.bound, rtol=(1 + mean**2) * 64 * np.finfo(dtype).eps)
        assert np.all(np.abs(one.relative_l2 - other.relative_l2) <= other.bound)
        assert np.all(np.abs(one.relative_maximum - other.relative_maximum) <= 2 * other.bound)
        # A cosine loses the square of a small error, but is itself computed with some rounding.
        assert np.all(np.abs(one.cosine - other.cosine) <= other.bound + 8 * np.finfo(dtype).eps)


def flat(result: MapResult) -> list[np.ndarray]:
    fields = ("displacements", "relative_l2", "relative_maximum", "cosine", "bound")
    return [getattr(measurement, name) for measurement in result.measurements for name in fields]


def test_neither_pieces_nor_threads_change_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    x = maps_of((5, 8, 12, 12), "float32")
    whole = flat(measure_map(x, SOURCE, NyquistPolicy.ONE_SIDED))
    monkeypatch.setattr(ArrayPasses, "piece_bytes", 2 * x[0].nbytes)
    for workers in (1, 2):
        for before, after in zip(whole, flat(measure_map(x, SOURCE, NyquistPolicy.ONE_SIDED, workers)), strict=True):
            np.testing.assert_array_equal(before, after)


def test_the_layers_are_those_of_the_published_experiment() -> None:
    found = [(v.body.name, v.body.mode.value, v.initialization.value) for v in variants()]
    affine = [
        ("BatchNorm", "training"),
        ("BatchNorm", "evaluation"),
        ("LayerNorm-CHW", "both"),
        ("LayerNorm-C", "both"),
        ("LayerNorm-AF", "both"),
    ]
    published = {(*body, start) for body in affine for start in ("default", "drawn")}
    assert len(found) == len(set(found))
    assert set(found) == published | {("InstanceNorm", "both", "absent")}
    small = {body.name for body in bodies() if body.layer.eps == Fraction(1, 10**6)}
    assert small == {"LayerNorm-C", "LayerNorm-AF"}


def test_only_training_mode_couples_the_samples() -> None:
    x = maps_of((3, 4, 6, 6))
    other = x.copy()
    other[2] *= 2
    for before, after in zip(
        measure_map(x, SOURCE, NyquistPolicy.ONE_SIDED).measurements,
        measure_map(other, SOURCE, NyquistPolicy.ONE_SIDED).measurements,
        strict=True,
    ):
        coupled = before.variant.body.mode is Mode.TRAINING
        if before.transformation is ActionKind.TRANSLATION:
            assert np.array_equal(before.relative_l2[:2], after.relative_l2[:2]) is not coupled


@pytest.mark.parametrize(("grid", "policy"), [("7x9", "symmetric"), ("6x8", "symmetric"), ("6x8", "project")])
def test_measured_errors_agree_with_what_is_decided(grid: str, policy: str) -> None:
    height, width = map(int, grid.split("x"))
    found = measure_map(maps_of((4, 5, height, width)), SOURCE, NyquistPolicy(policy))
    checked = 0
    for measurement in found.measurements:
        if measurement.variant.initialization is Initialization.DEFAULT:
            continue  # a verdict speaks of every gain and bias; 1 and 0 may hide a violation
        body = measurement.variant.body
        verdict = equinorm.decide(
            body.name,
            action=measurement.transformation.value,
            scope="per-sample",
            grid=grid,
            nyquist=policy,
            statistics=body.layer.statistics.value,
        ).verdict
        worst = max(map(judge, measurement.relative_l2, measurement.bound), key=lambda j: j is Judgement.ABOVE)
        assert worst is (Judgement.WITHIN if verdict == "equivariant" else Judgement.ABOVE), measurement.variant
        checked += 1
    assert checked == 2 * 6


def test_the_energy_that_project_removes_is_reported() -> None:
    x = maps_of((3, 4, 6, 5))
    clean, _ = remove_nyquist(x)
    removed = measure_map(x, SOURCE, NyquistPolicy.PROJECT).nyquist_energy
    assert removed is not None
    expected = ((x - clean) ** 2).sum(axis=(1, 2, 3)) / (x**2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(removed, expected, rtol=64 * np.finfo(float).eps)
    odd = measure_map(x[:, :, :5], SOURCE, NyquistPolicy.PROJECT).nyquist_energy
    assert odd is not None
    assert not odd.any()
    assert measure_map(x, SOURCE, NyquistPolicy.SYMMETRIC).nyquist_energy is None


def test_a_map_without_energy_has_no_errors_and_loses_none() -> None:
    found = measure_map(np.zeros((2, 3, 4, 4)), SOURCE, NyquistPolicy.PROJECT)
    assert found.nyquist_energy is not None
    assert not found.nyquist_energy.any()
    for measurement in found.measurements:
        if measurement.variant.initialization is not Initialization.DRAWN:
            assert not measurement.relative_l2.any()


def test_other_array_libraries_agree_within_rounding(xp: Library) -> None:
    x = maps_of((2, 4, 6, 5))
    reference = measure_map(x, SOURCE, NyquistPolicy.ONE_SIDED)
    found = measure_map(xp.asarray(x), SOURCE, NyquistPolicy.ONE_SIDED)
    for one, other in zip(reference.measurements, found.measurements, strict=True):
        np.testing.assert_array_equal(one.displacements, other.displacements)
        assert np.all(np.abs(one.relative_l2 - other.relative_l2) <= one.bound + other.bound)
        np.testing.assert_allclose(other.bound, one.bound, rtol=1e-9)  # rounding of sizes, not of errors


def test_a_draw_depends_on_its_name_only() -> None:
    one = Source(0, "bn1", batch=0, first=0).displacements(ActionKind.TRANSLATION, 5, (8, 6))
    rest = Source(0, "bn1", batch=1, first=3).displacements(ActionKind.TRANSLATION, 2, (8, 6))
    np.testing.assert_array_equal(one[3:], rest)
    others = [
        Source(1, "bn1").displacements(ActionKind.TRANSLATION, 5, (8, 6)),
        Source(0, "layer1.0.bn1").displacements(ActionKind.TRANSLATION, 5, (8, 6)),
        Source(0, "bn1").displacements(ActionKind.SHIFT, 5, (8, 6)),
    ]
    assert all(not np.any(one == other) for other in others)
    assert not np.any(one[0] == one[1:])


def test_the_same_layer_is_drawn_in_every_dtype_and_mode(xp: Library) -> None:
    layers = {body.mode: body for body in bodies() if body.name == "BatchNorm"}
    gains = [
        to_numpy(SOURCE.affine(body.name, body.layer, xp.asarray(maps_of((2, 3, 4, 4), dtype)))[0])
        for body in layers.values()
        for dtype in ("float32", "float64")
    ]
    assert len(gains) == 4
    for gain in gains:
        np.testing.assert_array_equal(gain.astype("float32"), gains[0].astype("float32"))


def test_affine_draws_are_standard_normal() -> None:
    body = next(body for body in bodies() if body.name == "LayerNorm-CHW")
    drawn = np.concatenate(SOURCE.affine(body.name, body.layer, np.zeros((1, 64, 32, 32))))
    size = drawn.size
    assert abs(drawn.mean()) < 5 / np.sqrt(size)
    assert abs((drawn**2).mean() - 1) < 5 * np.sqrt(2 / size)


def test_streams_of_different_names_differ() -> None:
    names = [("a", 1), ("a", 2), ("b", 1), ("a1",), ()]
    assert len({stream(0, *name).random() for name in names}) == len(names)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_maps_that_are_not_finite_are_refused(bad: float) -> None:
    x = maps_of((2, 3, 4, 4))
    x[1, 2, 3, 0] = bad
    with pytest.raises(SpecificationError, match=r"map=layer1\.0\.bn1: expected finite"):
        measure_map(x, SOURCE, NyquistPolicy.ONE_SIDED)


def test_arrays_of_another_rank_and_negative_seeds_are_refused() -> None:
    with pytest.raises(SpecificationError, match="maps \\(B, C, H, W\\)"):
        measure_map(np.zeros((3, 4, 4)), SOURCE, NyquistPolicy.ONE_SIDED)
    with pytest.raises(SpecificationError, match="seed=-1"):
        Source(-1, "bn1")
