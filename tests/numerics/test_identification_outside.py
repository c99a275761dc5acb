"""Layers outside of the language: what is said of those that can be told, and that the others get no false name.

Every function here is plain: it takes an array and returns one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import normalizations
from numerics.identification.findings import Identification
from numerics.identification.identify import identify_function
from numerics.layers import normalize
from tests.numerics.test_identification import plain
from theory.spec.layers import Normalization, parse_layer
from theory.spec.syntax import parse

SHAPE = (3, 4, 5, 7)
RNG = np.random.default_rng(11)
GAIN, BIAS = RNG.uniform(0.5, 2, (1, 4, 1, 1)), RNG.uniform(-0.5, 0.5, (1, 4, 1, 1))
MIX = RNG.uniform(0.1, 1, (4, 4))
HW, CHW, BHW = (2, 3), (1, 2, 3), (0, 2, 3)

Array = np.ndarray[Any, Any]
Function = Callable[[Array], Array]


def mean(x: Array, axes: Any) -> Array:
    return x.mean(axis=axes, keepdims=True)


def var(x: Array, axes: Any, ddof: int = 0) -> Array:
    return x.var(axis=axes, keepdims=True, ddof=ddof)


def layer_norm(x: Array, axes: Any = 1) -> Array:
    return (x - mean(x, axes)) / np.sqrt(var(x, axes) + 1e-5)


def sigmoid(x: Array) -> Array:
    return 0.5 + np.tanh(x / 2) / 2


def parts(found: Identification) -> dict[str, str]:
    return {each.part: each.value for each in found.findings}


def identified(function: Function, seed: int = 0) -> Identification:
    found = identify_function(function, SHAPE, seed)
    assert found.identified, found.misfit
    assert found.formula is not None
    x = 3 * np.random.default_rng(99).standard_normal(SHAPE)
    assert np.allclose(found.formula(x), function(x), rtol=1e-9, atol=1e-11)
    return found


def test_rms_norm_over_the_wrong_axis() -> None:
    def rms_norm_over_channels(x: Array) -> Array:
        return x / np.sqrt(mean(x * x, -1) + 1e-6)

    found = identified(rms_norm_over_channels)
    assert found.formula is not None
    assert found.formula.layer == parse_layer("norm[scale=W, eps=1/1000000]")


def test_layer_norm_named_instance_norm() -> None:
    class InstanceNorm2d:
        def forward(self, x: Array) -> Array:
            return layer_norm(x) * GAIN

    found = identified(InstanceNorm2d().forward)
    assert found.formula is not None
    assert found.formula.layer == parse_layer("norm[center=C, scale=C, affine=C]")


@pytest.mark.parametrize(
    ("function", "term"),
    [
        # The variance where a mean square was meant: nothing is centered but the statistic.
        (lambda x: x / np.sqrt(var(x, 1) + 1e-5) * GAIN, "x*rsqrt(mean((x - mean(x, C))^2, C) + eps)*par(C) + par(C)"),
        (
            lambda x: (x - mean(x, 1)) / np.sqrt(var(x, CHW) + 1e-5),
            "(x - mean(x, C))*rsqrt(mean((x - mean(x, CHW))^2, CHW) + eps)",
        ),
        (
            lambda x: (x - mean(x, 1)) / np.sqrt(mean(x * x, CHW) + 1e-5),
            "(x - mean(x, C))*rsqrt(mean(x^2, CHW) + eps)",
        ),
        # Epsilon outside of the root.
        (lambda x: x / (np.sqrt(mean(x * x, 1)) + 1e-6), "x*rsqrt(mean(x^2, C)*rsqrt(mean(x^2, C)) + eps)^2"),
        # A fourth power, and the whole power of a root.
        (
            lambda x: x / (mean(x**4, HW) + 0.01) ** 0.25,
            "x*rsqrt((mean(x^4, HW) + eps)*rsqrt(mean(x^4, HW) + eps))",
        ),
        (lambda x: x / (mean(x**2, HW) + 0.01), "x*rsqrt(mean(x^2, HW) + eps)^2"),
    ],
)
def test_what_a_term_says(function: Function, term: str) -> None:
    found = identified(function)
    assert found.formula is not None
    assert found.formula.layer is None
    assert found.formula.term == parse(term)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x / (np.sqrt(mean(x * x, 1)) + 1e-6), {"place of epsilon": "outside the root", "epsilon": "1e-06"}),
        (
            lambda x: x / np.maximum(np.sqrt(mean(x * x, 1)), 0.5),
            {"place of epsilon": "as the least value"},
        ),
        (
            lambda x: x / np.maximum(np.sqrt((x * x).sum(1, keepdims=True)), 1e-6),
            {"factor": "the sum of squares"},
        ),
        (lambda x: layer_norm(x, HW) * np.sqrt(34 / 35), {"factor": "a variance with the divisor N - 1 = 34"}),
        (
            lambda x: (x - mean(x, 1)) / (mean(abs(x - mean(x, 1)), 1) + 1e-5),
            {"statistic": "mean absolute value"},
        ),
        (lambda x: (x - mean(x, BHW)) / (np.ptp(x, BHW, keepdims=True) + 1e-5), {"statistic": "range", "scale": "BHW"}),
        (
            lambda x: x / (abs(x).max(CHW, keepdims=True) + 1e-5),
            {"statistic": "largest absolute", "scale": "CHW"},
        ),
        (lambda x: x / (1 + mean(x * x, 1)) ** 0.75, {"power": "1.5", "scale": "C"}),
        (lambda x: x / np.sqrt(mean(x * x, 1)), {"epsilon": "0", "scale": "C"}),
        (lambda x: GAIN * np.tanh(0.7 * x) + BIAS, {"scale": "absent", "follows": "tanh of x / 1.42857"}),
        (lambda x: np.clip(x, -2, 2), {"scale": "absent", "follows": "clipping of x / 2"}),
        (lambda x: np.maximum(x, 0), {"scale": "absent", "follows": "a threshold from below at 0"}),
        (lambda x: np.maximum(layer_norm(x), 0), {"scale": "C", "follows": "a threshold from below at 0"}),
        (
            lambda x: np.maximum(GAIN * x / np.sqrt(mean(x * x, HW) + 1e-6) + BIAS, 0.1 * GAIN),
            {"scale": "HW", "center": "absent", "affine": "C", "follows": "a threshold from below at 0."},
        ),
        (lambda x: np.clip(layer_norm(x), 0, 1.2), {"follows": "a threshold from below at 0, then a ceiling at 1.2"}),
        (lambda x: np.tanh(layer_norm(x, CHW) * GAIN + BIAS), {"scale": "CHW", "affine": "C", "follows": "tanh"}),
        (lambda x: sigmoid(layer_norm(x, CHW)), {"center": "CHW", "scale": "CHW", "follows": "sigmoid"}),
    ],
)
def test_what_words_say(function: Function, expected: dict[str, str]) -> None:
    found = parts(identified(function))
    assert {part: found[part].startswith(value) for part, value in expected.items()} == dict.fromkeys(expected, True)


def window(x: Array, axis: int) -> Array:
    return sum((np.roll(x, step, axis) for step in (-1, 0, 1)), np.zeros_like(x))


def groups(x: Array) -> Array:
    grouped = x.reshape(3, 2, 2, 5, 7)
    return layer_norm(grouped, (2, 3, 4)).reshape(x.shape)


def softmax(x: Array) -> Array:
    power = np.exp(x - x.max(1, keepdims=True))
    return power / power.sum(1, keepdims=True)


def response(x: Array) -> Array:
    size = np.sqrt((x * x).sum(HW, keepdims=True))
    return x + GAIN * x * size / (mean(size, 1) + 1e-6) + BIAS


def switchable(x: Array) -> Array:
    mixed = 0.3 * mean(x, 1) + 0.7 * mean(x, HW)
    return (x - mixed) / np.sqrt(0.4 * var(x, 1) + 0.6 * var(x, HW) + 1e-5)


OUTSIDE: dict[str, Function] = {
    "LRN": lambda x: x / (1 + 0.1 * window(x * x, 1)) ** 0.75,
    "GDN": lambda x: x / np.sqrt(1 + np.einsum("ij,bjhw->bihw", MIX, x * x)),
    "softmax": softmax,
    "windowed scale": lambda x: x / np.sqrt(window(x * x, 3) / 3 + 1e-5),
    "windowed centering": lambda x: x - window(x, 2) / 3,
    "EvoNorm-S0": lambda x: x * sigmoid(x) / np.sqrt(var(x, CHW) + 1e-5),
    "EvoNorm-B0": lambda x: x / np.maximum(np.sqrt(var(x, BHW) + 1e-5), 0.5 * x + np.sqrt(var(x, HW) + 1e-5)),
    "GroupNorm with 2 groups": groups,
    "Switchable Norm": switchable,
    "Batch-Instance Norm": lambda x: 0.3 * layer_norm(x, BHW) + 0.7 * layer_norm(x, HW),
    "GRN": response,
    "median": lambda x: x - np.median(x, axis=1, keepdims=True),
    "whitening of weights": lambda x: np.einsum("ij,bjhw->bihw", MIX, x),
    "silu": lambda x: x * sigmoid(x),
    "square": lambda x: x * x,
    "cube": lambda x: x**3,
    "sine": np.sin,
    "LayerNorm, then silu": lambda x: layer_norm(x) * sigmoid(layer_norm(x)),
    "two norms": lambda x: layer_norm(layer_norm(x, HW) * GAIN + BIAS, 1),
    "norm beside x": lambda x: x + layer_norm(x),
    "half and half": lambda x: np.concatenate([layer_norm(x[:, :2], HW), layer_norm(x[:, 2:], BHW)], axis=1),
    "flipped": lambda x: layer_norm(x)[..., ::-1],
    "rounded": lambda x: np.round(layer_norm(x), 2),
}


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_others_get_no_false_name(name: str) -> None:
    found = identify_function(OUTSIDE[name], SHAPE)
    assert not found.identified
    assert found.formula is None
    assert found.misfit
    assert parts(found)["reach"]


def test_groups_and_windows_show_in_the_reach() -> None:
    assert "1 of 3 others along C (groups or a window)" in parts(identify_function(groups, SHAPE))["reach"]
    found = parts(identify_function(OUTSIDE["windowed scale"], SHAPE))["reach"]
    assert "2 of 6 others along W (groups or a window)" in found
    assert "0 of 4 others along H" in found


def test_what_depends_on_its_neighbors_at_some_arrays_only_shows_in_the_reach() -> None:
    """A maximum over a window is that of a neighbor for some entries only, and then only when it grows or falls."""

    def maximum(x: Array) -> Array:
        return np.max([np.roll(x, (i, j), HW) for i in (0, 1) for j in (0, 1)], axis=0)

    for seed in range(2):
        found = parts(identify_function(maximum, SHAPE, seed))["reach"]
        assert "0 of 2 others along B, 0 of 3 others along C" in found
        assert "1 of 4 others along H (groups or a window)" in found
        assert "1 of 6 others along W (groups or a window)" in found


@pytest.mark.parametrize("spelling", ["norm[center=C, scale=CHW, affine=C]", "norm[scale=HW]"])
def test_a_slight_change_of_a_layer_is_no_layer(spelling: str) -> None:
    """The prediction must hold within rounding: one part in a million of something else is seen."""
    layer = parse_layer(spelling)
    gain = None if layer.affine is None else GAIN

    def function(x: Array) -> Array:
        return normalize(layer, x, gain) * (1 + 1e-6 * np.cos(x))

    assert not identify_function(function, SHAPE).identified


def above_3(x: Array) -> Array:
    """The identity, but for one entry where it is large."""
    y = x.copy()
    if x[0, 0, 0, 0] > 3:
        y[0, 0, 0, 0] = 0
    return y


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "function",
    [above_3, lambda x: np.where(np.abs(x) > 1e3, x + 1, x), lambda x: np.maximum(layer_norm(x), 0) + (x > 1e8)],
)
def test_what_happens_at_large_arrays_only_is_not_overlooked(function: Function, seed: int) -> None:
    found = identify_function(function, SHAPE, seed)
    assert not found.identified
    assert found.misfit is not None
    assert "large arrays do not fit" in found.misfit or "at large arrays" in found.misfit or "odd" in found.misfit


def test_large_arrays_are_named_as_what_does_not_fit() -> None:
    found = identify_function(above_3, SHAPE)
    assert found.misfit is not None
    assert "large arrays do not fit the formula found at smaller ones" in found.misfit


def test_nothing_but_layers_of_the_language_is_called_one() -> None:
    found = identified(lambda x: layer_norm(x) * GAIN + BIAS)
    assert found.formula is not None
    assert isinstance(found.formula.layer, Normalization)
    assert found.formula.follow.floor == -np.inf


@settings(max_examples=max(10, settings().max_examples // 20))
@given(layer=normalizations(), seed=st.integers(0, 2**32 - 1))
def test_a_threshold_behind_a_layer(layer: Normalization, seed: int) -> None:
    """Whatever stands before it: what is said of it is right, but for entries that are said to be hidden."""
    function = plain(layer, seed)
    found = identify_function(lambda x: np.maximum(function(x), 0.1), SHAPE, seed)
    if found.identified and not any("hides" in untold for untold in found.untold):
        assert found.formula is not None
        x = np.random.default_rng(seed).standard_normal(SHAPE)
        assert np.allclose(found.formula(x), np.maximum(function(x), 0.1), rtol=1e-8, atol=1e-10)
