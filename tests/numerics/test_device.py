"""Device functions against the array expressions: on the processor, in two orders of threads, and on a GPU.

Each is held to a bound that follows from dtype, numbers of summands and cancellation, and to equality where nothing may
round (:mod:`tests.numerics.agreement`).
"""

from __future__ import annotations

import itertools
import math
import mmap
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.arrays import Array, Floats, to_numpy
from numerics.backends import load_backend
from numerics.experiment import device
from numerics.experiment.device import PAIRS, REALS, THREADS, CupyLauncher, DevicePasses, _Maps, source
from numerics.experiment.draws import Source
from numerics.experiment.factors import by_map, by_pixel
from numerics.experiment.maps import MapResult, measure_map
from numerics.experiment.passes import Known, passes_of
from numerics.experiment.sides import Errors, Line, MapMoments, Pair
from numerics.experiment.variants import bodies
from numerics.layers import affine_shape
from tests.effort import at_least
from tests.numerics import agreement
from tests.numerics.emulation import Emulation, build, signatures
from tests.numerics.maps import lines, maps, pairs, pivots
from theory.spec.actions import NyquistPolicy
from theory.spec.catalogue import find_layer
from theory.spec.errors import SpecificationError
from theory.spec.layers import Normalization, Statistics, parse_layer

SHAPES = [
    (2, 3, 1, 1),  # one pixel
    (2, 1, 4, 5),  # one channel
    (3, 5, 6, 7),  # eight groups of channels, and more maps than a block takes, but no multiple
    (1, 40, 9, 15),  # four groups, and more channels than are staged at once
    (2, 3, 17, 19),  # one group; two tiles, the last one not full
    (2, 2, 31, 37),  # a whole block of threads for each map
    (1, 9, 16, 32),  # tiles that are full
]
EPS = np.finfo(np.float32).eps
MAP_NORESERVE = 0x4000  # as Linux has it; not every Python names it


@dataclass(frozen=True)
class Placed:
    """Passes that take NumPy's arrays to where device functions run, and bring what they make back."""

    passes: DevicePasses
    asarray: Callable[[Any], Any]
    piece_bytes = DevicePasses.piece_bytes

    def moments(self, x: Array, pivots: Array | None, over_channels: bool = False, ends: bool = True) -> MapMoments:
        return self.passes.moments(self.asarray(x), self._given(pivots), over_channels, ends)

    def cosines(self, x: Array, pivots: Array, over_channels: bool, pairs: Sequence[Pair]) -> Floats:
        return self.passes.cosines(self.asarray(x), self.asarray(pivots), over_channels, pairs)

    def normalized(
        self, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known | None = None
    ) -> tuple[Array, Floats | None]:
        y, variance = self.passes.normalized(layer, self.asarray(x), self._given(gain), self._given(bias), known)
        return to_numpy(y), variance

    def compared(self, left: Array, right: Array) -> Errors:
        return self.passes.compared(self.asarray(left), self.asarray(right))

    def compared_on_lines(self, left: Array, right: Array, lines: Sequence[Line]) -> list[Errors]:
        return self.passes.compared_on_lines(self.asarray(left), self.asarray(right), lines)

    def _given(self, value: Array | None) -> Any:
        return None if value is None else self.asarray(value)


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return build(tmp_path_factory.mktemp("device"))


@pytest.fixture(scope="module", params=["processor", "cupy"])
def placed(request: pytest.FixtureRequest) -> Placed:
    if request.param == "cupy":
        try:
            return Placed(DevicePasses(), load_backend("cupy").from_numpy)
        except SpecificationError as error:
            pytest.skip(str(error))
    return Placed(DevicePasses(Emulation(request.getfixturevalue("libraries"))), np.asarray)


def maps_of(shape: tuple[int, ...], dtype: str, mean: float = 1.0) -> np.ndarray:
    return (mean + np.random.default_rng(3).standard_normal(shape)).astype(dtype)


def lines_of(x: Array, count: int) -> list[Line]:
    return [Line(*each) for each in np.random.default_rng(4).standard_normal((count, 2, *x.shape[:2]))]


def pivots_of(x: Array) -> Array:
    return x.mean(axis=(2, 3))


def layers() -> list[Normalization]:
    """Those of the experiment without means over samples, and some whose parameters vary along other axes."""
    found = []
    for layer in dict.fromkeys(body.layer for body in bodies()):
        batch = layer.statistics is Statistics.BATCH
        found.append(replace(layer, center=layer.center - {"B"}, scale=layer.scale - {"B"}) if batch else layer)
    instance = find_layer("InstanceNorm")
    more = [replace(instance, affine=frozenset(axes)) for axes in ("H", "W", "CW", "BC", "")]
    bare = [parse_layer(text) for text in ("norm[scale=C]", "norm[center=HW]", "norm[scale=CHW]", "norm[affine=C]")]
    return [*found, *more, *bare]


def test_the_layers_are_applied_by_each_way_there_is() -> None:
    ways = {(by_pixel(layer, None, None), by_map(layer)) for layer in layers()}
    assert ways == {(True, False), (False, True), (False, False)}


def parameters_of(layer: Normalization, x: Array) -> Any:
    shape, random = affine_shape(layer, x.shape), np.random.default_rng(6)
    return (None, None) if shape is None else random.standard_normal((2, *shape)).astype(x.dtype)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (30.0, 1.0), (0.1, 0.0)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", REALS)
def test_all_passes_on_noise_and_constants(
    placed: Placed, shape: tuple[int, ...], dtype: str, mean: float, deviation: float
) -> None:
    random = np.random.default_rng(shape)
    x, y = (mean + deviation * random.standard_normal((2, *shape))).astype(dtype)
    some = lines_of(x, PAIRS + 2)
    for over_channels in (False, True):
        agreement.of_moments(placed, x, pivots_of(x), over_channels)
        agreement.of_moments(placed, x, None, over_channels)
        # Different lines, one line twice, and more pairs than one launch takes.
        for chosen in ([(some[0], some[0])], list(itertools.pairwise(some))):
            agreement.of_cosines(placed, x, pivots_of(x), over_channels, chosen)
    agreement.of_compared(placed, x, y)
    agreement.of_compared_on_lines(placed, x, y, some[:2])
    for layer in layers():
        agreement.of_layer(placed, layer, x, None, None, None)
        gain, bias = parameters_of(layer, x)
        if gain is not None:
            for g, h in ((gain, bias), (gain, None), (None, bias)):
                agreement.of_layer(placed, layer, x, g, h, None)


@given(st.data(), maps(2), st.booleans())
@at_least(50)
def test_all_passes_on_any_maps(placed: Placed, data: st.DataObject, drawn: tuple[Array, Array], over: bool) -> None:
    x, y = drawn
    p, some = data.draw(pivots(x)), data.draw(st.lists(lines(x), min_size=1, max_size=3))
    agreement.of_moments(placed, x, data.draw(st.sampled_from([p, None])), over)
    agreement.of_cosines(placed, x, p, over, data.draw(st.lists(pairs(x), min_size=1, max_size=3)))
    agreement.of_compared(placed, x, y)
    agreement.of_compared_on_lines(placed, x, y, some)
    layer, exact = data.draw(st.sampled_from(layers())), agreement.wide(p)
    known = data.draw(st.sampled_from([None, (exact, agreement.ARRAYS.moments(agreement.wide(x), exact))]))
    agreement.of_layer(placed, layer, x, *parameters_of(layer, x), known)


@pytest.mark.parametrize("dtype", REALS)
def test_nothing_is_0_away_from_nothing_and_an_error_over_nothing_is_infinite(placed: Placed, dtype: str) -> None:
    zero = np.zeros((2, 3, 4, 5), dtype)
    other = zero.copy()
    other[1, 2, 3, 4] = 1e-3
    line = Line(np.ones((2, 3)), np.zeros((2, 3)))
    for found in (placed.compared(other, zero), *placed.compared_on_lines(other, zero, [line])):
        for error in (found.relative_l2, found.relative_maximum):
            np.testing.assert_array_equal(error, [0, np.inf])
        np.testing.assert_array_equal(found.cosine, 1)


def columns(result: MapResult) -> np.ndarray:
    return np.array([[m.relative_l2, m.relative_maximum, m.cosine, m.bound] for m in result.measurements])


@pytest.mark.parametrize("shape", [(2, 4, 6, 5), (1, 3, 17, 19)])
@pytest.mark.parametrize("dtype", REALS)
def test_the_experiment_agrees_within_its_bound_and_repeats_bit_by_bit(
    placed: Placed, shape: tuple[int, ...], dtype: str
) -> None:
    x, where = maps_of(shape, dtype), Source(7, "bn1")
    first, second = (
        columns(measure_map(placed.asarray(x), where, NyquistPolicy.ONE_SIDED, passes=placed.passes)) for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()
    exact = columns(measure_map(x.astype(np.float64), where, NyquistPolicy.ONE_SIDED))
    bound = first[:, 3]
    assert np.all(np.abs(first[:, 0] - exact[:, 0]) <= bound)
    assert np.all(np.abs(first[:, 1] - exact[:, 1]) <= 2 * bound)
    assert np.all(np.abs(first[:, 2] - exact[:, 2]) <= bound + 8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [*SHAPES, (3, 33, 4, 4)])
@pytest.mark.parametrize("dtype", REALS)
def test_no_order_of_threads_and_no_other_sample_changes_a_bit(
    libraries: dict[str, Any], shape: tuple[int, ...], dtype: str
) -> None:
    x = maps_of(shape, dtype)
    chosen = list(itertools.pairwise(lines_of(x, 4)))

    def all_of(rows: slice, backwards: bool) -> list[np.ndarray]:
        passes, some = DevicePasses(Emulation(libraries, backwards)), x[rows]
        of_rows = [(left.of(rows), right.of(rows)) for left, right in chosen]
        found = [*vars(passes.moments(some, pivots_of(x)[rows], True)).values()]
        found += [passes.cosines(some, pivots_of(x)[rows], True, of_rows)]
        found += vars(passes.compared(some, some[..., ::-1])).values()
        for name in ("LayerNorm-CHW", "LayerNorm-C"):
            found += [part for part in passes.normalized(find_layer(name), some, None, None) if part is not None]
        return found

    everything = slice(0, shape[0])
    one_way = all_of(everything, backwards=False)
    for before, after in zip(one_way, all_of(everything, backwards=True), strict=True):
        np.testing.assert_array_equal(before, after)
    last = slice(shape[0] - 1, shape[0])
    for before, after in zip(one_way, all_of(last, backwards=False), strict=True):
        np.testing.assert_array_equal(before[last], after)


@pytest.mark.parametrize(("large", "dtype"), [(1e30, "float32"), (1e200, "float64")])
def test_squares_that_the_dtype_cannot_hold_are_infinite(placed: Placed, large: float, dtype: str) -> None:
    x = np.full((1, 2, 3, 4), large, dtype)
    assert np.all(np.isinf(placed.moments(x, None).square))
    with warnings.catch_warnings(), pytest.raises(SpecificationError, match="squares are finite"):
        warnings.simplefilter("ignore")
        measure_map(placed.asarray(x), Source(0, "bn1"), NyquistPolicy.SYMMETRIC, passes=placed.passes)


def reserved(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros, of which only the pages that are written take memory."""
    if sys.platform != "linux":
        pytest.skip("large arrays of which a few pages are used are had as Linux gives them")
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
    try:
        held = mmap.mmap(-1, 4 * math.prod(shape), flags=flags)
    except OSError as error:
        pytest.skip(f"{4 * math.prod(shape)} bytes of addresses cannot be had: {error}")
    held.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(held, np.float32).reshape(shape)


def test_indices_have_64_bits(libraries: dict[str, Any]) -> None:
    """The last block of an array of more than 2^31 entries."""
    channels, side = 2**11 + 1, 2**10
    assert channels * side * side > 2**31
    x, y = (reserved((1, channels, side, side)) for _ in range(2))
    x[0, -1] = 2
    x[0, -1, -1, -1] = 5
    passes = DevicePasses(Emulation(libraries, last=True))
    pixels, maps = side * side, (1, channels)
    pivots = np.zeros(maps, np.float32)
    low, high = (getattr(passes.moments(x, None), name)[0, -1] for name in ("least", "greatest"))
    assert (low, high) == (2, 5)

    z = _Maps(x)
    variance, found = np.zeros((1, pixels), np.float32), np.zeros((6, *maps))
    given = z.channels, z.pixels
    passes._by_tiles(z, "standardized", x, True, 1e-6, *given, y, variance)
    expected = (25 / channels) * (1 - 1 / channels)
    np.testing.assert_allclose(variance[0, -1], expected, rtol=channels * EPS)
    np.testing.assert_allclose(y[0, -1, -1, -1], 5 / np.sqrt(expected), rtol=1e-3)
    y[0, -1] = 0
    passes._by_maps(z, "differences", x, y, z.maps, z.pixels, found)
    assert found[1, 0, -1] == 5
    one = np.ones(maps, np.float32)
    passes._by_maps(z, "scaled", x, one, 2 * one, one, 0, 0, pivots, 0, 0, z.maps, *given, y)
    assert y[0, -1, -1, -1] == 8
    means = np.zeros((1, pixels), np.float32)
    passes._by_tiles(z, "channel_means", x, pivots, True, *given, means)
    np.testing.assert_allclose(means[0, -1], 5 / channels, rtol=EPS)
    partial, lines = np.zeros((z.tiles, 1)), np.ones((1, 4, *maps), np.float32)
    lines[0, [1, 3]] = 0
    lines[0, 2, 0, -1] = -1
    passes._by_tiles(z, "cosines_1", x, pivots, False, lines, z.samples, *given, 1e-8, partial)
    assert partial[-1] == pytest.approx(2 * THREADS)


def test_every_function_has_been_named_once() -> None:
    names = {"channel_means", "moments", "differences", "standardized", "scaled", "totals"}
    names |= {f"{kind}_{count}" for kind in ("cosines", "cosines_of_two") for count in range(1, PAIRS + 1)}
    assert set(signatures()) == names


@pytest.mark.parametrize("dtype", REALS)
def test_a_compiler_for_gpus_takes_the_source(tmp_path: Path, dtype: str) -> None:
    compiler = shutil.which("nvcc")
    if compiler is None:
        pytest.skip("nvcc, the compiler of the CUDA toolkit, is not installed")
    (tmp_path / "device.cu").write_text(source(), encoding="utf-8")
    options = ["-ptx", "-Xcicc", "-O0", "-Werror", "all-warnings", f"-DREAL={REALS[dtype]}"]
    done = subprocess.run(
        [compiler, *options, "device.cu"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "device.ptx").read_text(encoding="utf-8")
    assert all(f".entry {name}(" in text for name in signatures())


def test_cupy_is_given_these_passes() -> None:
    assert type(passes_of("cupy")) is DevicePasses


class RecordedCupy:
    """What is asked of CuPy, with its signatures."""

    def __init__(self) -> None:
        self.compiled: list[tuple[str, tuple[str, ...]]] = []
        self.launched: list[tuple[Any, ...]] = []
        self.cuda = SimpleNamespace(runtime=SimpleNamespace(getDevice=lambda: 0))

    def RawModule(self, code: str, options: tuple[str, ...]) -> Any:
        self.compiled.append((code, options))
        return SimpleNamespace(get_function=lambda name: lambda *given: self.launched.append((name, *given)))


def test_each_dtype_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy = RecordedCupy()
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    for forget in (device._module, device._function):
        monkeypatch.setattr(device, forget.__name__, cache(forget.__wrapped__))
    for name, dtype in itertools.product(("moments", "scaled"), (*REALS, *REALS)):
        CupyLauncher().launch(name, dtype, 3, (32, 8), [1])
    assert cupy.compiled == [(source(), ("-DREAL=float",)), (source(), ("-DREAL=double",))]
    assert cupy.launched == [(name, (3,), (32, 8), (1,)) for name in 4 * ["moments"] + 4 * ["scaled"]]
