"""The passes over CuPy arrays by device functions of our own, with the meaning of the array expressions.

The functions are in device.cu, which is compiled for float and for double when it is first used; the driver's cache
keeps the machine code. Each reads its arrays once, or twice where it needs a mean over channels first, and makes no
array beside but sums of tiles. What they compute is said in :mod:`numerics.experiment.sides` and
:mod:`numerics.metrics`. Who launches them is a :class:`Launcher`, so that the same source can be run by something else
than a GPU. A device without memory raises CuPy's own error.

The cost is the bytes moved: a function that takes numbers of maps or of pixels reads each entry once, neighboring
threads neighboring entries.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

import numpy as np

from numerics.arrays import Array, Floats, Namespace, namespace_of, ratio, to_numpy
from numerics.experiment.factors import by_map, by_pixel, factors
from numerics.experiment.passes import ArrayPasses, Known, Normalized
from numerics.experiment.sides import Errors, Line, MapMoments, Pair, errors_after_gain
from numerics.metrics import SMALLEST_NORM
from theory.spec.layers import Normalization

THREADS = 256
"""Threads of a block, as in device.cu."""
REALS = {"float32": "float", "float64": "double"}
"""The type of the entries of an array, in CUDA C++."""
PAIRS = 8
"""Pairs of lines that one launch takes: its sums stay in registers."""

Block = tuple[int, int]
"""Threads along x and y."""
Coefficients = Sequence[Floats | float]
"""Alpha and beta of a line, or of the left and the right one: for each map, or one for all."""


class Launcher(Protocol):
    """Runs device functions."""

    def launch(self, name: str, dtype: str, blocks: int, block: Block, arguments: Sequence[Any]) -> None:
        """Run the function ``name``, compiled for ``dtype``, on so many blocks of (x, y) threads.

        Arguments are contiguous arrays and NumPy scalars of the very types that the function takes.
        """


class CupyLauncher:
    """On the current device, in the current stream."""

    def launch(self, name: str, dtype: str, blocks: int, block: Block, arguments: Sequence[Any]) -> None:
        """See :class:`Launcher`."""
        device = importlib.import_module("cupy").cuda.runtime.getDevice()
        _function(name, dtype, device)((blocks,), block, tuple(arguments))


def source() -> str:
    """The device functions, in CUDA C++; REAL is to be defined as float or double."""
    return files("numerics.experiment").joinpath("device.cu").read_text(encoding="utf-8")


@cache
def _module(dtype: str, _device: int) -> Any:
    return importlib.import_module("cupy").RawModule(code=source(), options=(f"-DREAL={REALS[dtype]}",))


@cache
def _function(name: str, dtype: str, device: int) -> Any:
    return _module(dtype, device).get_function(name)


class DevicePasses(ArrayPasses):
    """See :class:`numerics.experiment.passes.ArrayPasses`; sums over pixels are in float64."""

    def __init__(self, launcher: Launcher | None = None) -> None:
        self.launcher: Launcher = launcher or CupyLauncher()

    def moments(self, x: Array, pivots: Array | None, over_channels: bool = False, ends: bool = True) -> MapMoments:
        """As there; the ends are always found."""
        z, pivoted = _Maps(x), pivots is not None
        # What is not read has to be an array all the same.
        given = z.xp.ascontiguousarray(pivots) if pivoted else z.entries
        means = z.entries
        if over_channels:
            means = z.empty(z.samples, z.pixels)
            self._by_tiles(z, "channel_means", z.entries, given, pivoted, z.channels, z.pixels, means)
        found = z.sums(4, z.samples, z.channels)
        sizes = z.maps, z.channels, z.pixels
        self._by_maps(z, "moments", z.entries, given, means, pivoted, over_channels, *sizes, found)
        return MapMoments(*to_numpy(found))

    def cosines(self, x: Array, pivots: Array, over_channels: bool, pairs: Sequence[Pair]) -> Floats:
        """As there."""
        z = _Maps(x)
        lines = [(left.alpha, left.beta, right.alpha, right.beta) for left, right in pairs]
        return self._cosines(z, "cosines", (z.entries, z.xp.ascontiguousarray(pivots), over_channels), lines)

    def normalized(
        self, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known | None = None
    ) -> Normalized:
        """As there."""
        if by_pixel(layer, gain, bias):
            return self._by_pixel(layer, x)
        if by_map(layer):
            return self._by_map(layer, x, gain, bias, known or self._known(x))
        return super().normalized(layer, x, gain, bias)

    def compared(self, left: Array, right: Array) -> Errors:
        """As there."""
        a, e = _Maps(left), _Maps(right)
        apart, far, _, squares, low, high = self._differences(a, e)
        (cosine,) = self._cosines(a, "cosines_of_two", (a.entries, e.entries), [(1.0, 0.0)]).T
        length = ratio(np, np.sqrt(apart.sum(axis=1)), np.sqrt(squares.sum(axis=1)))
        largest = np.maximum(high.max(axis=1), -low.min(axis=1))
        return Errors(length, ratio(np, far.max(axis=1), largest), cosine, squares)

    def compared_on_lines(self, left: Array, right: Array, lines: Sequence[Line]) -> list[Errors]:
        """As there."""
        a, e = _Maps(left), _Maps(right)
        squares_apart, far, mean, squares, low, high = self._differences(a, e)
        coefficients = [(line.alpha, line.beta) for line in lines]
        cosines = self._cosines(a, "cosines_of_two", (a.entries, e.entries), coefficients)
        nothing = np.zeros_like(far)
        apart, moments = MapMoments(nothing, squares_apart, nothing, far), MapMoments(mean, squares, low, high)
        return [errors_after_gain(line, apart, moments, cosines[:, i]) for i, line in enumerate(lines)]

    def _differences(self, a: _Maps, e: _Maps) -> Floats:
        """Of each map, (6, B, C): see the function of this name."""
        found = a.sums(6, a.samples, a.channels)
        self._by_maps(a, "differences", a.entries, e.entries, a.maps, a.pixels, found)
        return np.asarray(to_numpy(found))

    def _known(self, x: Array) -> Known:
        pivots = self.moments(x, None).mean.astype(x.dtype)
        return pivots.astype(np.float64), self.moments(x, namespace_of(x).asarray(pivots))

    def _by_pixel(self, layer: Normalization, x: Array) -> Normalized:
        z = _Maps(x)
        y, variance = z.xp.empty_like(z.entries), z.empty(z.samples, z.pixels)
        center, eps = layer.center is not None, float(layer.eps)
        self._by_tiles(z, "standardized", z.entries, center, eps, z.channels, z.pixels, y, variance)
        smallest = to_numpy(z.xp.min(variance, axis=1)).astype(np.float64)
        return z.xp.reshape(y, x.shape), smallest[:, None, None, None]

    def _by_map(
        self, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known
    ) -> Normalized:
        z, found = _Maps(x), factors(layer, known)
        y = z.xp.empty_like(z.entries)
        of_maps = (z.xp.asarray(values.astype(x.dtype)) for values in (found.mean, found.root))
        affine = (*_strided(x, gain, 1), *_strided(x, bias, 0))
        self._by_maps(z, "scaled", z.entries, *of_maps, *affine, z.maps, z.channels, z.pixels, y)
        return z.xp.reshape(y, x.shape), None if found.variance is None else found.variance[..., None, None]

    def _cosines(self, z: _Maps, name: str, first: tuple[Any, ...], lines: Sequence[Coefficients]) -> Floats:
        """The mean cosine errors (B, n) of n pairs by their coefficients; the arguments ``first`` come first."""
        found = []
        for start in range(0, len(lines), PAIRS):
            some = lines[start : start + PAIRS]
            coefficients = np.empty((len(some), len(some[0]), z.samples, z.channels), z.entries.dtype)
            for into, values in zip(coefficients, some, strict=True):
                for place, value in enumerate(values):
                    into[place] = value
            partial, sums = z.sums(z.samples, z.tiles, len(some)), z.sums(z.samples, len(some))
            sizes = z.samples, z.channels, z.pixels
            given = *first, z.xp.asarray(coefficients), *sizes, SMALLEST_NORM, partial
            self._by_tiles(z, f"{name}_{len(some)}", *given)
            blocks = _ceil(z.samples * len(some), THREADS)
            self._launch(z, "totals", blocks, (THREADS, 1), partial, z.samples, z.tiles, len(some), sums)
            found.append(to_numpy(sums) / z.pixels)
        return np.concatenate(found, axis=1)

    def _by_tiles(self, z: _Maps, name: str, *arguments: Any) -> None:
        self._launch(z, name, z.samples * z.tiles, z.tile, *arguments)

    def _by_maps(self, z: _Maps, name: str, *arguments: Any) -> None:
        self._launch(z, name, _ceil(z.maps, z.rows[1]), z.rows, *arguments)

    def _launch(self, z: _Maps, name: str, blocks: int, block: Block, *arguments: Any) -> None:
        """Python's numbers become those that device functions take."""
        numbers: dict[type, Any] = {bool: np.int32, int: np.int64, float: np.float64}
        given = [numbers[type(each)](each) if type(each) in numbers else each for each in arguments]
        self.launcher.launch(name, str(z.entries.dtype), blocks, block, given)


class _Maps:
    """An array as contiguous maps (B, C, P), and how its parts are shared out among threads.

    Both ways depend on the size of maps only, so that a sample's sums do not depend on how many there are.
    """

    def __init__(self, x: Array) -> None:
        self.xp: Namespace = namespace_of(x)
        self.samples, self.channels = int(x.shape[0]), int(x.shape[1])
        self.entries = self.xp.reshape(self.xp.ascontiguousarray(x), (self.samples, self.channels, -1))
        self.pixels = int(self.entries.shape[2])
        self.maps = self.samples * self.channels
        # Where pixels are few, channels are what there is to share out.
        groups = 8 if self.pixels <= THREADS // 2 else 4 if self.pixels <= THREADS else 1
        self.tile: Block = (THREADS // groups, groups)
        self.tiles = _ceil(self.pixels, self.tile[0])
        width = next(width for width in (32, 64, 128, THREADS) if width == THREADS or 8 * width >= self.pixels)
        self.rows: Block = (width, THREADS // width)

    def empty(self, *shape: int) -> Array:
        """An array of the same dtype."""
        return self.xp.empty(shape, dtype=self.entries.dtype)

    def sums(self, *shape: int) -> Array:
        """An array for sums, float64."""
        return self.xp.empty(shape, dtype=self.xp.float64)


def _strided(x: Array, value: Array | None, default: float) -> tuple[Array, int, int]:
    """Gain or bias, with each size 1 or that of ``x``, as an array with its steps along channels and along pixels."""
    xp = namespace_of(x)
    if value is None:
        return xp.full((1,), default, dtype=x.dtype), 0, 0
    if tuple(value.shape[2:]) not in ((1, 1), tuple(x.shape[2:])):
        value = xp.broadcast_to(value, (*value.shape[:2], *x.shape[2:]))
    flat = xp.ascontiguousarray(xp.reshape(value, (value.shape[1], -1)))
    channels, pixels = flat.shape
    return flat, 0 if channels == 1 else pixels, 0 if pixels == 1 else 1


def _ceil(count: int, size: int) -> int:
    return -(-count // size)
