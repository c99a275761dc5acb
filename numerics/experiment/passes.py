"""The passes over arrays that the experiment is made of, for any array library.

An engine asks for these five and does the rest on numbers of maps; who has faster ones for some arrays gives another
:class:`Passes` (:mod:`numerics.experiment.compiled`). Arrays are maps (B, C, H, W), float32 or float64; numbers that
are returned are float64 on the host. *Centered* maps are Z = x - pivot, or that less its mean over the channels at each
pixel.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

import array_api_compat
import numpy as np

from numerics.arrays import Array, Floats, Namespace, namespace_of, sum_of_products, to_numpy
from numerics.bounds import mean_square, smallest_per_map
from numerics.experiment.sides import Errors, Line, MapMoments, Pair, PairSums, errors_after_gain
from numerics.layers import normalize_with_variance
from numerics.metrics import SMALLEST_NORM, compare
from theory.spec.axes import BCHW
from theory.spec.layers import Normalization

Known = tuple[Floats, MapMoments]
"""The pivots (B, C) of an array, and the moments of its maps less these."""
Normalized = tuple[Array, Floats | None]
"""The output of a layer, and the smallest variance in each map, (B, C, 1, 1); None without a scaling step."""


class Passes(Protocol):
    """See :class:`ArrayPasses`, which defines what each computes."""

    piece_bytes: int
    """Bytes of x that are best measured in one go, where samples are cut into pieces."""

    def moments(self, x: Array, pivots: Array | None, over_channels: bool = False, ends: bool = True) -> MapMoments:
        """The moments of each map."""

    def cosines(self, x: Array, pivots: Array, over_channels: bool, pairs: Sequence[Pair]) -> Floats:
        """The cosine errors of pairs of lines."""

    def normalized(
        self, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known | None = None
    ) -> Normalized:
        """A layer that needs no other samples."""

    def compared(self, left: Array, right: Array) -> Errors:
        """Two arrays."""

    def compared_on_lines(self, left: Array, right: Array, lines: Sequence[Line]) -> list[Errors]:
        """Two arrays under several lines."""


class ArrayPasses:
    """The passes as expressions of the array API: the definition, on any device."""

    piece_bytes = 2**20
    """Small enough for the cache of one core together with the arrays that expressions make."""

    def moments(self, x: Array, pivots: Array | None, over_channels: bool = False, ends: bool = True) -> MapMoments:
        """Mean, mean square, least and greatest entry of Z on each map; of x itself without ``pivots`` (B, C).

        Without ``ends``, least and greatest entry may stay 0.
        """
        xp = namespace_of(x)
        return _moments(xp, _centered(xp, x, pivots, over_channels), ends)

    def cosines(self, x: Array, pivots: Array, over_channels: bool, pairs: Sequence[Pair]) -> Floats:
        """The cosine error of each pair of lines over Z, (B, pairs); the published one, see :mod:`numerics.metrics`."""
        xp = namespace_of(x)
        z, sums = _centered(xp, x, pivots, over_channels), PairSums.of(pairs)
        products = xp.matmul(_like(xp, z, sums.by_square), z * z)
        products += xp.matmul(_like(xp, z, sums.by_entry), z)
        products += _like(xp, z, sums.constant)[..., None]
        count = len(pairs)
        return _cosine(xp, *(products[:, first : first + count, :] for first in (0, count, 2 * count)))

    def normalized(
        self, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known | None = None
    ) -> Normalized:
        """:func:`numerics.layers.normalize` of a layer whose samples need no other; ``known`` may save a pass."""
        y, variance = normalize_with_variance(layer, x, gain, bias)
        return y, None if variance is None else smallest_per_map(BCHW, variance)

    def compared(self, left: Array, right: Array) -> Errors:
        """:func:`numerics.metrics.compare`, and the mean square of each map of ``right``."""
        found = compare(left, right, BCHW.index("C"))
        length, largest, cosine = (
            to_numpy(each).astype(np.float64) for each in (found.relative_l2, found.relative_maximum, found.cosine)
        )
        return Errors(length, largest, cosine, mean_square(BCHW, right)[..., 0, 0])

    def compared_on_lines(self, left: Array, right: Array, lines: Sequence[Line]) -> list[Errors]:
        """Each line on both arrays, compared: gain and bias after the motion, for all of them at once."""
        xp = namespace_of(left)
        left, right = _pixels(xp, left), _pixels(xp, right)
        moments, apart = _moments(xp, right, ends=True), _moments(xp, left - right, ends=True)
        sums = PairSums.of([(line, line) for line in lines])
        by_square, by_entry = (_like(xp, left, w[:, : len(lines)]) for w in (sums.by_square, sums.by_entry / 2))
        constant = _like(xp, left, sums.constant[:, : len(lines), None])
        of_left, of_right = xp.matmul(by_entry, left), xp.matmul(by_entry, right)
        inner = xp.matmul(by_square, left * right) + of_left + of_right + constant
        lefts = xp.matmul(by_square, left * left) + 2 * of_left + constant
        rights = xp.matmul(by_square, right * right) + 2 * of_right + constant
        cosines = _cosine(xp, inner, lefts, rights)
        return [errors_after_gain(line, apart, moments, cosines[:, i]) for i, line in enumerate(lines)]


def passes_of(backend: str) -> Passes:
    """The passes for the arrays of a backend, by its name (:mod:`numerics.backends`)."""
    if backend == "numba":
        found: Passes = importlib.import_module("numerics.experiment.compiled").CompiledPasses()
        return found
    if backend == "cupy":
        on_device: Passes = importlib.import_module("numerics.experiment.device").DevicePasses()
        return on_device
    return ArrayPasses()


def _pixels(xp: Namespace, x: Array) -> Array:
    return xp.reshape(x, (x.shape[0], x.shape[1], -1))


def _centered(xp: Namespace, x: Array, pivots: Array | None, over_channels: bool) -> Array:
    """Z as maps (B, C, P)."""
    z = _pixels(xp, x)
    z = z if pivots is None else z - pivots[..., None]
    # Means by matrix products: short rows are summed several times faster so.
    return z - xp.matmul(_ones(xp, z, 1, z.shape[1]), z) / z.shape[1] if over_channels else z


def _moments(xp: Namespace, z: Array, ends: bool) -> MapMoments:
    mean = xp.matmul(z, _ones(xp, z, z.shape[2], 1))[..., 0] / z.shape[2]
    found = [mean, sum_of_products(xp, z, z, (2,)) / z.shape[2]]
    found += [xp.min(z, axis=2), xp.max(z, axis=2)] if ends else [xp.zeros_like(mean)] * 2
    return MapMoments(*(to_numpy(part).astype(np.float64) for part in found))


def _ones(xp: Namespace, like: Array, rows: int, columns: int) -> Array:
    return xp.ones((rows, columns), dtype=like.dtype, device=array_api_compat.device(like))


def _like(xp: Namespace, like: Array, values: Floats) -> Array:
    return xp.asarray(values, dtype=like.dtype, device=array_api_compat.device(like))


def _cosine(xp: Namespace, inner: Array, left: Array, right: Array) -> Floats:
    """The mean over pixels of 1 - <a, e> / (|a| |e|), from <a, e>, <a, a> and <e, e>, each (B, lines, P)."""
    least = _like(xp, inner, np.asarray(SMALLEST_NORM**2))
    norms = xp.sqrt(xp.maximum(left, least)) * xp.sqrt(xp.maximum(right, least))
    return np.asarray(to_numpy(xp.mean(1 - inner / norms, axis=2)).astype(np.float64))
