"""Terms evaluated: against layers written by hand as terms, and where a term is not defined."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from numerics.layers import affine_shape, normalize
from numerics.terms import evaluate, parameter_shapes
from theory.spec.axes import BCHW, Axis, AxisKind, Layout
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import SpecificationError
from theory.spec.layers import parse_layer
from theory.spec.syntax import parse

CENTERED = "(x - mean(x, {center}))"
TERM = CENTERED + " * rsqrt(mean(" + CENTERED + "^2, {scale}) + eps)"
BY_HAND = {
    "BatchNorm": TERM.format(center="BHW", scale="BHW") + " * par(C) + par(C)",
    "InstanceNorm": TERM.format(center="HW", scale="HW"),
    "LayerNorm-CHW": TERM.format(center="CHW", scale="CHW") + " * par(CHW) + par(CHW)",
    "LayerNorm-C": TERM.format(center="C", scale="C") + " * par(C) + par(C)",
    "LayerNorm-AF": TERM.format(center="C", scale="CHW") + " * par(C) + par(C)",
    "norm[center=empty]": "x - mean(x, empty)",
    "norm[scale=B]": "x * rsqrt(mean(x^2, B) + eps)",
    "norm[affine=HW]": "x * par(HW) + par(HW)",
}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_terms_written_by_hand_are_the_layers(xp, name, dtype):
    layer = CATALOGUE[name].layer if name in CATALOGUE else parse_layer(name)
    term = parse(BY_HAND[name])
    random = np.random.default_rng(0)
    x = random.standard_normal((2, 3, 5, 4)).astype(dtype)
    affine = affine_shape(layer, x.shape)
    values = [] if affine is None else [random.standard_normal(affine).astype(dtype) for _ in range(2)]
    assert parameter_shapes(term, x.shape) == tuple(v.shape for v in values)
    found = xp.call(lambda a, *v: evaluate(term, a, v, layer.eps), x, *values)
    expected = xp.call(lambda *a: normalize(layer, *a), x, *values)
    assert found.dtype == dtype
    # Each entry: sums of at most x.size numbers of the size of x, normalized to about 1, gained and shifted.
    largest = max([1.0, *(np.abs(v).max() for v in values)])
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=2 * x.size * np.finfo(dtype).eps * largest * np.abs(x).max()
    )


def test_every_node_on_numbers(xp):
    x = np.array([[1.0, 2.0], [3.0, 6.0]])
    layout = Layout((Axis("B", AxisKind.INDEX, sample=True), Axis("T", AxisKind.SPATIAL)))
    values = [np.array([[10.0], [20.0]]), np.array([[1.0, -1.0]])]
    cases = {
        "x": x,
        "3/2": np.full((2, 2), 1.5),
        "eps": np.full((2, 2), 0.25),
        "mean(x, T)": np.array([[1.5, 1.5], [4.5, 4.5]]),
        "mean(x, BT)": np.full((2, 2), 3.0),
        "mean(x, empty)": x,
        "mean(7, BT)": np.full((2, 2), 7.0),
        "x^3 - 2*x": x**3 - 2 * x,
        "rsqrt(x + eps + mean(x, B))": (x + 0.25 + np.array([[2.0, 4.0]])) ** -0.5,
        "par(B)*x + par(T)": values[0] * x + values[1],
    }
    for text, expected in cases.items():
        term = parse(text, layout)
        given = values if "par" in text else []
        found = xp.call(lambda a, *v, t=term: evaluate(t, a, v, Fraction(1, 4), layout), x, *given)
        np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(float).eps, err_msg=text)


def test_parameters_are_numbered_from_left_to_right(xp):
    """One parameter inside a mean, before one outside: the order of the text is the order of the values."""
    term = parse("mean(par(C)*x, HW) - par(C)*rsqrt(par(B)^2 + eps)")
    random = np.random.default_rng(1)
    x = random.standard_normal((2, 3, 4, 5))
    a, b, c = (random.standard_normal(s) for s in parameter_shapes(term, x.shape))
    expected = (a * x).mean((2, 3), keepdims=True) - b / np.sqrt(c**2 + 1e-5)
    found = xp.call(lambda x, *v: evaluate(term, x, v), x, a, b, c)
    np.testing.assert_allclose(found, np.broadcast_to(expected, x.shape), rtol=0, atol=100 * np.finfo(float).eps)


def test_a_root_is_defined_where_its_argument_is_positive(xp):
    x = np.array([4.0, 0.0, -1.0]).reshape(1, 1, 1, 3)
    found = xp.call(lambda a: evaluate(parse("rsqrt(x)"), a), x)
    np.testing.assert_array_equal(found.ravel(), [0.5, np.nan, np.nan])


def test_the_value_is_a_new_array():
    x = np.zeros((1, 1, 2, 2))
    evaluate(parse("x"), x)[...] = 1
    assert not x.any()


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("par(C)*x", [], r"parameters of shapes \[\]: expected shapes \[\(1, 3, 1, 1\)\]"),
        ("par(C)*x", [np.zeros((1, 3, 1, 2))], "in order of occurrence"),
        ("x", [np.zeros((1, 1, 1, 1))], r"expected shapes \[\]"),
    ],
)
def test_refusals(text, values, message):
    with pytest.raises(SpecificationError, match=message):
        evaluate(parse(text), np.zeros((2, 3, 4, 5)), values)


def test_another_rank_is_refused():
    with pytest.raises(SpecificationError, match=f"one axis for each of {BCHW.names}"):
        evaluate(parse("x"), np.zeros((2, 3)))
