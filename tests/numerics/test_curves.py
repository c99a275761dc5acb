"""Errors as curves: their period, what parity does, where a band ends; and what is aliased of a spectrum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.curves.aliasing import aliased_part, band_spectrum
from numerics.curves.errors import (
    Curve,
    displacements,
    error_against_band,
    error_against_displacement,
    error_against_size,
    harmonics,
    limit_band,
)
from numerics.curves.subjects import Normalized, Probed, Subject
from numerics.equivariance import Motion
from numerics.terms import evaluate, parameter_shapes
from numerics.translations import remove_nyquist
from theory.spec.actions import ActionKind, Scope
from theory.spec.catalogue import find_layer
from theory.spec.errors import SpecificationError
from theory.spec.syntax import parse

MOTION = Motion(ActionKind.TRANSLATION)
DISTANCES = (0.5, 0.3)
DTYPES = ("float64", "float32")


def noise(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape).astype(dtype)


def named(name: str) -> Normalized:
    return Normalized(find_layer(name))


def term(text: str, shape: tuple[int, ...] = (1, 1, 1, 1)) -> Subject:
    values = [noise(*each, seed=1) for each in parameter_shapes(parse(text), shape)]
    return Probed(lambda x: evaluate(parse(text), x, [value.astype(x.dtype) for value in values]))


def quarters(count: int) -> list[float]:
    return [place / 4 for place in range(count)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [7, 8])
def test_the_defect_of_a_shift_equivariant_layer_vanishes_at_whole_displacements_only(size, dtype):
    found = error_against_displacement(named("LayerNorm-C"), noise(2, 3, size, size, dtype=dtype), quarters(13), MOTION)
    assert found.at.tolist() == quarters(13)
    assert found.above.tolist() == [place % 4 != 0 for place in range(13)]


@given(st.sampled_from(["LayerNorm-C", "InstanceNorm"]), st.integers(3, 8), st.floats(0.01, 0.99), st.integers(1, 3))
def test_the_error_has_period_one(name, size, distance, whole):
    x = noise(2, 2, size, size, seed=size)
    found = error_against_displacement(named(name), x, [distance, distance + whole], MOTION)
    assert abs(found.relative_l2[0] - found.relative_l2[1]) <= found.bound.sum()


def test_a_layer_that_varies_over_the_map_is_zero_at_no_shift_but_a_whole_turn():
    x = noise(1, 2, 5, 5)
    found = error_against_displacement(term("x*par(HW)", x.shape), x, range(11), MOTION)
    assert found.above.tolist() == [place % 5 != 0 for place in range(11)]


def test_the_nyquist_defect_has_the_harmonics_of_a_power_of_the_sine():
    """Of little energy at N/2 the variance changes by sin^2(pi t), so the squared error goes with sin^4(pi t)."""
    free, _ = remove_nyquist(noise(1, 2, 8, 8))
    x = free + 0.01 * np.cos(np.pi * np.arange(8))
    steps = [place / 16 for place in range(16)]
    found = error_against_displacement(named("InstanceNorm"), x, steps, Motion(ActionKind.TRANSLATION, (-1,)))
    content = harmonics(found.relative_l2**2, 1)
    shares = content.amplitude / content.amplitude[0]
    assert content.frequency.tolist() == list(range(9))
    # sin^4 = 3/8 - cos(2 pi t)/2 + cos(4 pi t)/8
    np.testing.assert_allclose(shares[:3], [1, 4 / 3, 1 / 3], rtol=1e-2)
    assert shares[3:].max() < 1e-2


def test_what_has_no_period_of_one_sample_has_content_between_whole_cycles():
    steps = [place / 8 for place in range(16)]
    x = noise(1, 2, 7, 7)
    for subject, between in ((named("LayerNorm-C"), False), (term("x*par(W)", x.shape), True)):
        found = error_against_displacement(subject, x, steps, MOTION)
        content = harmonics(found.relative_l2**2, 2)
        largest = float(content.amplitude[1::2].max())
        assert (largest > 1e-3) is between
        assert between or largest <= 2 * np.mean((2 * found.relative_l2 + found.bound) * found.bound)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=12), st.integers(1, 3))
def test_harmonics_hold_the_mean_and_bound_the_values(values, span):
    found = harmonics(values, span)
    assert found.amplitude[0] == pytest.approx(abs(np.mean(values)), abs=1e-12)
    assert found.amplitude.sum() >= np.abs(values).max() - 1e-9
    assert found.frequency[-1] == (len(values) // 2) / span


@pytest.mark.parametrize(("frequency", "amplitude"), [(0, 2.0), (1, 3.0), (2.5, 0.5)])
def test_a_cosine_is_one_harmonic(frequency, amplitude):
    t = np.arange(16) / 8
    found = harmonics(amplitude * np.cos(2 * np.pi * frequency * t + (0.7 if frequency else 0.0)), 2)
    expected = np.zeros(9)
    expected[int(2 * frequency)] = amplitude
    np.testing.assert_allclose(found.amplitude, expected, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_parity_decides_for_instance_norm_and_the_nyquist_bin_is_all_of_it(dtype):
    def maps(sizes, free):
        for size in sizes:
            x = noise(2, 3, size, size, dtype=dtype)
            yield size, remove_nyquist(x)[0] if free else x

    even, odd = range(4, 17, 2), range(3, 16, 2)
    for sizes, free, above in ((even, False, True), (even, True, False), (odd, False, False)):
        found = error_against_size(lambda _: named("InstanceNorm"), maps(sizes, free), DISTANCES, MOTION)
        assert found.at.tolist() == list(sizes)
        assert found.above.tolist() == [above] * len(sizes)


def test_parameters_may_vary_over_maps_of_every_size():
    maps = ((size, noise(1, 2, size, size)) for size in (3, 4, 5))
    found = error_against_size(lambda shape: term("x*par(H)", shape), maps, DISTANCES, MOTION)
    assert found.above.all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [2, 3, 4])
@pytest.mark.parametrize("size", [12, 13])
def test_a_power_is_equivariant_as_long_as_its_harmonics_fit(power, size, dtype):
    """x^p is equivariant on band K iff 2 p K < N, as the calculus derives; here by brute force."""
    bands = range(1, size // 2 + 1)
    found = error_against_band(term(f"x^{power}"), noise(1, 2, size, size, dtype=dtype), bands, DISTANCES, MOTION)
    assert found.above.tolist() == [2 * power * band >= size for band in bands]


def test_of_several_displacements_and_samples_the_worst_is_shown():
    """The second sample has energy at N/2, the first has none; t = 1 is a shift, t = 1/2 is none."""
    x = np.concatenate([remove_nyquist(noise(1, 2, 6, 6))[0], noise(1, 2, 6, 6, seed=1)])
    subject = named("InstanceNorm")
    both = error_against_band(subject, x, [3], [1.0, 0.5], MOTION)
    alone = error_against_displacement(subject, x[1:], [0.5], MOTION)
    assert both.relative_l2[0] == pytest.approx(alone.relative_l2[0], rel=1e-12)
    assert both.bound[0] == pytest.approx(alone.bound[0], rel=1e-6)


def test_samples_that_move_apart():
    assert displacements(0.5, 3, 2, Scope.PER_SAMPLE).tolist() == [[0.5, 0.5], [1.0, 1.0], [1.5, 1.5]]
    assert displacements(0.5, 3, 2, Scope.COMMON).tolist() == [[0.5, 0.5]]
    x = noise(3, 2, 5, 5)
    coupled = term("x - mean(x, B)")
    common = error_against_displacement(coupled, x, [1.0], MOTION)
    apart = error_against_displacement(coupled, x, [1.0], MOTION, Scope.PER_SAMPLE)
    assert (bool(common.above[0]), bool(apart.above[0])) == (False, True)


def test_a_term_that_is_not_defined_is_a_gap_and_not_above():
    with np.errstate(invalid="ignore"):
        found = error_against_displacement(term("rsqrt(x)"), noise(1, 1, 4, 4), [0.5], MOTION)
    assert found.undefined.all()
    assert not found.above.any()


def test_parts_of_a_curve():
    curve = Curve(*(np.arange(4.0) + place for place in range(4)), np.asarray([5.0, 0, 0, 5]))
    assert curve.where(curve.above).at.tolist() == [1.0, 2.0]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5))
def test_limiting_the_band_removes_what_lies_beyond_and_keeps_the_rest(height, width, band):
    x = noise(2, height, width)
    kept = [np.abs(np.fft.fftfreq(size, 1 / size)) <= band for size in (height, width)]
    expected = np.fft.ifft2(np.fft.fft2(x) * kept[0][:, None] * kept[1]).real
    np.testing.assert_allclose(limit_band(x, band), expected, atol=1e-12)


def test_a_band_is_not_negative():
    with pytest.raises(SpecificationError, match="band=-1"):
        limit_band(noise(4, 4), -1)
    with pytest.raises(SpecificationError, match="span"):
        harmonics([], 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [15, 16])
@pytest.mark.parametrize("name", ["BatchNorm", "InstanceNorm", "LayerNorm-AF"])
def test_an_equivariant_layer_stays_at_the_floor_above_the_band(name, size, dtype):
    found = band_spectrum(named(name), noise(2, 4, size, size, dtype=dtype), 3, MOTION)
    assert found.above.any()
    assert np.all(found.output[found.above] <= found.floor[found.above])
    assert np.all(found.aliased <= found.floor)
    assert found.output[1:3].min() > 1e6 * found.floor.max()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_layer_that_is_not_fills_the_spectrum_with_aliases(dtype):
    found = band_spectrum(named("LayerNorm-C"), noise(2, 4, 15, 15, dtype=dtype), 3, MOTION)
    assert np.all(found.output[found.above] > 1e4 * found.floor[found.above])
    assert np.all(found.aliased[1:] > 1e4 * found.floor[1:])


def test_new_frequencies_are_aliases_only_once_they_fold():
    """x^2 of band K fills frequencies to 2K, all of them sound while 4K < N, and folds beyond."""
    x = noise(1, 2, 16, 16)
    sound, folded = (band_spectrum(term("x^2"), x, band, MOTION) for band in (3, 5))
    assert sound.output[sound.above].max() > 1e10 * sound.floor.max()
    assert np.all(sound.aliased <= sound.floor)
    assert folded.aliased.max() > 1e10 * folded.floor.max()


@pytest.mark.parametrize("size", [8, 9])
def test_the_aliased_part_of_a_wave_by_hand(size):
    """cos^2(k) = 1/2 + cos(2k)/2, and 2k folds to 2k - N: that half is the alias, the constant is none."""
    k = size // 2 - 1
    turns = 2 * np.pi * k * np.arange(size) / size
    x = np.broadcast_to(np.cos(turns), (1, 1, size, size)).copy()
    found = aliased_part(term("x^2"), x, MOTION)
    np.testing.assert_allclose(found, np.broadcast_to(np.cos(2 * turns) / 2, x.shape), atol=1e-12)


def test_nothing_is_aliased_where_nothing_moves():
    x = noise(1, 2, 1, 1)
    assert not aliased_part(term("x^2"), x, MOTION).any()
    found = error_against_displacement(term("x^2"), x, [0.3], MOTION)
    assert found.relative_l2.tolist() == [0.0]
