"""The compiled passes of the experiment against the array expressions, which define them.

Each is held to a bound that follows from dtype, numbers of summands and cancellation, and to equality where nothing may
round (:mod:`tests.numerics.agreement`).
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
from numerics.arrays import Array
from numerics.experiment.draws import Source
from numerics.experiment.maps import MapResult, measure_map
from numerics.experiment.passes import passes_of
from numerics.experiment.sides import Line
from numerics.experiment.variants import bodies
from numerics.layers import affine_shape
from tests.command import HOUSE, run_python
from tests.effort import at_least
from tests.numerics import agreement
from tests.numerics.maps import DTYPES, LONG, lines, maps, pairs, pivots
from theory.spec.actions import NyquistPolicy
from theory.spec.errors import SpecificationError
from theory.spec.layers import Normalization, Statistics, parse_layer

pytest.importorskip("numba", reason="Numba, of the extra 'numba', is not installed")

COMPILED, ARRAYS = passes_of("numba"), agreement.ARRAYS
SOURCE = Source(7, "layer1.0.bn1", batch=2, first=32)


def test_some_maps_are_longer_than_one_tile_and_than_two() -> None:
    loops = importlib.import_module("numerics.experiment.loops")
    for tile in (loops.TILE, loops.SHORT_TILE):
        sizes = [height * width for _, _, height, width in LONG]
        assert tile in sizes
        assert any(size == tile + 1 for size in sizes)
        assert any(size > 2 * tile and size % tile for size in sizes)


def single(layer: Normalization) -> Normalization:
    """The layer without means over samples, unless they are constants."""
    if layer.statistics is Statistics.RUNNING:
        return layer
    center, scale = (axes and axes - {"B"} for axes in (layer.center, layer.scale))
    return replace(layer, center=center, scale=scale)


BARE = ("norm[scale=C]", "norm[center=C, scale=C]", "norm[affine=H]")
LAYERS = (*dict.fromkeys(single(body.layer) for body in bodies()), *map(parse_layer, BARE))


def drawn_parameters(layer: Normalization, x: Array, random: np.random.Generator) -> Array | tuple[None, None]:
    shape = affine_shape(layer, x.shape)
    return (None, None) if shape is None else random.standard_normal((2, *shape)).astype(x.dtype)


SHAPES = ((1, 1, 1, 1), (3, 5, 1, 1), (2, 1, 3, 5), (3, 4, 7, 2), *LONG)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1000.0, 1.0), (0.1, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_passes_on_noise_and_constants(shape: tuple[int, ...], dtype: str, mean: float, deviation: float) -> None:
    random = np.random.default_rng(shape)
    noise = mean + deviation * random.standard_normal((2, *shape))
    x, y = (noise * random.uniform(1, 2, (1, *shape[:2], 1, 1))).astype(dtype)
    p = x.mean(axis=(2, 3))
    some = [Line(*random.standard_normal((2, *shape[:2]))) for _ in range(3)]
    chosen = [(some[0], some[1]), (some[2], some[2]), (some[1], some[0])]
    for over_channels in (False, True):
        agreement.of_moments(COMPILED, x, p, over_channels)
        agreement.of_cosines(COMPILED, x, p, over_channels, chosen)
    agreement.of_moments(COMPILED, x, None, False)
    agreement.of_compared(COMPILED, x, y)
    agreement.of_compared_on_lines(COMPILED, x, y, some)
    for layer in LAYERS:
        agreement.of_layer(COMPILED, layer, x, *drawn_parameters(layer, x, random), None)


@given(st.data(), maps(), st.booleans(), st.booleans())
@at_least(50)
def test_moments(data: st.DataObject, drawn: tuple[Array], over_channels: bool, given_pivots: bool) -> None:
    (x,) = drawn
    agreement.of_moments(COMPILED, x, data.draw(pivots(x)) if given_pivots else None, over_channels)


@given(st.data(), maps(), st.booleans())
@at_least(50)
def test_cosines(data: st.DataObject, drawn: tuple[Array], over_channels: bool) -> None:
    (x,) = drawn
    p, chosen = data.draw(pivots(x)), data.draw(st.lists(pairs(x), min_size=1, max_size=4))
    found = agreement.of_cosines(COMPILED, x, p, over_channels, chosen)
    # One line twice is a case of its own, with the same roundings as two lines that are equal.
    apart = [(left, Line(right.alpha, right.beta)) for left, right in chosen]
    np.testing.assert_array_equal(found, COMPILED.cosines(x, p, over_channels, apart))


@given(maps(2))
@at_least(50)
def test_compared(drawn: tuple[Array, Array]) -> None:
    agreement.of_compared(COMPILED, *drawn)
    same = COMPILED.compared(drawn[1], drawn[1])
    assert not same.relative_l2.any()
    assert not same.relative_maximum.any()


@given(st.data(), maps(2))
@at_least(50)
def test_compared_on_lines(data: st.DataObject, drawn: tuple[Array, Array]) -> None:
    chosen = data.draw(st.lists(lines(drawn[0]), min_size=1, max_size=3))
    agreement.of_compared_on_lines(COMPILED, *drawn, chosen)
    for same in COMPILED.compared_on_lines(drawn[1], drawn[1], chosen):
        assert not same.relative_l2.any()
        assert not same.relative_maximum.any()


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
        p = agreement.wide(data.draw(pivots(x)))
        known = p, ARRAYS.moments(agreement.wide(x), p)
    agreement.of_layer(COMPILED, layer, x, *given_parameters(data, layer, x), known)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_named_layers_with_every_affine_step(layer: Normalization, dtype: str) -> None:
    random = np.random.default_rng(5)
    x = (10 + random.standard_normal((2, 3, 4, 5))).astype(dtype)
    p = agreement.wide(x.mean(axis=(2, 3)))
    known = p, ARRAYS.moments(agreement.wide(x), p)
    for affine in (frozenset(axes) for size in range(5) for axes in itertools.combinations("BCHW", size)):
        varied = replace(layer, affine=affine)
        gain, bias = drawn_parameters(varied, x, random)
        for g, h, k in itertools.product((None, gain), (None, bias), (None, known)):
            agreement.of_layer(COMPILED, varied, x, g, h, k)


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
