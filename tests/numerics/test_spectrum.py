"""The power spectral density: Parseval, plane waves in their rings, white noise; and the ideal low-pass filter."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.arrays import to_numpy
from numerics.bounds import transform_growth
from numerics.spectrum import low_pass, radial_spectrum
from theory.spec.actions import ActionKind
from theory.spec.errors import SpecificationError

sizes = st.integers(1, 12)
EPS = np.finfo(float).eps


@given(sizes, sizes, st.integers(0, 2**32 - 1))
def test_the_rings_hold_the_mean_square(xp, height, width, seed):
    x = np.random.default_rng(seed).standard_normal((2, 3, height, width))
    found = radial_spectrum(xp.asarray(x))
    assert found.count.sum() == height * width
    assert np.all(found.count > 0)
    total = (found.density * found.count).sum() / (height * width)
    assert total == pytest.approx((x**2).mean(), rel=100 * EPS)


@pytest.mark.parametrize("size", [(16, 16), (15, 15), (12, 20), (9, 14)])
@pytest.mark.parametrize("wave", [(0, 0), (1, 0), (0, 2), (3, 4), (-4, 3), (4, 5)])
def test_a_plane_wave_lands_in_its_ring(xp, size, wave):
    height, width = size
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    x = np.cos(2 * np.pi * (wave[0] * rows / height + wave[1] * columns / width))
    found = radial_spectrum(xp.asarray(x))
    ring = int(np.argmax(found.density))
    step = found.frequency[1]
    assert step == 1 / min(size)
    radius = np.hypot(wave[0] / height, wave[1] / width)
    assert abs(found.frequency[ring] - radius) <= step / 2 * (1 + EPS)
    energy = found.density * found.count / (height * width)
    assert energy[ring] == pytest.approx((x**2).mean(), rel=100 * EPS)
    assert np.delete(energy, ring).max() <= (100 * EPS) ** 2


def test_white_noise_has_the_density_of_its_variance():
    x = 3 * np.random.default_rng(0).standard_normal((400, 16, 16))
    found = radial_spectrum(x)
    # The mean of n squares of unit normals has standard deviation sqrt(2 / n); conjugate pairs count once.
    deviation = 9 * np.sqrt(2 / (400 * found.count / 2))
    assert np.all(np.abs(found.density - 9) < 5 * deviation)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_above_the_cutoff_only_rounding_is_left(dtype):
    """An error of the filter and of the transform of tau u |x| in |X| / sqrt(H W) is tau^2 u^2 |x|^2 in density."""
    x = low_pass(np.random.default_rng(0).standard_normal((1, 24, 25)).astype(dtype), Fraction(1, 4))
    found = radial_spectrum(x)
    above = found.density[found.frequency - found.frequency[1] / 2 > np.sqrt(2) / 4]
    growth = transform_growth(ActionKind.TRANSLATION, (24, 25))
    assert above.max() <= (growth * np.finfo(dtype).eps / 2) ** 2 * (x.astype(float) ** 2).sum()
    assert found.density[1:6].min() > 0.1


@given(sizes, sizes, st.sampled_from([Fraction(1, 4), Fraction(1, 3), Fraction(1, 2), Fraction(2, 3)]))
def test_the_low_pass_keeps_what_lies_below_on_both_axes(xp, height, width, cutoff):
    x = np.random.default_rng(0).standard_normal((2, height, width))
    below = [np.array([min(k, n - k) < cutoff * n for k in range(n)]) for n in (height, width)]
    expected = np.fft.ifft2(np.fft.fft2(x) * below[0][:, None] * below[1]).real
    found = xp.call(low_pass, x, cutoff=cutoff)
    np.testing.assert_allclose(found, expected, rtol=0, atol=20 * EPS * np.linalg.norm(x))
    again = to_numpy(low_pass(found, float(cutoff)))
    np.testing.assert_allclose(again, found, rtol=0, atol=20 * EPS * np.linalg.norm(x))


def test_the_low_pass_removes_the_cutoff_itself_and_keeps_the_dtype(xp):
    rows = np.cos(np.pi / 2 * np.arange(8))[:, None] * np.ones(8)
    x = (rows + 1).astype(np.float32)
    found = xp.call(low_pass, x, cutoff=0.25)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 1, atol=20 * np.finfo(np.float32).eps)
    along_columns = xp.call(low_pass, x, cutoff=0.25, axes=(-1,))
    np.testing.assert_allclose(along_columns, x, atol=20 * np.finfo(np.float32).eps)
    assert radial_spectrum(found).density[4:].max() < np.finfo(np.float32).eps ** 2 * 64


@pytest.mark.parametrize("cutoff", [0, -0.25, float("nan"), float("inf")])
def test_a_cutoff_must_be_positive(cutoff):
    with pytest.raises(SpecificationError, match="cutoff="):
        low_pass(np.zeros((4, 4)), cutoff)


def test_maps_have_two_axes():
    with pytest.raises(SpecificationError, match="maps"):
        radial_spectrum(np.zeros(4))
