"""Device functions against the array expressions in float64: on the processor, in two orders, and on a GPU.

The tolerances. A centered entry z = x - pivot - mean is off by at most (C + 6) u M, M the largest |x - pivot| of its
sample, u the unit roundoff: a mean over C channels and two differences. What is made of z follows to first order.
"""

from __future__ import annotations

import math
import mmap
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from numerics.arrays import to_numpy
from numerics.backends import load_backend
from numerics.bounds import rounding_bound
from numerics.experiment import device
from numerics.experiment.device import PAIRS, REALS, THREADS, CupyLauncher, DevicePasses, _Maps, source
from numerics.experiment.draws import Source
from numerics.experiment.factors import by_map, by_pixel
from numerics.experiment.maps import MapResult, measure_map
from numerics.experiment.passes import ArrayPasses, passes_of
from numerics.experiment.sides import Errors, Line, Pair
from numerics.experiment.variants import bodies
from numerics.layers import affine_shape, normalize_with_variance
from numerics.metrics import relative_l2
from tests.numerics.emulation import Emulation, build, signatures
from theory.spec.actions import NyquistPolicy
from theory.spec.catalogue import find_layer
from theory.spec.errors import SpecificationError
from theory.spec.layers import Normalization

SHAPES = [
    (2, 3, 1, 1),  # one pixel
    (2, 1, 4, 5),  # one channel
    (3, 5, 6, 7),  # eight groups of channels, and more maps than a block takes, but no multiple
    (1, 40, 9, 15),  # four groups, and more channels than are staged at once
    (2, 3, 17, 19),  # one group; two tiles, the last one not full
    (2, 2, 31, 37),  # a whole block of threads for each map
    (1, 9, 16, 32),  # tiles that are full
]
REFERENCE = ArrayPasses()
MAP_NORESERVE = 0x4000  # as Linux has it; not every Python names it
RNG = np.random.default_rng(5)


@dataclass(frozen=True)
class Place:
    """Where device functions run."""

    passes: DevicePasses
    asarray: Callable[[np.ndarray], Any]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return build(tmp_path_factory.mktemp("device"))


@pytest.fixture(params=["processor", "processor backwards", "cupy"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "cupy":
        try:
            return Place(DevicePasses(), load_backend("cupy").from_numpy)
        except SpecificationError as error:
            pytest.skip(str(error))
    libraries = request.getfixturevalue("libraries")
    return Place(DevicePasses(Emulation(libraries, "backwards" in request.param)), np.asarray)


def maps_of(shape: tuple[int, ...], dtype: str, mean: float = 1.0) -> np.ndarray:
    return (mean + np.random.default_rng(3).standard_normal(shape)).astype(dtype)


def unit(dtype: str) -> float:
    return float(np.finfo(dtype).eps) / 2


def pivots_of(x: np.ndarray) -> np.ndarray:
    return x.mean(axis=(2, 3)).astype(x.dtype)


def entry_tolerance(x: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """How far an entry may be off, for each sample; the reference rounds in float64, and over pixels too."""
    channels, pixels = x.shape[1], x.shape[2] * x.shape[3]
    largest = np.abs(x - pivots[:, :, None, None]).max(axis=(1, 2, 3)).astype(np.float64)
    return np.asarray(((channels + 6) * unit(str(x.dtype)) + (channels + pixels) * unit("float64")) * largest)


def line(shape: tuple[int, ...]) -> Line:
    return Line(RNG.standard_normal(shape[:2]), RNG.standard_normal(shape[:2]))


def cosine_tolerance(x: np.ndarray, tolerance: np.ndarray, lines: list[Line]) -> np.ndarray:
    """Of the cosine error between lines over entries x, each off by ``tolerance`` of its sample: (B,).

    With U the vector alpha x + beta of a pixel, it turns by |dU| / |U|, dU from the entries and from rounding products
    and coefficients; the sums of products round by (C + 4) u each.
    """
    u, found = unit(str(x.dtype)), np.zeros(len(x))
    for each in lines:
        alpha, beta = (part[:, :, None, None] for part in (each.alpha, each.beta))
        off = np.abs(alpha) * (tolerance[:, None, None, None] + 3 * u * np.abs(x)) + 3 * u * np.abs(beta)
        turned = np.sqrt((off**2).sum(axis=1) / ((alpha * x + beta) ** 2).sum(axis=1))
        found += 2 * turned.max(axis=(1, 2)) + 4 * (x.shape[1] + 4) * u
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", REALS)
def test_moments(place: Place, shape: tuple[int, ...], dtype: str) -> None:
    for mean, over_channels, pivoted in product((0.0, 30.0), (False, True), (False, True)):
        check_moments(place, maps_of(shape, dtype, mean), over_channels, pivoted)


def check_moments(place: Place, x: np.ndarray, over_channels: bool, pivoted: bool) -> None:
    shape = x.shape
    pivots = pivots_of(x) if pivoted else np.zeros(shape[:2], x.dtype)
    found = place.passes.moments(place.asarray(x), place.asarray(pivots) if pivoted else None, over_channels)
    expected = REFERENCE.moments(x.astype(np.float64), pivots.astype(np.float64), over_channels)
    off = np.broadcast_to(entry_tolerance(x, pivots)[:, None], shape[:2])
    for name in ("mean", "least", "greatest"):
        assert np.all(np.abs(getattr(found, name) - getattr(expected, name)) <= off), name
    size = np.sqrt(expected.square)
    assert np.all(np.abs(found.square - expected.square) <= (2 * size + off) * off)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", REALS)
def test_cosines(place: Place, shape: tuple[int, ...], dtype: str) -> None:
    for over_channels in (False, True):
        check_cosines(place, maps_of(shape, dtype, mean=5.0), over_channels)


def check_cosines(place: Place, x: np.ndarray, over_channels: bool) -> None:
    shape, pivots = x.shape, pivots_of(x)
    one = line(shape)
    # Different lines, one line twice, and more pairs than one launch takes.
    pairs: list[Pair] = [(line(shape), line(shape)), (one, one), *((line(shape), line(shape)) for _ in range(PAIRS))]
    z = x.astype(np.float64) - pivots[:, :, None, None]
    z = z - z.mean(axis=1, keepdims=True) if over_channels else z
    off = entry_tolerance(x, pivots)
    for chosen in (pairs[:1], pairs[1:3], pairs[:6], pairs):
        found = place.passes.cosines(place.asarray(x), place.asarray(pivots), over_channels, chosen)
        exact = x.astype(np.float64), pivots.astype(np.float64)
        expected = REFERENCE.cosines(*exact, over_channels, chosen)
        for i, pair in enumerate(chosen):
            tolerance = cosine_tolerance(z.astype(x.dtype), off, list(pair))
            assert np.all(np.abs(found[:, i] - expected[:, i]) <= tolerance)


def test_the_tolerance_of_a_cosine_tells_something() -> None:
    x = maps_of((2, 64, 9, 9), "float32")
    pivots = pivots_of(x)
    z = x - pivots[:, :, None, None]
    assert np.all(cosine_tolerance(z, entry_tolerance(x, pivots), [line(x.shape), line(x.shape)]) < 1e-3)


@pytest.mark.parametrize("dtype", REALS)
def test_a_pixel_without_length_counts_as_one(place: Place, dtype: str) -> None:
    x = maps_of((2, 3, 4, 5), dtype)
    x[:, :, 1, 2] = 0
    shape = x.shape[:2]
    gain = Line(np.ones(shape), np.zeros(shape))
    (found,) = place.passes.cosines(place.asarray(x), place.asarray(np.zeros(shape, dtype)), False, [(gain, gain)]).T
    np.testing.assert_allclose(found, 1 / 20, rtol=0, atol=cosine_tolerance(x + 1, np.zeros(2), [gain]).max())


def compare_errors(found: Errors, expected: Errors, x: np.ndarray, tolerance: np.ndarray) -> None:
    """A difference of two entries rounds once, and sums are in float64: a few units, relative."""
    few = 8 * unit(str(x.dtype)) + 2 * x[0].size * unit("float64")
    np.testing.assert_allclose(found.relative_l2, expected.relative_l2, rtol=few)
    np.testing.assert_allclose(found.relative_maximum, expected.relative_maximum, rtol=few)
    np.testing.assert_allclose(found.expected, expected.expected, rtol=few)
    assert np.all(np.abs(found.cosine - expected.cosine) <= tolerance)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("count", [1, 2, PAIRS + 1])
def test_two_arrays(place: Place, shape: tuple[int, ...], dtype: str, count: int) -> None:
    right = maps_of(shape, dtype)
    left = (right + 0.01 * np.random.default_rng(8).standard_normal(shape)).astype(dtype)
    same = Line(np.ones(shape[:2]), np.zeros(shape[:2]))
    # Far from 0, so that the mean square of a line over the moments does not cancel.
    lines = [Line(1 + each.alpha**2, 1 + each.beta**2) for each in (line(shape) for _ in range(count))]
    given, exact = (place.asarray(left), place.asarray(right)), (left.astype(np.float64), right.astype(np.float64))
    nothing = np.zeros(shape[0])
    compared = place.passes.compared(*given)
    compare_errors(compared, REFERENCE.compared(*exact), right, cosine_tolerance(right, nothing, [same, same]))
    on_lines = place.passes.compared_on_lines(*given, lines)
    for each, found, expected in zip(lines, on_lines, REFERENCE.compared_on_lines(*exact, lines), strict=True):
        power = (each.alpha**2 * (right.astype(np.float64) ** 2).mean(axis=(2, 3)) + each.beta**2) / found.expected
        found = replace(found, expected=expected.expected) if power.max() > 16 else found  # it did cancel here
        compare_errors(found, expected, right, cosine_tolerance(right, nothing, [each, each]))


def layers() -> list[Normalization]:
    """Those of the experiment, and some whose parameters vary along other axes."""
    instance = find_layer("InstanceNorm")
    more = [replace(instance, affine=frozenset(axes)) for axes in ("H", "W", "CW", "")]
    return [*(body.layer for body in bodies()), *more, replace(instance, scale=None), replace(instance, center=None)]


@pytest.mark.parametrize("layer", layers(), ids=str)
def test_layers(place: Place, layer: Normalization) -> None:
    for shape, dtype in product(SHAPES, REALS):
        check_layer(place, layer, maps_of(shape, dtype))


def check_layer(place: Place, layer: Normalization, x: np.ndarray) -> None:
    shape, dtype = x.shape, str(x.dtype)
    wanted = affine_shape(layer, shape)
    drawn = tuple(None if wanted is None else RNG.standard_normal(wanted).astype(dtype) for _ in range(2))
    pivots = pivots_of(x)
    known = pivots.astype(np.float64), REFERENCE.moments(x.astype(np.float64), pivots.astype(np.float64))
    for affine in ((None, None), drawn) if wanted is not None else ((None, None),):
        exact = tuple(None if value is None else value.astype(np.float64) for value in affine)
        y, variance = normalize_with_variance(layer, x.astype(np.float64), *exact)
        bound = rounding_bound(layer, x, y.astype(dtype), y.astype(dtype), 0.0, *affine)
        given = tuple(None if value is None else place.asarray(value) for value in affine)
        for told in (None, known):
            found, smallest = place.passes.normalized(layer, place.asarray(x), *given, told)
            assert np.all(relative_l2(to_numpy(found).astype(np.float64), y) <= bound)
            assert (smallest is None) == (variance is None)
            if smallest is not None and variance is not None:
                least = variance.min(axis=(2, 3), keepdims=True)
                # Entries are off as they are centered: to the mean of a map, or at a pixel to that of its channels.
                off = (x[0].size + 8) * unit(dtype) * np.abs(x).max()
                assert np.all(np.abs(smallest - least) <= (2 * np.sqrt(least) + off) * off)


def test_the_layers_are_applied_by_each_way_there_is() -> None:
    ways = {(by_pixel(layer, None), by_map(layer)) for layer in layers()}
    assert ways == {(True, False), (False, True), (False, False)}


def columns(result: MapResult) -> np.ndarray:
    return np.array([[m.relative_l2, m.relative_maximum, m.cosine, m.bound] for m in result.measurements])


@pytest.mark.parametrize("shape", [(2, 4, 6, 5), (1, 3, 17, 19)])
@pytest.mark.parametrize("dtype", REALS)
def test_the_experiment_agrees_within_its_bound_and_repeats_bit_by_bit(
    place: Place, shape: tuple[int, ...], dtype: str
) -> None:
    x, where = maps_of(shape, dtype), Source(7, "bn1")
    first, second = (
        columns(measure_map(place.asarray(x), where, NyquistPolicy.ONE_SIDED, passes=place.passes)) for _ in range(2)
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
    x, pairs = maps_of(shape, dtype), [(line(shape), line(shape)) for _ in range(3)]

    def all_of(rows: slice, backwards: bool) -> list[np.ndarray]:
        passes, some = DevicePasses(Emulation(libraries, backwards)), x[rows]
        chosen = [(left.of(rows), right.of(rows)) for left, right in pairs]
        found = [*vars(passes.moments(some, pivots_of(x)[rows], True)).values()]
        found += [passes.cosines(some, pivots_of(x)[rows], True, chosen)]
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


@pytest.mark.parametrize("large", [1e200, 1e30])
def test_squares_that_the_dtype_cannot_hold_are_infinite(place: Place, large: float) -> None:
    dtype = "float64" if large > 1e100 else "float32"
    x = np.full((1, 2, 3, 4), large, dtype)
    assert np.all(np.isinf(place.passes.moments(place.asarray(x), None).square))
    with warnings.catch_warnings(), pytest.raises(SpecificationError, match="squares are finite"):
        warnings.simplefilter("ignore")
        measure_map(place.asarray(x), Source(0, "bn1"), NyquistPolicy.SYMMETRIC, passes=place.passes)


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
    np.testing.assert_allclose(variance[0, -1], expected, rtol=channels * unit("float32"))
    np.testing.assert_allclose(y[0, -1, -1, -1], 5 / np.sqrt(expected), rtol=1e-3)
    y[0, -1] = 0
    passes._by_maps(z, "differences", x, y, z.maps, z.pixels, found)
    assert found[1, 0, -1] == 5
    one = np.ones(maps, np.float32)
    passes._by_maps(z, "scaled", x, one, 2 * one, one, 0, 0, pivots, 0, 0, z.maps, *given, y)
    assert y[0, -1, -1, -1] == 8
    means = np.zeros((1, pixels), np.float32)
    passes._by_tiles(z, "channel_means", x, pivots, True, *given, means)
    np.testing.assert_allclose(means[0, -1], 5 / channels, rtol=unit("float32") * 2)
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
    for name, dtype in product(("moments", "scaled"), (*REALS, *REALS)):
        CupyLauncher().launch(name, dtype, 3, (32, 8), [1])
    assert cupy.compiled == [(source(), ("-DREAL=float",)), (source(), ("-DREAL=double",))]
    assert cupy.launched == [(name, (3,), (32, 8), (1,)) for name in 4 * ["moments"] + 4 * ["scaled"]]
