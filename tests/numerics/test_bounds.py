"""The rounding bound holds on every kind of map, is not absurdly loose, and knows where it cannot tell."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.bounds import Judgement, judge, rounding_bound, sum_growth, transform_growth
from numerics.layers import Moments, affine_shape, normalize, running_shapes
from numerics.metrics import relative_l2
from numerics.translations import draw_displacements, move, remove_nyquist, translate
from tests.effort import at_least
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import SpecificationError
from theory.spec.layers import Statistics, parse_layer

SHIFT, TRANSLATION = ActionKind.SHIFT, ActionKind.TRANSLATION

MAPS = {
    "noise": lambda r, s: r.standard_normal(s),
    "small": lambda r, s: 1e-6 * r.standard_normal(s),
    "large means, small variances": lambda r, s: 1e-2 * r.standard_normal(s) + 1e3 * r.standard_normal((*s[:2], 1, 1)),
    "one mean, tiny variance": lambda r, s: 1 + 1e-4 * r.standard_normal(s),
    "rectified channels of all sizes": lambda r, s: (
        np.maximum(r.standard_normal(s), 0) * np.exp(3 * r.standard_normal((1, s[1], 1, 1)))
    ),
    "a channel that drowns the others": lambda r, s: np.concatenate(
        [1e3 + 1e-3 * r.standard_normal((s[0], 1, *s[2:])), r.standard_normal((s[0], s[1] - 1, *s[2:]))], axis=1
    ),
    "brownian": lambda r, s: r.standard_normal(s).cumsum(-1).cumsum(-2),
    "constant": lambda r, s: np.broadcast_to(r.standard_normal((*s[:2], 1, 1)), s),
    "zero": lambda r, s: np.zeros(s),
}
LAYERS = {
    "BatchNorm": CATALOGUE["BatchNorm"].layer,
    "BatchNorm, evaluation": replace(CATALOGUE["BatchNorm"].layer, statistics=Statistics.RUNNING),
    "InstanceNorm": CATALOGUE["InstanceNorm"].layer,
    "LayerNorm-CHW": replace(CATALOGUE["LayerNorm-CHW"].layer, affine=None),
    "LayerNorm-AF": CATALOGUE["LayerNorm-AF"].layer,
    "centering alone": parse_layer("norm[center=CHW, affine=C]"),
    "scaling alone": parse_layer("norm[scale=CHW, affine=BC]"),
    "affine alone": parse_layer("norm[affine=C]"),
    "centering over C, scaling over HW": parse_layer("norm[center=C, scale=HW]"),
    "scaling over all": parse_layer("norm[center=BHW, scale=BCHW, affine=C]"),
    "nothing left": parse_layer("norm[center=empty, scale=HW, affine=C]"),
}
SHAPES = [(3, 2, 5, 7), (2, 6, 15, 9), (2, 3, 1, 3), (2, 2, 41, 37), (2, 70, 7, 7)]


def measured(layer, x, kind, t, random):
    """The measured error and its bound, with drawn parameters; all in the dtype of ``x``."""

    def draw(shape, positive=False):
        values = random.uniform(0.1, 2, shape) if positive else random.standard_normal(shape)
        return values.astype(x.dtype)

    options = {}
    affine = affine_shape(layer, x.shape)
    if affine is not None:
        options.update(gain=draw(affine), bias=draw(affine))
    if layer.statistics is Statistics.RUNNING:
        mean, variance = running_shapes(layer, x.shape)
        options["running"] = Moments(draw(mean), draw(variance, positive=True))
    y = normalize(layer, x, **options)
    expected = move(kind, y, t)
    # A parameter that varies over B belongs to its sample and moves with it not at all: B is no moving axis.
    error = relative_l2(normalize(layer, move(kind, x, t), **options), expected)
    growth = transform_growth(kind, x.shape[2:])
    return error, rounding_bound(layer, x, y, expected, growth, **options)


@pytest.mark.parametrize("kind", list(ActionKind))
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rounding_stays_within_the_bound(name, kind, dtype):
    """On odd sizes all these layers are equivariant, per sample too, so all that is measured is rounding."""
    random = np.random.default_rng(0)
    for shape in SHAPES:
        t = draw_displacements(kind, shape[0], shape[2:], random)
        for maps, build in MAPS.items():
            error, bound = measured(LAYERS[name], build(random, shape).astype(dtype), kind, t, random)
            assert bound.dtype == np.float64
            assert np.all(error <= bound), (shape, maps, error, bound)


@pytest.mark.parametrize("name", ["BatchNorm", "InstanceNorm", "LayerNorm-CHW", "LayerNorm-AF"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bound_is_within_a_factor_of_a_thousand(name, dtype):
    """For translations, on maps of full rank; where sums happen to round alike (shifts), an error may even be 0."""
    random = np.random.default_rng(1)
    for shape in SHAPES:
        t = draw_displacements(TRANSLATION, shape[0], shape[2:], random)
        for maps in ("noise", "large means, small variances", "one mean, tiny variance", "brownian"):
            x = MAPS[maps](random, shape).astype(dtype)
            error, bound = measured(LAYERS[name], x, TRANSLATION, t, random)
            assert np.all(bound <= 1000 * error), (shape, maps, error, bound)


def test_the_bound_follows_the_conditioning():
    """It grows like the root of (mean^2 + var) / (var + eps), until nothing can be said."""
    layer = LAYERS["InstanceNorm"]
    noise = np.random.default_rng(2).standard_normal((1, 1, 21, 21)).astype(np.float32)
    bounds = []
    for mean in (0.0, 10.0, 100.0, 1000.0):
        x = noise + np.float32(mean)
        y = normalize(layer, x)
        bounds.append(float(rounding_bound(layer, x, y, y, 20.0)[0]))
    assert bounds[0] < 1000 * 2.0**-24
    for low, high in itertools.pairwise(bounds[1:]):
        assert high == pytest.approx(10 * low, rel=0.1)
    assert judge(0.0, bounds[0]) is Judgement.WITHIN
    x = noise + np.float32(1e8)  # the noise lies below the last digit
    y = normalize(layer, x)
    assert judge(0.0, float(rounding_bound(layer, x, y, y, 20.0)[0])) is not Judgement.WITHIN


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("policy", [NyquistPolicy.SYMMETRIC, NyquistPolicy.ONE_SIDED])
def test_violations_are_above_the_bound(dtype, policy):
    """A layer that is not equivariant, and an equivariant one that the Nyquist bin of an even grid betrays."""
    random = np.random.default_rng(3)
    t = np.array([[0.5, 0.3], [1.4, 2.5]])
    for layer, size in ((CATALOGUE["LayerNorm-C"].layer, 15), (LAYERS["InstanceNorm"], 16)):
        x = random.standard_normal((2, 4, size, size)).astype(dtype)
        y = normalize(layer, x)
        expected = translate(y, t, policy=policy)
        error = relative_l2(normalize(layer, translate(x, t, policy=policy)), expected)
        bound = rounding_bound(layer, x, y, expected, transform_growth(TRANSLATION, (size, size)))
        assert [judge(float(e), float(b)) for e, b in zip(error, bound, strict=True)] == [Judgement.ABOVE] * 2


def test_without_nyquist_energy_an_even_grid_is_within_the_bound():
    random = np.random.default_rng(4)
    layer, t = LAYERS["InstanceNorm"], np.array([[0.5, 0.3]])
    x, _ = remove_nyquist(random.standard_normal((1, 4, 16, 16)))
    error, bound = measured(layer, x, TRANSLATION, t, random)
    assert judge(float(error[0]), float(bound[0])) is Judgement.WITHIN


def test_the_bound_is_that_of_the_library_at_hand(xp):
    layer = LAYERS["BatchNorm"]
    random = np.random.default_rng(5)
    x = random.standard_normal((3, 4, 5, 7)).astype(np.float32)
    gain, bias = random.standard_normal((2, 1, 4, 1, 1)).astype(np.float32)
    y = normalize(layer, x, gain, bias)
    arrays = [xp.asarray(a) for a in (x, y, y)]
    found = rounding_bound(layer, *arrays, 20.0, gain=xp.asarray(gain), bias=xp.asarray(bias))
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, rounding_bound(layer, x, y, y, 20.0, gain, bias), rtol=1e-5)


@pytest.mark.parametrize("size", [2, 3, 7, 8, 13, 28, 57, 97, 112, 113, 260, 271])
@pytest.mark.parametrize("policy", [NyquistPolicy.SYMMETRIC, NyquistPolicy.ONE_SIDED])
def test_a_translation_rounds_by_its_growth(xp, size, policy):
    """In float32 against float64, on noise, on a large mean and on a few impulses; primes and long axes included."""
    random = np.random.default_rng(size)
    noise = random.standard_normal((1, 1, size, size))
    impulses = (random.random(noise.shape) < 2 / size).astype(float) + 1e-3
    x = np.concatenate([noise, 1 + 1e-3 * noise, impulses]).astype(np.float32)
    t = random.uniform(-size, size, (3, 2))
    exact = translate(x.astype(float), t, policy=policy)
    error = np.linalg.norm((xp.call(translate, x, t, policy=policy) - exact).reshape(3, -1), axis=1)
    bound = transform_growth(TRANSLATION, (size, size)) * 2.0**-24 * np.linalg.norm(x.reshape(3, -1), axis=1)
    assert np.all(error <= bound)
    assert bound[0] <= 100 * error[0]


@given(st.tuples(*[st.integers(1, 9)] * 3), st.sets(st.integers(0, 2)), st.integers(0, 2**32 - 1))
@at_least(50)
def test_a_mean_rounds_by_the_growth_of_its_sum(shape, axes, seed):
    random = np.random.default_rng(seed)
    x = (0.1 + 1e-3 * random.standard_normal(shape)).astype(np.float32)
    reduced = tuple(sorted(axes))
    exact = x.astype(float).mean(axis=reduced)
    bound = (sum_growth(shape, reduced) + 1) * 2.0**-24 * np.abs(x.astype(float)).mean(axis=reduced)
    assert np.all(np.abs(x.mean(axis=reduced) - exact) <= bound)


def test_sums_over_long_axes_round_by_their_growth():
    """Equal numbers are the worst case: every addition rounds the same way."""
    x = np.full((512, 70, 70), 0.1, dtype=np.float32)
    for reduced in ((0,), (1, 2), (0, 1, 2), (0, 2)):
        error = np.abs(x.mean(axis=reduced) / x[0, 0, 0].astype(float) - 1).max()
        assert error <= (sum_growth(x.shape, reduced) + 1) * 2.0**-24


def test_judgements():
    assert judge(2e-3, 1e-3) is Judgement.ABOVE
    assert judge(1e-9, 1e-3, violation=1e-2) is Judgement.WITHIN
    assert judge(1e-9, 1e-2, violation=1e-3) is Judgement.UNDECIDABLE
    assert judge(1e-9, 1e-8, violation=1e-8) is Judgement.UNDECIDABLE
    assert judge(0.0, float("inf")) is Judgement.UNDECIDABLE
    assert judge(float("inf"), 1.0) is Judgement.ABOVE
    assert judge(float("nan"), 1e-3) is Judgement.UNDECIDABLE
    assert judge(0.0, float("nan")) is Judgement.UNDECIDABLE


def test_shapes_must_agree():
    x = np.zeros((2, 3, 4, 5))
    with pytest.raises(SpecificationError, match="expected one shape"):
        rounding_bound(LAYERS["InstanceNorm"], x, x[:1], x, 0.0)
