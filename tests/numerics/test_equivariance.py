"""The bound for functions of which nothing is known: it covers rounding, and violations exceed it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equinorm.strategies import normalizations
from numerics.bounds import Judgement
from numerics.equivariance import Measurement, Motion, both_sides, measure_equivariance
from numerics.layers import normalize
from numerics.rounding import Layer, probe_rounding, significant_bits
from numerics.translations import draw_displacements
from theory.spec.actions import ActionKind
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import SpecificationError
from theory.spec.layers import Normalization

SHAPE = (2, 4, 9, 7)


def random_map(seed: int, dtype: Any = np.float64, mean: float = 0.0) -> np.ndarray[Any, Any]:
    return (np.random.Generator(np.random.PCG64(seed)).standard_normal(SHAPE) + mean).astype(dtype)


def measured(layer: Layer, x: np.ndarray[Any, Any], kind: ActionKind, seed: int = 1) -> Measurement:
    rng = np.random.Generator(np.random.PCG64(seed))
    return measure_equivariance(layer, x, draw_displacements(kind, len(x), x.shape[-2:], rng), Motion(kind))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean", [0.0, 100.0])
@pytest.mark.parametrize("name", ["InstanceNorm", "LayerNorm-AF", "BatchNorm"])
def test_rounding_stays_below_the_bound(name: str, mean: float, dtype: Any) -> None:
    def layer(x: Any) -> Any:
        return normalize(CATALOGUE[name].layer, x)

    shown = measured(layer, random_map(0, dtype, mean), ActionKind.TRANSLATION)
    assert shown.judgement is not Judgement.ABOVE
    assert shown.unit == np.finfo(dtype).eps / 2
    assert shown.bound.max() < (1e-2 if dtype is np.float32 else 1e-9)


@given(normalizations(), st.integers(0, 100))
def test_no_layer_exceeds_the_bound_under_no_displacement(layer: Normalization, seed: int) -> None:
    """Equivariance under a whole turn holds for all, so all that is left is rounding."""
    x = random_map(seed)
    turn = np.asarray([SHAPE[-2:]], dtype=np.float64)
    shown = measure_equivariance(lambda x: normalize(layer, x), x, turn, Motion(ActionKind.TRANSLATION))
    assert shown.judgement is not Judgement.ABOVE


def test_a_violation_exceeds_the_bound() -> None:
    shown = measured(lambda x: normalize(CATALOGUE["LayerNorm-C"].layer, x), random_map(0), ActionKind.TRANSLATION)
    assert shown.judgement is Judgement.ABOVE
    assert shown.relative_l2[shown.worst] > 1e-3


@pytest.mark.parametrize("kind", ActionKind)
def test_a_coarser_grid_moves_by_its_own_samples(kind: ActionKind) -> None:
    x = random_map(0)[..., :8, :6]
    moved = np.asarray([[2.0, 4.0], [6.0, 2.0]])
    sides = both_sides(lambda x: x[..., ::2, ::2], x, moved, Motion(kind))
    assert sides.y.shape == (2, 4, 4, 3)
    assert float(sides.errors().relative_l2.max()) < 1e-14


@pytest.mark.parametrize("kind", ActionKind)
def test_an_axis_of_one_sample_does_not_move(kind: ActionKind) -> None:
    x = random_map(0)
    sides = both_sides(lambda x: x.mean(axis=(2, 3), keepdims=True), x, np.asarray([[2.0, 3.0]]), Motion(kind))
    assert float(sides.errors().relative_l2.max()) < 1e-14


def test_an_output_without_samples_is_refused() -> None:
    with pytest.raises(SpecificationError, match="samples first"):
        both_sides(lambda x: x[0], random_map(0), np.asarray([[1.0, 1.0]]), Motion(ActionKind.SHIFT))


@pytest.mark.parametrize(
    ("inner", "unit"),
    [
        (lambda x: (x / 3).astype(np.float32).astype(np.float64), 2.0**-24),
        (lambda x: (x / 3).astype(np.float16).astype(np.float64), 2.0**-11),
        (lambda x: x / 3, 2.0**-53),
        (lambda x: np.round(x), 2.0**-53),
        (lambda x: np.sign(x), 2.0**-53),
        (lambda x: np.zeros_like(x), 2.0**-53),
        (lambda x: 1e4 + x, 2.0**-53),
        (lambda x: np.maximum(x, 0), 2.0**-53),
    ],
)
def test_the_precision_inside_is_seen(inner: Layer, unit: float) -> None:
    for seed in range(20):
        x = random_map(seed)
        assert probe_rounding(inner, x, inner(x)).unit == unit


@pytest.mark.parametrize(
    "inner",
    [
        lambda x: x.astype(np.float32).astype(np.float64) / 3,
        lambda x: x / np.sqrt((x.astype(np.float32) ** 2).mean(axis=(1, 2, 3), keepdims=True).astype(np.float64)),
        lambda x: x - x.mean(axis=1, keepdims=True).astype(np.float32).astype(np.float64),
    ],
)
def test_rounding_to_float32_on_the_way_is_seen(inner: Layer) -> None:
    for seed in range(20):
        x = random_map(seed)
        assert 2.0**-29 < probe_rounding(inner, x, inner(x)).unit < 2.0**-22


def test_significands() -> None:
    assert significant_bits(np.zeros(3)) == 0
    assert significant_bits(np.asarray([np.nan, 1.0])) == 1
    assert significant_bits(np.asarray([1 + 2.0**-52])) == 53


def test_a_known_precision_is_not_undercut() -> None:
    """An impulse leaves too few values to show the precision; the caller may know it from another array."""
    x = np.zeros(SHAPE)
    x[0, 0, 0, 0] = 1.0

    def layer(x: Any) -> Any:
        return normalize(CATALOGUE["InstanceNorm"].layer, x.astype(np.float32)).astype(np.float64)

    moved = np.asarray([[0.5, 0.25]])
    shown = measure_equivariance(layer, x, moved, Motion(ActionKind.TRANSLATION), least=2.0**-24)
    assert shown.unit == 2.0**-24
    assert shown.judgement is Judgement.WITHIN


@pytest.mark.parametrize("mean", [0.0, 1000.0])
def test_one_call_is_enough_where_the_precision_is_known(mean: float) -> None:
    layer = CATALOGUE["InstanceNorm"].layer
    calls = []

    def counted(x: Any) -> Any:
        calls.append(x)
        return normalize(layer, x)

    x = random_map(3, mean=mean)
    known = probe_rounding(counted, x, normalize(layer, x), full_precision=True)
    assert len(calls) == 1
    asked = probe_rounding(counted, x, normalize(layer, x))
    assert known.unit == asked.unit == 2.0**-53
    assert np.all((known.kappa <= asked.kappa) & (asked.kappa < 2 * known.kappa))
    assert np.all(known.kappa > max(0.1, mean / 2))
