"""Laws of shifts and translations under each Nyquist policy, against transforms written out here with numpy.fft."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numerics.translations as translations
from numerics.arrays import unit_roundoff
from numerics.bounds import transform_growth
from numerics.multipliers import by_joined
from numerics.translations import draw_displacements, move, remove_nyquist, shift, translate
from tests.effort import at_least
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.errors import SpecificationError

SYMMETRIC, PROJECT, ONE_SIDED = NyquistPolicy.SYMMETRIC, NyquistPolicy.PROJECT, NyquistPolicy.ONE_SIDED
SIZES = [(6, 8), (5, 6), (6, 5), (7, 5), (1, 4), (4, 1), (2, 2), (3, 2)]

sizes = st.integers(1, 9)
seeds = st.integers(0, 2**32 - 1)
reals = st.floats(-20, 20, width=32)


def published(x, t):
    """The translation of the published experiment, written with rfft2 and irfft2."""
    height, width = x.shape[-2:]
    rows = np.exp(-2j * np.pi * np.fft.fftfreq(height)[None, :] * t[:, :1])
    columns = np.exp(-2j * np.pi * np.fft.rfftfreq(width)[None, :] * t[:, 1:])
    spectrum = np.fft.rfft2(x) * rows[:, None, :, None] * columns[:, None, None, :]
    return np.fft.irfft2(spectrum, s=(height, width))


def textbook(x, t):
    """The symmetric translation by full complex transforms, cos(pi t) at the Nyquist bins; complex."""
    spectrum = np.fft.fft2(x)
    for axis, name in ((2, 0), (3, 1)):
        size = x.shape[axis]
        k = np.fft.fftfreq(size, 1 / size)
        factor = np.exp(-2j * np.pi * k[None, :] * t[:, name : name + 1] / size)
        if size % 2 == 0:
            factor[:, size // 2] = np.cos(np.pi * t[:, name])
        spectrum = spectrum * factor.reshape([x.shape[0], 1] + [size if a == axis else 1 for a in (2, 3)])
    return np.fft.ifft2(spectrum)


def rounding(x, translated=2):
    """What rounding may do to any entry: the growth of two translations, times the norm of the largest map."""
    norm = np.sqrt((np.asarray(x, dtype=np.float64) ** 2).sum(axis=(-2, -1)).max())
    return translated * transform_growth(ActionKind.TRANSLATION, x.shape[-2:]) * unit_roundoff(np.asarray(x)) * norm


def close(found, expected, x):
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding(x))


def arrays(height, width, seed=0, batch=3):
    random = np.random.default_rng(seed)
    return random.standard_normal((batch, 2, height, width)), random.uniform(-2 * width, 2 * height, (batch, 2))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_sided_is_the_published_translation(xp, size, dtype):
    x, t = arrays(*size)
    x = x.astype(dtype)
    found = xp.call(translate, x, t, policy=ONE_SIDED)
    assert found.dtype == dtype
    close(found, published(x.astype(np.float64), t), x)


@pytest.mark.parametrize("policy", [SYMMETRIC, PROJECT])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_symmetric_is_the_textbook_translation_and_real(xp, size, dtype, policy):
    x, t = arrays(*size)
    x = x.astype(dtype)
    expected = textbook(x.astype(np.float64), t)
    close(expected.imag, 0, x)
    found = xp.call(translate, x, t, policy=policy)
    assert found.dtype == dtype
    close(found, expected.real, x)


@given(sizes, sizes, seeds)
@at_least(30)
def test_an_integer_translation_is_the_shift(xp, height, width, seed):
    x, _ = arrays(height, width, seed)
    t = np.random.default_rng(seed).integers(-20, 20, (3, 2)).astype(np.float64)
    rolled = np.stack([np.roll(x[b], (int(t[b, 0]), int(t[b, 1])), (-2, -1)) for b in range(3)])
    assert np.array_equal(xp.call(shift, x, t), rolled)
    for policy in NyquistPolicy:
        close(xp.call(translate, x, t, policy=policy), rolled, x)


@given(sizes, sizes, reals, reals, seeds)
@at_least(50)
def test_group_law_and_isometry_on_odd_sizes_and_without_nyquist_energy(height, width, s, t, seed):
    x, _ = arrays(height, width, seed)
    x, _ = remove_nyquist(x)
    s, t = np.array([[s, t]]), np.array([[t, -s]])
    for policy in NyquistPolicy:
        twice = translate(translate(x, s, policy=policy), t, policy=policy)
        close(twice, translate(x, s + t, policy=policy), x)
        np.testing.assert_allclose(
            (twice**2).sum(), (x**2).sum(), rtol=4 * transform_growth(ActionKind.TRANSLATION, x.shape[2:]) * 2.0**-52
        )
        close(translate(x, s, policy=policy), translate(x, s, policy=SYMMETRIC), x)


@given(st.sampled_from([2, 4, 6]), sizes, reals, reals)
def test_group_law_fails_by_the_product_of_sines_at_the_nyquist_bin(height, width, s, t):
    x = np.broadcast_to((-1.0) ** np.arange(height)[:, None], (1, 1, height, width)).copy()
    s, t = float(s), float(t)

    def along(x, d):
        return translate(x, np.array([[d]]), axes=(-2,))

    defect = along(along(x, s), t) - along(x, s + t)
    close(defect, np.sin(np.pi * s) * np.sin(np.pi * t) * x, x)


@given(sizes, reals, seeds)
def test_energy_in_one_dimension(size, t, seed):
    """The energy of a symmetric translation falls by sin^2(pi t) times that of the Nyquist bin."""
    x = np.random.default_rng(seed).standard_normal((1, size))
    nyquist = ((-1.0) ** np.arange(size) * x).sum() ** 2 / size if size % 2 == 0 else 0.0
    change = (translate(x, np.array([[t]]), axes=(-1,)) ** 2).sum() - (x**2).sum()
    assert change == pytest.approx(-(np.sin(np.pi * t) ** 2) * nyquist, abs=energy_rounding(x))


@given(st.sampled_from([2, 4, 6]), st.sampled_from([2, 4, 8]), reals, reals, seeds)
@at_least(50)
def test_energy_of_one_sided_in_two_dimensions(height, width, t_h, t_w, seed):
    x = np.random.default_rng(seed).standard_normal((1, 1, height, width))
    power = np.abs(np.fft.fft2(x[0, 0])) ** 2
    corner = power[height // 2, width // 2]
    column = power[:, width // 2].sum() - corner
    lost = np.sin(np.pi * t_w) ** 2 * column + np.sin(np.pi * t_h) ** 2 * power[height // 2, 0]
    lost += np.sin(np.pi * (t_h - t_w)) ** 2 * corner
    change = (translate(x, np.array([[t_h, t_w]]), policy=ONE_SIDED) ** 2).sum() - (x**2).sum()
    assert change == pytest.approx(-lost / (height * width), abs=energy_rounding(x))


def energy_rounding(x):
    """Twice the norm times the error of the translated array, and the errors of the two sums of squares."""
    growth = transform_growth(ActionKind.TRANSLATION, (x.size,)) + x.size
    return 4 * growth * 2.0**-53 * max((x**2).sum(), 1.0)


@given(st.sampled_from([2, 4, 6]), sizes, seeds)
def test_one_sided_is_symmetric_plus_a_rank_one_term(height, width, seed):
    """(-1)^h times a matrix applied to the Nyquist row of the rows, r = sum_h (-1)^h x[h, .] / H."""
    x, t = arrays(height, width, seed)
    sign = (-1.0) ** np.arange(height)[:, None]
    row = (sign * x).sum(axis=-2) / height
    spectrum = np.fft.rfft(row) * np.exp(-2j * np.pi * np.fft.rfftfreq(width) * t[:, 1, None, None])
    published_row = np.fft.irfft(spectrum * np.exp(1j * np.pi * t[:, 0])[:, None, None], width)
    symmetric_row = translate(row, t[:, 1:], axes=(-1,)) * np.cos(np.pi * t[:, 0])[:, None, None]
    difference = translate(x, t, policy=ONE_SIDED) - translate(x, t, policy=SYMMETRIC)
    close(difference, sign * (published_row - symmetric_row)[:, :, None, :], x)


def test_one_sided_mixes_the_columns_although_only_the_rows_move():
    """So a gain that varies over the columns does not commute with it, while it does with the symmetric one."""
    x, t = arrays(4, 6)
    gain = np.arange(1.0, 7.0)
    for policy, commutes in ((SYMMETRIC, True), (ONE_SIDED, False)):
        defect = translate(gain * x, t[:, :1], (-2,), policy) - gain * translate(x, t[:, :1], (-2,), policy)
        assert bool(np.abs(defect).max() <= rounding(gain * x)) is commutes


@pytest.mark.parametrize("size", [(300, 3), (2, 259), (257, 4)])
def test_matrices_and_transforms_are_one_operator(xp, size, monkeypatch):
    x, t = arrays(*size, batch=2)
    t = t / 100  # the textbook formula loses digits of k t where both are large
    by_transform = xp.call(translate, x, t)
    monkeypatch.setattr(translations, "LARGEST_CIRCULANT", 1000)
    close(xp.call(translate, x, t), by_transform, x)
    close(by_transform, textbook(x, t).real, x)


@pytest.mark.parametrize("size", [(300, 3), (2, 259), (258, 4), (6, 8), (4, 7), (2, 2)])
@pytest.mark.parametrize("axes", [(-2, -1), (-2,), (-1,)])
def test_matrices_and_transforms_are_one_operator_one_sided(xp, size, axes, monkeypatch):
    x, t = arrays(*size, batch=2)
    t = t[:, : len(axes)] / 100
    found = []
    for largest in (0, 1000):
        monkeypatch.setattr(translations, "LARGEST_CIRCULANT", largest)
        found.append(xp.call(translate, x, t, axes, ONE_SIDED))
    close(*found, x)


@pytest.mark.parametrize("size", [(1, 4), (2, 3), (3, 2), (4, 4), (5, 5)])
@pytest.mark.parametrize("policy", NyquistPolicy)
def test_one_matrix_for_a_small_map_is_the_same_operator(xp, size, policy, monkeypatch):
    random = np.random.default_rng(1)
    x, t = random.standard_normal((3, math.prod(size), *size)), random.uniform(-9, 9, (3, 2))
    found, used = [], []
    monkeypatch.setattr(translations, "by_joined", lambda *given: used.append(1) or by_joined(*given))
    for largest in (0, math.prod(size)):
        monkeypatch.setattr(translations, "LARGEST_JOINED", largest)
        found.append(xp.call(translate, x, t, policy=policy))
        found.append(xp.call(translate, x, t[:1], policy=policy))
        assert len(used) == 2 * (largest > 0)
    close(found[0], found[2], x)
    close(found[1], found[3], x)


def test_axes_move_one_by_one_in_three_dimensions(xp):
    random = np.random.default_rng(0)
    x, t = random.standard_normal((2, 3, 4, 5, 6)), random.uniform(-3, 3, (2, 3))
    together = xp.call(translate, x, t, axes=(-3, -2, -1))
    apart = x
    for axis in (4, 2, 3):
        apart = xp.call(translate, apart, t[:, [axis - 2]], axes=(axis,))
    np.testing.assert_allclose(together, apart, rtol=0, atol=rounding(x.reshape(2, 3, 20, 6)))
    steps = np.array([[1.0, 2.0, 3.0], [-1.0, 0.0, 7.0]])
    rolled = np.stack([np.roll(x[b], steps[b].astype(int), (1, 2, 3)) for b in range(2)])
    assert np.array_equal(xp.call(shift, x, steps, axes=(2, 3, 4)), rolled)


def test_one_displacement_moves_all_samples(xp):
    x, t = arrays(5, 6)
    alike = np.broadcast_to(t[:1], (3, 2)).copy()
    for policy in NyquistPolicy:
        close(xp.call(translate, x, t[:1], policy=policy), xp.call(translate, x, alike, policy=policy), x)
    assert np.array_equal(xp.call(shift, x, np.rint(t[:1])), xp.call(shift, x, np.rint(alike)))


@pytest.mark.parametrize("size", SIZES)
def test_removing_the_nyquist_bins(xp, size):
    x, _ = arrays(*size)
    spectrum = np.fft.fft2(x)
    if size[0] % 2 == 0:
        spectrum[:, :, size[0] // 2, :] = 0
    if size[1] % 2 == 0:
        spectrum[:, :, :, size[1] // 2] = 0
    expected = np.fft.ifft2(spectrum).real
    found, energy = (xp.to_numpy(part) for part in remove_nyquist(xp.asarray(x)))
    close(found, expected, x)
    np.testing.assert_allclose(energy, ((x - expected) ** 2).sum((1, 2, 3)), rtol=0, atol=energy_rounding(x))
    again, nothing = remove_nyquist(found)
    close(again, found, x)
    assert np.all(nothing <= energy_rounding(x) ** 2)


def test_same_seed_same_bytes():
    def run():
        random = np.random.default_rng(7)
        x = random.standard_normal((3, 2, 6, 7)).astype(np.float32)
        moved = [
            move(kind, x, draw_displacements(kind, 3, (6, 7), random), policy=policy).tobytes()
            for kind in ActionKind
            for policy in NyquistPolicy
        ]
        return x.tobytes(), moved

    assert run() == run()


@pytest.mark.parametrize("kind", list(ActionKind))
def test_displacements_cover_the_map_uniformly(kind):
    drawn = draw_displacements(kind, 4000, (4, 7), np.random.default_rng(0))
    assert drawn.shape == (4000, 2)
    for column, size in zip(drawn.T, (4, 7), strict=True):
        counts = np.bincount(column.astype(int), minlength=size)
        assert len(counts) == size
        # A binomial count leaves five standard deviations about once in a million.
        assert np.all(np.abs(counts - 4000 / size) < 5 * np.sqrt(4000 / size))
        assert np.all(column == np.floor(column)) == (kind is ActionKind.SHIFT)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: shift(x, np.array([[0.5, 1.0]])), "displacement=0.5: expected integers for a shift"),
        (lambda x: translate(x, np.array([[np.nan, 1.0]])), "finite"),
        (lambda x: translate(x, np.zeros((3, 2))), r"expected shape \(2, 2\) or \(1, 2\)"),
        (lambda x: translate(x, np.zeros((2, 1)), axes=(0,)), "not axis 0"),
        (lambda x: translate(x, np.zeros((2, 1)), axes=(4,)), "distinct axes"),
        (lambda x: translate(x, np.zeros((2, 2)), axes=(-1, 3)), "distinct axes"),
        (lambda x: translate(x, np.zeros((2, 1)), (1,), ONE_SIDED), "the last two axes"),
        (lambda x: translate(x.astype(int), np.zeros((2, 2))), "dtype=int64: expected float32 or float64"),
        (lambda x: translate(x.tolist(), np.zeros((2, 2))), "x=list: expected an array"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(SpecificationError, match=message):
        call(np.zeros((2, 3, 4, 5)))
