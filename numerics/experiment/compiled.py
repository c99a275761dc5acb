"""The passes over NumPy arrays as compiled loops, with the meaning of the array expressions and less memory traffic.

Layers are applied by a loop where their statistics are one number for each map or for each pixel; the expressions of
:class:`ArrayPasses` are there for any other. Importing this module imports Numba, an optional dependency.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numerics.arrays import Array, Floats, ratio
from numerics.experiment import loops
from numerics.experiment.factors import by_map, by_pixel, factors
from numerics.experiment.passes import ArrayPasses, Known, Normalized
from numerics.experiment.sides import Errors, Line, MapMoments, Pair, errors_after_gain
from numerics.metrics import SMALLEST_NORM
from theory.spec.layers import Normalization


class CompiledPasses(ArrayPasses):
    """See :class:`numerics.experiment.passes.ArrayPasses`; arrays are NumPy's, sums over pixels are in float64."""

    piece_bytes = 2**22
    """The loops cut by themselves what they read; a piece is as long as a thread should go without the interpreter."""

    def moments(self, x: Array, pivots: Array | None, over_channels: bool = False, ends: bool = True) -> MapMoments:
        """As there; the ends are always found."""
        z = _pixels(x)
        sums = np.empty((*z.shape[:2], 4))
        loops.moments(z, np.zeros(z.shape[:2], z.dtype) if pivots is None else pivots, over_channels, sums)
        # Sums in float64 may be finite where those of the other passes in the dtype of x are not.
        squares = np.where(sums[..., 1] > np.finfo(x.dtype).max, np.inf, sums[..., 1])
        return MapMoments(sums[..., 0] / z.shape[2], squares / z.shape[2], sums[..., 2], sums[..., 3])

    def cosines(self, x: Array, pivots: Array, over_channels: bool, pairs: Sequence[Pair]) -> Floats:
        """As there."""
        found, alike = np.empty((x.shape[0], len(pairs))), np.array([left is right for left, right in pairs])
        alphas, betas = _weights(x, pairs)
        loops.cosines(_pixels(x), pivots, over_channels, alphas, betas, alike, SMALLEST_NORM, found)
        return found

    def normalized(
        self, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known | None = None
    ) -> Normalized:
        """As there."""
        if by_pixel(layer, gain, bias):
            return self._by_pixel(layer, x)
        if by_map(layer):
            return self._by_map(layer, x, gain, bias, known or self._known(x))
        return super().normalized(layer, x, gain, bias)

    def _by_pixel(self, layer: Normalization, x: Array) -> Normalized:
        z, y = _pixels(x), np.empty(x.shape, x.dtype)
        variance = np.empty((z.shape[0], z.shape[2]), z.dtype)
        loops.standardized(z, layer.center is not None, float(layer.eps), _pixels(y), variance)
        return y, variance.min(axis=1).astype(np.float64)[:, None, None, None]

    def _known(self, x: Array) -> Known:
        pivots = self.moments(x, None).mean.astype(x.dtype)
        return pivots.astype(np.float64), self.moments(x, pivots)

    def _by_map(
        self, layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known
    ) -> Normalized:
        y, found = np.empty(x.shape, x.dtype), factors(layer, known)
        affine = _everywhere(x, gain, 1), _everywhere(x, bias, 0)
        loops.scaled(_pixels(x), found.mean.astype(x.dtype), found.root.astype(x.dtype), *affine, _pixels(y))
        return y, None if found.variance is None else found.variance[..., None, None]

    def compared(self, left: Array, right: Array) -> Errors:
        """As there."""
        a, e = _pixels(left), _pixels(right)
        found, squares = np.empty((a.shape[0], 4)), np.empty(a.shape[:2])
        loops.compared(a, e, SMALLEST_NORM, found, squares)
        length = ratio(np, np.sqrt(found[:, 0]), np.sqrt(squares.sum(axis=1)))
        return Errors(length, ratio(np, found[:, 1], found[:, 2]), found[:, 3], squares / a.shape[2])

    def compared_on_lines(self, left: Array, right: Array, lines: Sequence[Line]) -> list[Errors]:
        """As there."""
        a, e = _pixels(left), _pixels(right)
        alphas, betas = _weights(a, [(line, line) for line in lines])
        sums, cosines = np.empty((*a.shape[:2], 6)), np.empty((a.shape[0], len(lines)))
        loops.compared_on_lines(a, e, alphas, betas, SMALLEST_NORM, sums, cosines)
        pixels, nothing = a.shape[2], np.zeros(a.shape[:2])
        apart = MapMoments(nothing, sums[..., 0] / pixels, nothing, sums[..., 1])
        moments = MapMoments(sums[..., 2] / pixels, sums[..., 3] / pixels, sums[..., 4], sums[..., 5])
        return [errors_after_gain(line, apart, moments, cosines[:, i]) for i, line in enumerate(lines)]


def _pixels(x: Array) -> Array:
    return np.ascontiguousarray(x).reshape(x.shape[0], x.shape[1], -1)


def _weights(x: Array, pairs: Sequence[Pair]) -> tuple[Array, Array]:
    """Alpha and beta, (B, C, pairs, 2), in the dtype of ``x``."""
    found = np.empty((2, *pairs[0][0].alpha.shape, len(pairs), 2), dtype=x.dtype)
    for i, pair in enumerate(pairs):
        for side, line in enumerate(pair):
            found[0, :, :, i, side], found[1, :, :, i, side] = line.alpha, line.beta
    return found[0], found[1]


def _everywhere(x: Array, value: Array | None, absent: int) -> Array:
    """A gain or a bias at each entry of a sample, (C, P); one that is given so is not copied."""
    shape = (1, *x.shape[1:])
    value = np.full(shape, absent, x.dtype) if value is None else value
    # An array broadcast to its own shape would be read-only, for which Numba compiles the loop once more.
    whole = value if value.shape == shape else np.broadcast_to(value, shape)
    return np.ascontiguousarray(whole).reshape(x.shape[1], -1)
