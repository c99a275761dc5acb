"""Any layer of the language is recovered from its values: the layer is given as a plain function of one array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import normalizations
from equinorm.strategies.layers import EPSILONS
from numerics.identification.identify import identify_function
from numerics.identification.rationals import simplest
from numerics.layers import Moments, affine_shape, normalize, running_shapes
from theory.spec.errors import SpecificationError
from theory.spec.layers import DEFAULT_EPS, Normalization, Statistics, parse_layer

SHAPE = (3, 4, 5, 7)

Array = np.ndarray[Any, Any]

several = settings(max_examples=max(220, settings().max_examples // 4))
"""At least 200 layers, 5 000 in the profile `thorough`."""


def plain(layer: Normalization, seed: int, shape: tuple[int, ...] = SHAPE) -> Callable[[Array], Array]:
    """The layer with random gain and bias, of which nothing can be told but its values."""
    rng = np.random.default_rng(seed)
    gain = bias = None
    if (size := affine_shape(layer, shape)) is not None:
        gain, bias = rng.uniform(0.2, 2, size) * rng.choice([-1, 1], size), rng.standard_normal(size)
    return lambda x: normalize(layer, x, gain, bias)


def seen(layer: Normalization) -> Normalization:
    """What can be told of a layer: centering over no axes leaves nothing to scale, and then epsilon is not seen."""
    if layer.center == frozenset():
        layer = replace(layer, scale=None)
    return layer if layer.scale is not None else replace(layer, eps=DEFAULT_EPS)


@given(layer=normalizations(epsilons=EPSILONS), seed=st.integers(0, 2**32 - 1))
@several
def test_layers_of_the_language_are_recovered(layer: Normalization, seed: int) -> None:
    found = identify_function(plain(layer, seed), SHAPE, seed)
    assert found.identified, found.misfit
    assert found.formula is not None
    assert found.formula.layer == seen(layer)
    assert all(each.evidence for each in found.findings)


@given(
    layer=normalizations(),
    exponent=st.floats(-12, 3),
    seed=st.integers(0, 2**32 - 1),
    shape=st.permutations([3, 4, 5, 8]).map(tuple),
)
def test_any_epsilon_on_any_shape(layer: Normalization, exponent: float, seed: int, shape: tuple[int, ...]) -> None:
    layer = replace(layer, eps=Fraction(10**exponent))
    found = identify_function(plain(layer, seed, shape), shape, seed)
    assert found.identified, found.misfit
    assert found.formula is not None
    assert found.formula.layer is not None
    assert replace(found.formula.layer, eps=DEFAULT_EPS) == replace(seen(layer), eps=DEFAULT_EPS)
    if seen(layer).scale is not None:
        assert float(found.formula.layer.eps) == pytest.approx(10**exponent, rel=1e-8)


@given(layer=normalizations(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=max(20, settings().max_examples // 20))
def test_single_precision_inside_is_enough(layer: Normalization, seed: int) -> None:
    function = plain(layer, seed)
    found = identify_function(lambda x: function(x.astype(np.float32)), SHAPE, seed)
    assert found.identified, found.misfit
    assert found.formula is not None
    assert found.formula.layer == seen(layer)


@given(layer=normalizations(statistics=(Statistics.RUNNING,)), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=max(20, settings().max_examples // 20))
def test_running_statistics_are_an_affine_step(layer: Normalization, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mean, variance = running_shapes(layer, SHAPE)
    running = Moments(
        None if mean is None else rng.standard_normal(mean), None if variance is None else rng.uniform(0.5, 2, variance)
    )
    found = identify_function(lambda x: normalize(layer, x, running=running), SHAPE, seed)
    assert found.identified, found.misfit
    assert found.formula is not None
    kept = [frozenset("BCHW") - step for step in (layer.center, layer.scale) if step is not None]
    varying = frozenset().union(*kept) if kept else None
    assert found.formula.layer == Normalization(affine=varying)
    assert any("running" in other for each in found.findings for other in each.alternatives)


def test_gain_and_bias_are_those_of_the_layer() -> None:
    rng = np.random.default_rng(5)
    gain, bias = rng.standard_normal((1, 4, 1, 1)), rng.standard_normal((1, 4, 1, 1))
    layer = parse_layer("norm[center=C, scale=CHW, affine=C, eps=0.001]")
    found = identify_function(lambda x: normalize(layer, x, gain, bias), SHAPE)
    assert found.formula is not None
    assert found.formula.layer == layer
    assert np.allclose(found.formula.gain, gain, rtol=1e-12)
    assert np.allclose(found.formula.bias, bias, rtol=1e-12)
    assert found.check is not None
    assert found.check.error < found.check.bound < 1e-10


def test_steps_along_an_axis_of_size_1_cannot_be_told() -> None:
    layer = parse_layer("norm[center=BC, scale=BCHW, affine=C]")
    shape = (1, 4, 5, 7)
    found = identify_function(plain(layer, 1, shape), shape)
    assert found.formula is not None
    assert found.formula.layer == parse_layer("norm[center=C, scale=CHW, affine=C]")
    assert any("over B, of size 1" in untold for untold in found.untold)


def test_a_gain_of_1_and_no_gain_are_the_same() -> None:
    for name, gain, affine in [("fresh", 1.0, None), ("one number", 2.0, frozenset())]:
        layer = parse_layer("norm[center=C, scale=C]")
        found = identify_function(lambda x, layer=layer, gain=gain: gain * normalize(layer, x), SHAPE)
        assert found.formula is not None
        assert found.formula.affine == affine, name
        (finding,) = [each for each in found.findings if each.part == "affine"]
        assert finding.alternatives


def test_a_gain_of_0_leaves_its_entries_untold() -> None:
    gain = np.asarray([0.0, 1.5, 0.0, -2.0]).reshape(1, 4, 1, 1)
    layer = parse_layer("norm[center=HW, scale=HW, affine=C]")
    found = identify_function(lambda x: normalize(layer, x, gain, gain), SHAPE)
    assert found.identified
    assert found.formula is not None
    assert found.formula.layer == layer


def test_two_entries_and_three_show_less_than_more() -> None:
    """About their mean two are equal but for the sign; of three the fourth powers are the squares of the squares."""
    for channels, part, other in [(2, "scale", "C"), (3, "statistic", "fourth power")]:
        shape = (5, channels, 4, 7)
        found = identify_function(plain(parse_layer("norm[center=C, scale=C]"), 0, shape), shape)
        (finding,) = [each for each in found.findings if each.part == part]
        assert any(other in alternative for alternative in finding.alternatives)
    found = identify_function(plain(parse_layer("norm[center=C, scale=C]"), 0), SHAPE)
    assert not any(each.alternatives for each in found.findings if each.part in ("scale", "statistic"))


def test_only_values_count() -> None:
    class InstanceNorm:
        """Named after another layer, with attributes of another."""

        axes, eps, affine, normalized_shape = (2, 3), 1e-5, False, (5, 7)

        def __call__(self, x: Array) -> Array:
            return normalize(parse_layer("norm[center=CHW, scale=CHW, eps=0.5]"), x)

    found = identify_function(InstanceNorm(), SHAPE)
    assert found.formula is not None
    assert found.formula.layer == parse_layer("norm[center=CHW, scale=CHW, eps=0.5]")


@pytest.mark.parametrize("shape", [(3, 4, 5), (0, 4, 5, 7), (1, 1, 1, 1), (3, 4, 5, 7, 2)])
def test_shapes_that_show_nothing_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecificationError, match="shape="):
        identify_function(lambda x: x, shape)


@given(st.integers(1, 99), st.integers(1, 99), st.floats(0.1, 10))
def test_simple_numbers_are_found_again(above: int, below: int, noise: float) -> None:
    wanted = Fraction(above, below)
    found = simplest(float(wanted) * (1 + noise * 1e-12), float(wanted) * 2e-11)
    assert found == wanted or found.denominator < wanted.denominator or 1000 % found.denominator == 0
    assert abs(found - wanted) <= wanted * Fraction(1, 10**10)
