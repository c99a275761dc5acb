"""What it means that other passes over arrays agree with the array expressions, which define them.

The expressions are evaluated in float64, on the entries that the passes get; the bounds are those of
:mod:`tests.numerics.rounding`. Where nothing may round, results are equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numerics.arrays import Array, Floats
from numerics.experiment.passes import ArrayPasses, Known, Passes
from numerics.experiment.sides import Errors, Line, Pair
from tests.numerics import rounding
from theory.spec.layers import Normalization

ARRAYS = ArrayPasses()


def wide(x: Array) -> Floats:
    return x.astype(np.float64)


def of_moments(passes: Passes, x: Array, p: Array | None, over_channels: bool) -> None:
    found = passes.moments(x, p, over_channels)
    expected = ARRAYS.moments(wide(x), None if p is None else wide(p), over_channels)
    bound = rounding.of_moments(rounding.centered(x, p, over_channels))
    for name in ("mean", "square", "least", "greatest"):
        _within(getattr(found, name), getattr(expected, name), getattr(bound, name))
    if not over_channels:  # one difference, the same in both
        alike = ARRAYS.moments(x, p)
        np.testing.assert_array_equal(found.least, alike.least)
        np.testing.assert_array_equal(found.greatest, alike.greatest)


def of_cosines(passes: Passes, x: Array, p: Array, over_channels: bool, pairs: Sequence[Pair]) -> Floats:
    """Returns what was found."""
    found = passes.cosines(x, p, over_channels, pairs)
    expected = ARRAYS.cosines(wide(x), wide(p), over_channels, pairs)
    z, u = rounding.centered(x, p, over_channels), rounding.unit(x.dtype)
    bounds = [rounding.of_cosines(*(z.on(line, u) for line in pair), u) for pair in pairs]
    _within(found, expected, np.stack(bounds, axis=1))
    return found


def of_compared(passes: Passes, left: Array, right: Array) -> None:
    found, expected = passes.compared(left, right), ARRAYS.compared(wide(left), wide(right))
    u, s = rounding.unit(left.dtype), rounding.sums(left[0].size)
    _compare(found, expected, u, rounding.of_cosines(rounding.exact(left), rounding.exact(right), u))
    np.testing.assert_allclose(found.relative_l2, expected.relative_l2, rtol=4 * u + s, atol=0)
    np.testing.assert_allclose(found.expected, expected.expected, rtol=s, atol=0)


def of_compared_on_lines(passes: Passes, left: Array, right: Array, lines: Sequence[Line]) -> None:
    a, e, u = rounding.exact(left), rounding.exact(right), rounding.unit(left.dtype)
    every = passes.compared_on_lines(left, right, lines)
    for line, found, expected in zip(
        lines, every, ARRAYS.compared_on_lines(wide(left), wide(right), lines), strict=True
    ):
        _compare(found, expected, u, rounding.of_cosines(a.on(line, u), e.on(line, u), u))
        wrong = rounding.of_squares(line, e)
        _within(found.expected, expected.expected, wrong)
        # The norm of the right side cancels where gain and bias do; what is left then says nothing.
        size, wrong_size = expected.expected.sum(axis=1), wrong.sum(axis=1)
        kept = size > 2 * wrong_size
        bound = 4 * u + rounding.sums(e.value.shape[2]) + wrong_size[kept] / size[kept]
        _within(found.relative_l2[kept], expected.relative_l2[kept], bound * expected.relative_l2[kept])


def of_layer(
    passes: Passes, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known | None
) -> None:
    """Either the very numbers of the array expressions, where the passes use these, or within rounding of float64."""
    y, variance = passes.normalized(layer, x, gain, bias, known)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert not np.shares_memory(x, y)
    own, own_variance = ARRAYS.normalized(layer, x, gain, bias)
    assert (variance is None) is (own_variance is None)
    if np.array_equal(y, own) and (variance is None or np.array_equal(variance, own_variance)):
        return
    of_entries = (None if each is None else wide(each) for each in (gain, bias))
    expected, expected_variance = ARRAYS.normalized(layer, wide(x), *of_entries)
    bound, of_variance = rounding.of_layer(layer, x, gain, bias, known)
    _within(wide(y), expected, bound)
    if variance is not None:
        per_map = [np.broadcast_to(each, (*x.shape[:2], 1, 1)) for each in (variance, expected_variance)]
        _within(*per_map, of_variance.max(axis=(2, 3), keepdims=True))


def _compare(found: Errors, expected: Errors, u: float, cosine: Floats) -> None:
    """Each difference and each quotient rounds; 0 is exactly 0, and infinity is infinity."""
    np.testing.assert_allclose(found.relative_maximum, expected.relative_maximum, rtol=4 * u, atol=0)
    _within(found.cosine, expected.cosine, cosine)
    assert found.relative_l2.dtype == found.relative_maximum.dtype == np.float64


def _within(found: Floats, expected: Floats, bound: Floats) -> None:
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) <= bound), (found, expected, bound)
