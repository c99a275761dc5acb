"""The compiled passes of the experiment against the array expressions, which define them.

Each is held to a bound that follows from dtype, numbers of summands and cancellation (:mod:`tests.numerics.rounding`),
and to equality where nothing may round.
"""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equinorm.strategies import normalizations, parameters, steps
from equinorm.strategies.layers import EPSILONS
from numerics.arrays import Array, Floats
from numerics.experiment.draws import Source
from numerics.experiment.maps import MapResult, measure_map
from numerics.experiment.passes import ArrayPasses, Known, passes_of
from numerics.experiment.sides import Errors, Line
from numerics.experiment.variants import bodies
from numerics.layers import affine_shape
from tests.command import HOUSE, run_python
from tests.effort import at_least
from tests.numerics import rounding
from tests.numerics.maps import DTYPES, LONG, lines, maps, pairs, pivots
from theory.spec.actions import NyquistPolicy
from theory.spec.errors import SpecificationError
from theory.spec.layers import Normalization, Statistics

pytest.importorskip("numba", reason="Numba, of the extra 'numba', is not installed")

COMPILED, ARRAYS = passes_of("numba"), ArrayPasses()
SOURCE = Source(7, "layer1.0.bn1", batch=2, first=32)


def wide(x: Array) -> Floats:
    return x.astype(np.float64)


def within(found: Floats, expected: Floats, bound: Floats) -> None:
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) <= bound), (found, expected, bound)


def test_some_maps_are_longer_than_one_tile_and_than_two() -> None:
    loops = importlib.import_module("numerics.experiment.loops")
    for tile in (loops.TILE, loops.SHORT_TILE):
        sizes = [height * width for _, _, height, width in LONG]
        assert tile in sizes
        assert any(size == tile + 1 for size in sizes)
        assert any(size > 2 * tile and size % tile for size in sizes)


@given(st.data(), maps(), st.booleans(), st.booleans())
@at_least(60)
def test_moments(data: st.DataObject, drawn: tuple[Array], over_channels: bool, given_pivots: bool) -> None:
    (x,) = drawn
    p = data.draw(pivots(x)) if given_pivots else None
    found = COMPILED.moments(x, p, over_channels)
    expected = ARRAYS.moments(wide(x), None if p is None else wide(p), over_channels)
    bound = rounding.of_moments(rounding.centered(x, p, over_channels))
    for name in ("mean", "square", "least", "greatest"):
        within(getattr(found, name), getattr(expected, name), getattr(bound, name))
    if not over_channels:  # one difference, the same in both
        alike = ARRAYS.moments(x, p)
        np.testing.assert_array_equal(found.least, alike.least)
        np.testing.assert_array_equal(found.greatest, alike.greatest)


@given(st.data(), maps(), st.booleans())
@at_least(60)
def test_cosines(data: st.DataObject, drawn: tuple[Array], over_channels: bool) -> None:
    (x,) = drawn
    p, chosen = data.draw(pivots(x)), data.draw(st.lists(pairs(x), min_size=1, max_size=4))
    found = COMPILED.cosines(x, p, over_channels, chosen)
    expected = ARRAYS.cosines(wide(x), wide(p), over_channels, chosen)
    z, u = rounding.centered(x, p, over_channels), rounding.unit(x.dtype)
    bounds = [rounding.of_cosines(*(z.on(line, u) for line in pair), u) for pair in chosen]
    within(found, expected, np.stack(bounds, axis=1))
    # One line twice is a case of its own, with the same roundings as two lines that are equal.
    apart = [(left, Line(right.alpha, right.beta)) for left, right in chosen]
    np.testing.assert_array_equal(found, COMPILED.cosines(x, p, over_channels, apart))


def check_errors(found: Errors, expected: Errors, ratios: float, cosine: Floats) -> None:
    """``ratios`` bounds relative errors; 0 is exactly 0, and infinity is infinity."""
    np.testing.assert_allclose(found.relative_maximum, expected.relative_maximum, rtol=ratios, atol=0)
    within(found.cosine, expected.cosine, cosine)
    for each in (found.relative_l2, found.relative_maximum):
        assert each.dtype == np.float64


@given(maps(2))
@at_least(60)
def test_compared(drawn: tuple[Array, Array]) -> None:
    left, right = drawn
    found, expected = COMPILED.compared(left, right), ARRAYS.compared(wide(left), wide(right))
    u, entries = rounding.unit(left.dtype), left[0].size
    # Each difference rounds once; the squares of a sample are summed in float64.
    check_errors(found, expected, 4 * u, rounding.of_cosines(rounding.exact(left), rounding.exact(right), u))
    np.testing.assert_allclose(found.relative_l2, expected.relative_l2, rtol=4 * u + rounding.sums(entries), atol=0)
    np.testing.assert_allclose(found.expected, expected.expected, rtol=rounding.sums(entries), atol=0)
    same = COMPILED.compared(right, right)
    assert not same.relative_l2.any()
    assert not same.relative_maximum.any()


@given(st.data(), maps(2))
@at_least(60)
def test_compared_on_lines(data: st.DataObject, drawn: tuple[Array, Array]) -> None:
    left, right = drawn
    chosen = data.draw(st.lists(lines(left), min_size=1, max_size=3))
    a, e, u = rounding.exact(left), rounding.exact(right), rounding.unit(left.dtype)
    pixels = a.value.shape[2]
    same = COMPILED.compared_on_lines(right, right, chosen)
    for line, found, expected, nothing in zip(
        chosen,
        COMPILED.compared_on_lines(left, right, chosen),
        ARRAYS.compared_on_lines(wide(left), wide(right), chosen),
        same,
        strict=True,
    ):
        check_errors(found, expected, 4 * u, rounding.of_cosines(a.on(line, u), e.on(line, u), u))
        wrong = rounding.of_squares(line, e)
        within(found.expected, expected.expected, wrong)
        # The norm of the right side cancels where gain and bias do; what is left then says nothing.
        size, wrong_size = expected.expected.sum(axis=1), wrong.sum(axis=1)
        kept = size > 2 * wrong_size
        length, own = expected.relative_l2[kept], found.relative_l2[kept]
        bound = 4 * u + rounding.sums(pixels) + wrong_size[kept] / size[kept]
        assert np.all(np.abs(own - length) <= bound * length)
        assert not nothing.relative_l2.any()
        assert not nothing.relative_maximum.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_is_0_away_from_nothing_and_an_error_over_nothing_is_infinite(dtype: str) -> None:
    zero = np.zeros((2, 3, 4, 5), dtype)
    other = zero.copy()
    other[1, 2, 3, 4] = 1e-3
    line = Line(np.ones((2, 3)), np.zeros((2, 3)))
    for found in (COMPILED.compared(other, zero), *COMPILED.compared_on_lines(other, zero, [line])):
        for error in (found.relative_l2, found.relative_maximum):
            np.testing.assert_array_equal(error, [0, np.inf])
        np.testing.assert_array_equal(found.cosine, 1)
        assert not found.expected.any()


def single(layer: Normalization) -> Normalization:
    """The layer without means over samples, unless they are constants."""
    if layer.statistics is Statistics.RUNNING:
        return layer
    center, scale = (axes and axes - {"B"} for axes in (layer.center, layer.scale))
    return replace(layer, center=center, scale=scale)


def check_layer(layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known | None) -> None:
    """Either the very numbers of the array expressions, where these are used, or within rounding of float64."""
    y, variance = COMPILED.normalized(layer, x, gain, bias, known)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert not np.shares_memory(x, y)
    own, own_variance = ARRAYS.normalized(layer, x, gain, bias)
    assert (variance is None) is (own_variance is None)
    if np.array_equal(y, own) and (variance is None or np.array_equal(variance, own_variance)):
        return
    expected, expected_variance = ARRAYS.normalized(
        layer, wide(x), *(None if each is None else wide(each) for each in (gain, bias))
    )
    bound, of_variance = rounding.of_layer(layer, x, gain, bias, known)
    within(wide(y), expected, bound)
    if variance is not None:
        assert variance.dtype == np.float64
        assert variance.shape[2:] == (1, 1)
        wrong = of_variance.max(axis=(2, 3), keepdims=True)
        assert np.all(np.abs(variance - expected_variance) <= wrong)


def by_loops() -> st.SearchStrategy[Normalization]:
    """Layers whose statistics are one number for each map, or for each pixel, with any affine step."""
    by_map = st.sampled_from([None, frozenset("HW"), frozenset("CHW")])
    by_pixel = st.tuples(st.sampled_from([None, frozenset("C")]), st.just(frozenset("C")))
    axes, eps = st.one_of(st.tuples(by_map, by_map), by_pixel), st.sampled_from(EPSILONS)
    return st.builds(lambda both, affine, eps: Normalization(*both, affine, eps=eps), axes, steps(), eps)


def given_parameters(data: st.DataObject, layer: Normalization, x: Array) -> tuple[Array | None, Array | None]:
    shape = affine_shape(layer, x.shape)
    if shape is None:
        return None, None
    gain, bias = (
        data.draw(st.none() | parameters(shape).map(lambda values: values.astype(x.dtype))) for _ in ("gain", "bias")
    )
    return gain, bias


@given(st.data(), by_loops() | normalizations(statistics=tuple(Statistics), epsilons=EPSILONS).map(single), maps())
@at_least(100)
def test_layers(data: st.DataObject, layer: Normalization, drawn: tuple[Array]) -> None:
    (x,) = drawn
    known = None
    if data.draw(st.booleans()):
        p = wide(data.draw(pivots(x)))
        known = p, ARRAYS.moments(wide(x), p)
    check_layer(layer, x, *given_parameters(data, layer, x), known)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", list(dict.fromkeys(single(body.layer) for body in bodies())), ids=str)
def test_named_layers_with_every_affine_step(layer: Normalization, dtype: str) -> None:
    random = np.random.default_rng(5)
    x = (10 + random.standard_normal((2, 3, 4, 5))).astype(dtype)
    p = wide(x.mean(axis=(2, 3)))
    known = p, ARRAYS.moments(wide(x), p)
    for affine in (frozenset(axes) for size in range(5) for axes in itertools.combinations("BCHW", size)):
        varied = replace(layer, affine=affine)
        gain, bias = random.standard_normal((2, *(affine_shape(varied, x.shape) or ()))).astype(dtype)
        for g, h, k in itertools.product((None, gain), (None, bias), (None, known)):
            check_layer(varied, x, g, h, k)


@pytest.mark.parametrize("policy", NyquistPolicy)
@pytest.mark.parametrize(
    ("shape", "mean", "share"),
    [((3, 5, 6, 8), 30.0, True), ((2, 3, 7, 7), 0.0, True), ((1, 2, 24, 45), 1.0, True), ((2, 4, 5, 6), 1.0, False)],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_experiment_agrees_with_its_definition_within_rounding(
    shape: tuple[int, ...], mean: float, share: bool, dtype: str, policy: NyquistPolicy
) -> None:
    x = (1 + mean + np.random.default_rng(3).standard_normal(shape)).astype(dtype)
    alone = measure_map(x, SOURCE, policy, share=False)
    found = measure_map(x, SOURCE, policy, share=share, passes=COMPILED)
    eps = np.finfo(dtype).eps
    for one, other in zip(found.measurements, alone.measurements, strict=True):
        assert (one.variant, one.transformation) == (other.variant, other.transformation)
        np.testing.assert_array_equal(one.displacements, other.displacements)
        np.testing.assert_allclose(one.bound, other.bound, rtol=(1 + mean**2) * 64 * eps)
        assert np.all(np.abs(one.relative_l2 - other.relative_l2) <= other.bound)
        assert np.all(np.abs(one.relative_maximum - other.relative_maximum) <= 2 * other.bound)
        # A cosine loses the square of a small error, but is itself computed with some rounding.
        assert np.all(np.abs(one.cosine - other.cosine) <= other.bound + 8 * eps)
    if alone.nyquist_energy is not None:
        np.testing.assert_allclose(found.nyquist_energy, alone.nyquist_energy, rtol=64 * eps)


def stored_bytes(result: MapResult) -> list[bytes]:
    names = ("relative_l2", "relative_maximum", "cosine", "bound")
    return [getattr(measurement, name).tobytes() for measurement in result.measurements for name in names]


@pytest.mark.parametrize("dtype", DTYPES)
def test_neither_pieces_nor_threads_nor_another_run_change_a_byte(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).standard_normal((5, 8, 12, 13)).astype(dtype)
    whole = stored_bytes(measure_map(x, SOURCE, NyquistPolicy.ONE_SIDED, passes=COMPILED))
    for samples, workers in itertools.product((5, 2, 1), (1, 2)):
        monkeypatch.setattr(type(COMPILED), "piece_bytes", samples * x[0].nbytes)
        again = measure_map(x, SOURCE, NyquistPolicy.ONE_SIDED, workers, passes=COMPILED)
        assert stored_bytes(again) == whole, (samples, workers)


@pytest.mark.parametrize(
    ("dtype", "bad"),
    [(dtype, bad) for dtype in DTYPES for bad in (np.nan, np.inf, -np.inf)] + [("float32", 1e25), ("float64", 1e200)],
)
def test_maps_that_are_not_finite_are_refused(dtype: str, bad: float) -> None:
    x = np.ones((2, 3, 4, 4), dtype)
    x[1, 2, 3, 0] = bad
    refused = []
    for passes in (ARRAYS, COMPILED):
        with pytest.raises(SpecificationError, match=r"map=layer1\.0\.bn1: expected finite") as raised:
            measure_map(x, SOURCE, NyquistPolicy.ONE_SIDED, passes=passes)
        refused.append(str(raised.value))
    assert refused[0] == refused[1]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the folder of a user's caches is not read from these")
def test_machine_code_needs_no_folder_to_be_kept_in(tmp_path: Path) -> None:
    """A file in the place of each folder that Numba would write to; it stops an administrator as well."""
    for room in ("numerics", "theory"):
        shutil.copytree(HOUSE / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "numerics" / "experiment" / "__pycache__").write_text("")
    (tmp_path / "file").write_text("")
    nowhere = str(tmp_path / "file" / "folder")
    script = (
        "import numpy as np; from numerics.experiment import loops; x, m = np.ones((1, 2, 3)), np.zeros((1, 2))\n"
        "y = np.empty_like(x); loops.scaled(x, m, m + 2, x[0], x[0], y); print(loops.__file__, y.sum())"
    )
    changes = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": nowhere, "XDG_CACHE_HOME": nowhere, "HOME": nowhere}
    done = run_python("-P", "-c", script, **changes)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "numerics" / "experiment" / "loops.py"), "18.0"]
