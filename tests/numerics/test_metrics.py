"""The three errors: by their formulas, PyTorch's cosine among them, and what each of them cannot see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.metrics import compare, cosine_error, relative_l2, relative_maximum
from theory.spec.errors import SpecificationError


def pair(shape=(3, 4, 5, 6), dtype="float64", seed=0):
    random = np.random.default_rng(seed)
    e = random.standard_normal(shape)
    return (e + 0.1 * random.standard_normal(shape)).astype(dtype), e.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (2, 7, 9), (5, 8), (2, 3, 2, 3, 4)])
def test_errors_are_their_formulas(xp, shape, dtype):
    a, e = pair(shape, dtype)
    found = compare(xp.asarray(a), xp.asarray(e))
    wide_a, wide_e = a.astype(float).reshape(shape[0], shape[1], -1), e.astype(float).reshape(shape[0], shape[1], -1)
    norms = np.linalg.norm(wide_a, axis=1) * np.linalg.norm(wide_e, axis=1)
    expected = {
        "relative_l2": [np.linalg.norm(x - y) / np.linalg.norm(y) for x, y in zip(wide_a, wide_e, strict=True)],
        "relative_maximum": np.abs(wide_a - wide_e).max((1, 2)) / np.abs(wide_e).max((1, 2)),
        "cosine": (1 - (wide_a * wide_e).sum(1) / norms).mean(1),
    }
    # Every error is made of sums of at most the entries of a sample, and is below 1.
    rounding = a[0].size * np.finfo(dtype).eps
    for name, values in expected.items():
        error = xp.to_numpy(getattr(found, name))
        assert error.dtype == dtype
        np.testing.assert_allclose(error, values, rtol=0, atol=rounding, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_cosine_is_pytorchs(dtype):
    torch = pytest.importorskip("torch", reason="torch, of the extra 'torch', is not installed")
    a, e = pair((3, 16, 5, 6), dtype)
    a[0, :, 0, 0] = 0  # cosine 0 by PyTorch's smallest norm
    e[1, :, 0, 0] *= 1e-9
    a[2, :, 1] = e[2, :, 1] = 0
    similarity = torch.nn.functional.cosine_similarity(torch.asarray(a), torch.asarray(e), dim=1)
    expected = (1 - similarity).mean((1, 2)).numpy()
    np.testing.assert_allclose(cosine_error(a, e), expected, rtol=0, atol=16 * np.finfo(dtype).eps)


@given(st.floats(0.125, 8), st.integers(0, 2**32 - 1))
def test_the_cosine_is_blind_to_a_positive_gain_per_pixel(gain, seed):
    """The others are not: their errors are those of the gain."""
    _, e = pair(seed=seed)
    gains = np.where(np.arange(6) % 2 == 0, gain, 1.0)
    found = compare(e * gains, e)
    assert np.all(np.abs(found.cosine) <= 8 * np.finfo(float).eps)
    expected = np.sqrt(((e * (gains - 1)) ** 2).sum((1, 2, 3)) / (e**2).sum((1, 2, 3)))
    np.testing.assert_allclose(found.relative_l2, expected, rtol=1e3 * np.finfo(float).eps)


def test_zero_arrays_are_equal_to_zero_arrays_only(xp):
    zero, other = np.zeros((2, 3, 2, 2)), np.zeros((2, 3, 2, 2))
    other[1, 0, 0, 0] = 1e-300
    found = [xp.call(metric, other, zero) for metric in (relative_maximum, relative_l2)]
    np.testing.assert_array_equal(found[0], [0.0, np.inf])
    other[1, 0, 0, 0] = 1e-100
    np.testing.assert_array_equal(xp.call(relative_l2, other, zero), [0.0, np.inf])
    np.testing.assert_array_equal(xp.call(relative_l2, zero, zero), [0.0, 0.0])


def test_a_nan_is_not_lost(xp):
    a, e = pair()
    a[1, 0, 0, 0] = np.nan
    found = compare(xp.asarray(a), xp.asarray(e))
    for error in (found.relative_l2, found.relative_maximum, found.cosine):
        assert np.array_equal(np.isnan(xp.to_numpy(error)), [False, True, False])


def test_samples_do_not_depend_on_each_other(xp):
    a, e = pair((5, 3, 4, 4))
    together = xp.call(relative_l2, a, e)
    apart = np.concatenate([xp.call(relative_l2, a[b : b + 1], e[b : b + 1]) for b in range(5)])
    np.testing.assert_allclose(together, apart, rtol=48 * np.finfo(float).eps)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: compare(a, a[:1]), "two arrays of one shape and dtype"),
        (lambda a: compare(a, a.astype(np.float32)), r"\(2, 3, 4, 5\) float64 against \(2, 3, 4, 5\) float32"),
        (lambda a: compare(a, a, channel_axis=0), "channel_axis=0"),
        (lambda a: compare(a, a, channel_axis=4), "distinct axes"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(SpecificationError, match=message):
        call(np.zeros((2, 3, 4, 5)))
