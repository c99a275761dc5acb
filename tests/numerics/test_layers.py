"""Layers against PyTorch's, against the definition written out with loops, and where a step has nothing to do."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import arrays
from numerics.layers import Moments, affine_shape, moments, normalize, running_shapes
from tests.effort import at_least
from theory.spec.axes import BCHW, Axis, AxisKind, Layout
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import SpecificationError
from theory.spec.layers import Normalization, Statistics, parse_layer

axis_sets = st.frozensets(st.sampled_from("BCHW"))
steps = st.none() | axis_sets
layers = st.builds(Normalization, steps, steps, steps, eps=st.sampled_from([Fraction(1, 100), Fraction(1, 100_000)]))
shapes = st.tuples(*[st.integers(1, 4)] * 4)
seeds = st.integers(0, 2**32 - 1)
RUNNING = Statistics.RUNNING


def rounding(x, eps, count=1):
    """Units of rounding of a normalized array: sums of ``x.size`` numbers, through 1 / sqrt(eps) at the worst."""
    size = max(1.0, np.abs(x).max())
    return (x.size + 8) * np.finfo(x.dtype).eps * size * max(1.0, size / float(eps) ** 0.5) * count


def by_definition(layer, x, gain, bias):
    """The definition, entry by entry: the means run over the entries that agree on all axes not reduced."""

    def mean(values, axes):
        reduced = [name in axes for name in layer.layout.names]
        groups = {}
        for place in itertools.product(*map(range, values.shape)):
            key = tuple(0 if gone else n for gone, n in zip(reduced, place, strict=True))
            groups.setdefault(key, []).append(values[place])
        found = np.empty_like(values)
        for place in itertools.product(*map(range, values.shape)):
            group = groups[tuple(0 if gone else n for gone, n in zip(reduced, place, strict=True))]
            found[place] = sum(group) / len(group)
        return found

    c = x if layer.center is None else x - mean(x, layer.center)
    y = c if layer.scale is None else c / np.sqrt(mean(c**2, layer.scale) + float(layer.eps))
    return y if layer.affine is None else y * gain + bias


def parameters(layer, shape, random):
    """Gain and bias of the layer's shape, or none."""
    affine = affine_shape(layer, shape)
    return (None, None) if affine is None else tuple(random.standard_normal((2, *affine)))


@given(layers, shapes, seeds)
@at_least(60)
def test_a_layer_is_its_definition(xp, layer, shape, seed):
    random = np.random.default_rng(seed)
    x = random.standard_normal(shape)
    gain, bias = parameters(layer, shape, random)
    found = xp.call(lambda *a: normalize(layer, *a), x, gain, bias)
    largest = 1.0 if gain is None else max(1.0, np.abs(gain).max())
    np.testing.assert_allclose(found, by_definition(layer, x, gain, bias), rtol=0, atol=rounding(x, layer.eps, largest))


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_change_nothing(xp, name, dtype, monkeypatch):
    """The same values and dtype whether the array is cut or not, on an axis that no step reduces."""
    layer = CATALOGUE[name].layer
    random = np.random.default_rng(0)
    x = random.standard_normal((4, 3, 5, 6)).astype(dtype)
    gain, bias = (None if p is None else p.astype(dtype) for p in parameters(layer, x.shape, random))
    whole = xp.call(lambda *a: normalize(layer, *a), x, gain, bias)
    statistics = moments(layer, xp.asarray(x))
    cut = arrays.blocks
    monkeypatch.setattr("numerics.layers.blocks", lambda x, axis: cut(x, axis, 1))
    assert len(list(cut(x, 0, 1))) == 4
    found = xp.call(lambda *a: normalize(layer, *a), x, gain, bias)
    assert whole.dtype == found.dtype == dtype
    np.testing.assert_allclose(found, whole, rtol=0, atol=rounding(x, 1, 4))
    pieces = moments(layer, xp.asarray(x))
    for one, other in ((statistics.mean, pieces.mean), (statistics.variance, pieces.variance)):
        np.testing.assert_allclose(xp.to_numpy(one), xp.to_numpy(other), rtol=0, atol=rounding(x, 1))


def torch_layer(torch, name, shape):
    """PyTorch's layer of that name as a module, and as a function of a tensor (B, C, H, W)."""
    channels, height, width = shape[1:]
    if name == "LayerNorm-C":
        module = torch.nn.LayerNorm(channels, eps=1e-6, dtype=torch.float64)
        return module, lambda x: module(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    module = {
        "BatchNorm": lambda: torch.nn.BatchNorm2d(channels, dtype=torch.float64),
        "InstanceNorm": lambda: torch.nn.InstanceNorm2d(channels, dtype=torch.float64),
        "LayerNorm-CHW": lambda: torch.nn.LayerNorm((channels, height, width), dtype=torch.float64),
    }[name]()
    return module, module


@pytest.mark.parametrize("name", ["BatchNorm", "InstanceNorm", "LayerNorm-CHW", "LayerNorm-C"])
def test_catalogue_layers_are_pytorchs(name):
    torch = pytest.importorskip("torch", reason="torch, of the extra 'torch', is not installed")
    random = np.random.default_rng(3)
    x = 2 + 3 * random.standard_normal((4, 5, 6, 7))
    module, function = torch_layer(torch, name, x.shape)
    layer = CATALOGUE[name].layer
    gain, bias = parameters(layer, x.shape, random)
    own = {"gain": gain, "bias": bias}
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), own.values(), strict=False):
            parameter.copy_(torch.asarray(value).reshape(parameter.shape))
        expected = function(torch.asarray(x)).numpy()
    np.testing.assert_allclose(normalize(layer, x, gain, bias), expected, rtol=0, atol=rounding(x, 1, 10))


def test_group_normalization_with_one_group_is_pytorchs():
    torch = pytest.importorskip("torch", reason="torch, of the extra 'torch', is not installed")
    random = np.random.default_rng(4)
    x, (gain, bias) = random.standard_normal((3, 4, 5, 6)), random.standard_normal((2, 4))
    expected = torch.nn.functional.group_norm(torch.asarray(x), 1, torch.asarray(gain), torch.asarray(bias))
    layer = parse_layer("norm[center=CHW, scale=CHW, affine=C]")
    found = normalize(layer, x, gain.reshape(1, 4, 1, 1), bias.reshape(1, 4, 1, 1))
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=rounding(x, 1, 10))


@pytest.mark.parametrize("fresh", [True, False])
def test_evaluation_mode_is_pytorchs(fresh):
    torch = pytest.importorskip("torch", reason="torch, of the extra 'torch', is not installed")
    random = np.random.default_rng(5)
    x = random.standard_normal((3, 4, 5, 6))
    layer = replace(CATALOGUE["BatchNorm"].layer, statistics=RUNNING)
    module = torch.nn.BatchNorm2d(4, dtype=torch.float64).eval()
    running = None
    if not fresh:
        running = Moments(random.standard_normal((1, 4, 1, 1)), random.uniform(0.5, 2, (1, 4, 1, 1)))
        module.running_mean.copy_(torch.asarray(running.mean.ravel()))
        module.running_var.copy_(torch.asarray(running.variance.ravel()))
    found = normalize(layer, x, running=running)
    np.testing.assert_allclose(found, module(torch.asarray(x)).detach().numpy(), rtol=0, atol=rounding(x, 1, 10))


@given(layers, shapes, seeds)
@at_least(30)
def test_running_statistics_equal_to_the_batch_statistics_change_nothing(xp, layer, shape, seed):
    """The moments of training vary over the axes that training does not reduce, as the running ones must."""
    random = np.random.default_rng(seed)
    x = random.standard_normal(shape)
    found = moments(layer, xp.asarray(x))
    kept = tuple(None if part is None else tuple(part.shape) for part in (found.mean, found.variance))
    assert kept == running_shapes(layer, shape)
    evaluated = normalize(replace(layer, statistics=RUNNING), xp.asarray(x), running=found)
    trained = normalize(layer, xp.asarray(x))
    np.testing.assert_allclose(xp.to_numpy(evaluated), xp.to_numpy(trained), rtol=0, atol=rounding(x, layer.eps, 2))


def test_running_shapes_are_the_axes_that_training_keeps():
    shape = (2, 3, 5, 7)
    assert running_shapes(CATALOGUE["BatchNorm"].layer, shape) == ((1, 3, 1, 1), (1, 3, 1, 1))
    assert running_shapes(CATALOGUE["LayerNorm-AF"].layer, shape) == ((2, 1, 5, 7), (2, 1, 1, 1))
    assert running_shapes(parse_layer("norm[center=empty]"), shape) == (shape, None)
    assert affine_shape(parse_layer("norm[affine=CW]"), shape) == (1, 3, 1, 7)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [("norm[center=empty, scale=BCHW, affine=C]", (2, 3, 4, 5)), ("norm[center=BH, affine=C]", (1, 3, 1, 5))],
)
def test_centering_over_single_entries_leaves_the_bias_alone(xp, layer, shape):
    random = np.random.default_rng(0)
    x, (gain, bias) = 1e3 + random.standard_normal(shape), random.standard_normal((2, 1, 3, 1, 1))
    found = xp.call(lambda *a: normalize(parse_layer(layer), *a), x, gain, bias)
    assert np.array_equal(found, np.broadcast_to(bias, shape))


def test_absent_steps_differ_from_steps_over_no_axes(xp):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    call = lambda text: xp.call(lambda a: normalize(parse_layer(text), a), x)  # noqa: E731
    assert np.array_equal(call("norm[]"), x)
    assert np.array_equal(call("norm[center=empty]"), np.zeros_like(x))
    one_by_one = x / np.sqrt(x**2 + 1e-5)
    np.testing.assert_allclose(call("norm[scale=empty]"), one_by_one, rtol=8 * np.finfo(float).eps)


def test_any_layout(xp):
    """Axes by name, in any number: here a batch of signals in time, and volumes."""
    time = Layout((Axis("B", AxisKind.INDEX, sample=True), Axis("T", AxisKind.SPATIAL)))
    layer = Normalization(frozenset("T"), frozenset("T"), layout=time)
    x = np.random.default_rng(0).standard_normal((3, 9))
    found = xp.call(lambda a: normalize(layer, a), x)
    expected = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding(x, 1))


def test_a_large_mean_does_not_cancel_the_variance():
    """Two passes: with the mean of squares minus the squared mean the variance would be lost altogether."""
    x = 1e6 + np.random.default_rng(0).standard_normal((1, 1, 40, 40))
    y = normalize(CATALOGUE["InstanceNorm"].layer, x)
    assert y.std() == pytest.approx(1, abs=1e6 * 1600 * 2.0**-52 + 1e-5)


IN, BN = CATALOGUE["InstanceNorm"].layer, CATALOGUE["BatchNorm"].layer


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: normalize(IN, x[0]),
            r"x of shape \(3, 4, 5\): expected one axis of size at least 1 for each of BCHW",
        ),
        (lambda x: normalize(IN, x[:0]), "size at least 1"),
        (lambda x: normalize(IN, x, gain=x[:1]), r"gain of shape \(1, 3, 4, 5\): expected none for affine=absent"),
        (lambda x: normalize(BN, x, bias=x[:1]), r"bias of shape .*: expected shape \(1, 3, 1, 1\) for affine=C"),
        (lambda x: normalize(BN, x, running=Moments(None, None)), "expected a layer with statistics=running"),
        (lambda x: normalize(replace(BN, statistics=RUNNING), x, running=Moments(x, None)), "running mean of shape"),
        (lambda x: normalize(replace(BN, eps=Fraction(1, 10**50)), x.astype(np.float32)), "eps=1e-50: .* float32"),
        (lambda x: normalize(BN, x.astype(int)), "dtype=int64"),
    ],
)
def test_refusals(call, message):
    assert BN.layout is BCHW
    with pytest.raises(SpecificationError, match=message):
        call(np.zeros((2, 3, 4, 5)))
