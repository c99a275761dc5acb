"""How far the passes of an experiment in the dtype at hand may be from the same passes in float64.

Forward error bounds, first order made safe: every operation rounds by one unit of its dtype, and a sum of n numbers in
any order by n units of the sum of their absolute values. Everything is evaluated in float64 from the exact inputs, with

    u = the unit roundoff of the dtype plus that of float64 (both sides round),   w = that of float64 alone.

Pivots, gains and entries are numbers of the dtype, so they are exact; alpha and beta of a line are rounded to it.
Where a relative error reaches 1/2 the first order says nothing, and the bound is infinite.

Reference: Higham (2002), Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2, 3.1 and 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numerics.arrays import Array, Floats
from numerics.experiment.passes import Known
from numerics.experiment.sides import Line, MapMoments
from numerics.metrics import SMALLEST_NORM
from theory.spec.axes import BCHW, AxisSet
from theory.spec.layers import Normalization

W = float(np.finfo(np.float64).eps) / 2


def unit(dtype: np.dtype) -> float:
    """U of the caption."""
    return float(np.finfo(dtype).eps) / 2 + W


def sums(count: int) -> float:
    """The relative error of two sums of ``count`` numbers in float64, and of a few more operations on each."""
    return 2 * (count + 8) * W


@dataclass(frozen=True)
class Known64:
    """Entries (B, C, P) in float64: their values, how wrong they may be, and the size of what they are summed from."""

    value: Floats
    error: Floats
    size: Floats

    def on(self, line: Line, u: float) -> Known64:
        """Alpha z + beta: two rounded parameters, a product and a sum."""
        alpha, beta = np.abs(line.alpha)[..., None], np.abs(line.beta)[..., None]
        size = alpha * (np.abs(self.value) + self.error) + beta
        value = line.alpha[..., None] * self.value + line.beta[..., None]
        return Known64(value, alpha * self.error + 3 * u * size, size)


def exact(x: Array) -> Known64:
    """The entries of an array."""
    value = x.astype(np.float64).reshape(*x.shape[:2], -1)
    return Known64(value, np.zeros_like(value), np.abs(value))


def centered(x: Array, pivots: Array | None, over_channels: bool) -> Known64:
    """Z: a difference each, then the mean of C such differences, and another difference."""
    z, u = exact(x).value, unit(x.dtype)
    error = np.zeros_like(z)
    if pivots is not None:
        z = z - pivots.astype(np.float64)[..., None]
        error = u * np.abs(z)
    if over_channels:
        mean_size = np.abs(z).mean(axis=1, keepdims=True)
        z = z - z.mean(axis=1, keepdims=True)
        error = error + (z.shape[1] + 2) * u * mean_size + u * np.abs(z)
    return Known64(z, error, np.abs(z))


def of_moments(z: Known64) -> MapMoments:
    """Bounds for mean, mean square and both ends of maps: entries are wrong, sums over pixels are in float64."""
    size, s = np.abs(z.value) + z.error, sums(z.value.shape[2])
    mean = z.error.mean(axis=2) + s * size.mean(axis=2)
    square = (size**2 - z.value**2).mean(axis=2) + s * (size**2).mean(axis=2)
    worst = z.error.max(axis=2)
    return MapMoments(mean, square, worst, worst)


def of_cosines(left: Known64, right: Known64, u: float) -> Floats:
    """A bound for cosine errors (B,): of <a, e> / (|a| |e|) pixel by pixel, then of the mean over pixels."""
    inner = _of_products(left, right, u) / (_norm(left) * _norm(right))
    lefts, rights = (_of_norm(side, u) / _norm(side) for side in (left, right))
    remain = (1 - np.minimum(lefts, 1 / 2)) * (1 - np.minimum(rights, 1 / 2))
    found = np.where(np.maximum(lefts, rights) < 1 / 2, (inner + lefts + rights + 8 * u) / remain, np.inf)
    return np.asarray(found.mean(axis=1) + 2 * sums(found.shape[1]))


def _of_products(left: Known64, right: Known64, u: float) -> Floats:
    """Of the sum over channels of a e: wrong entries, the sum in the dtype, and the reference's sum of three parts."""
    a, e, count = np.abs(left.value), np.abs(right.value), left.value.shape[1]
    wrong = a * right.error + e * left.error + left.error * right.error
    rounded = (count + 1) * u * (a + left.error) * (e + right.error) + sums(count) * left.size * right.size
    return np.asarray((wrong + rounded).sum(axis=1))


def _norm(side: Known64) -> Floats:
    return np.asarray(np.maximum(np.sqrt((side.value**2).sum(axis=1)), SMALLEST_NORM))


def _of_norm(side: Known64, u: float) -> Floats:
    """The root of s, wrong by ds, is wrong by at most ds / root(s) and by at most root(ds)."""
    square, error = (side.value**2).sum(axis=1), _of_products(side, side, u)
    # Where the smallest norm stands in for a smaller one, the bound is only too large.
    root = np.sqrt(square)
    return np.asarray(np.minimum(np.sqrt(error), np.divide(error, root, out=np.sqrt(error), where=root > 0)))


def of_squares(line: Line, e: Known64) -> Floats:
    """Of the mean square of alpha e + beta, (B, C), made in float64 of the moments of e."""
    size = (line.alpha**2)[..., None] * e.value**2 + 2 * np.abs(line.alpha * line.beta)[..., None] * np.abs(e.value)
    return np.asarray(sums(e.value.shape[2]) * (size.mean(axis=2) + line.beta**2))


def of_layer(
    layer: Normalization, x: Array, gain: Array | None, bias: Array | None, known: Known | None
) -> tuple[Floats, Floats]:
    """Bounds for the output of a layer that computes its statistics, (B, C, H, W), and for its variance.

    The variance may be made of the moments of x less a pivot p: z^2 + 2 z (p - m) + (p - m)^2, or of x less its mean m.
    """
    u, g, h = unit(x.dtype), np.asarray(1.0 if gain is None else gain), np.asarray(0.0 if bias is None else bias)
    x = x.astype(np.float64)
    # The sums over channels may be in the dtype; over pixels they are in float64, first map by map.
    s = (x.shape[1] + 4) * u + sums(int(np.prod(x.shape[1:])))
    mean = _mean(x, layer.center)
    # What is summed are entries, or pivots and entries less these.
    pivot = x.mean(axis=(2, 3), keepdims=True) if known is None else known[0][..., None, None]
    c = x if mean is None else x - mean
    wrong = 0.0 if mean is None else s * np.asarray(_mean(np.abs(x) + np.abs(pivot), layer.center))
    wrong_c = wrong + 2 * u * np.abs(c)
    if layer.scale is None:
        y, wrong_y, of_variance = c, wrong_c, np.zeros_like(x)
    else:
        size = (np.abs(x - pivot) + np.abs(pivot - (0.0 if mean is None else mean))) ** 2
        of_variance = np.asarray(_mean(2 * np.abs(c) * wrong_c + wrong_c**2 + s * (size + c**2), layer.scale))
        v = np.asarray(_mean(c**2, layer.scale)) + float(layer.eps)
        ratio, y = of_variance / v, c / np.sqrt(v)
        wrong_y = (wrong_c / np.sqrt(v) + np.abs(y) * (ratio + 4 * u)) / (1 - np.minimum(ratio, 1 / 2))
        wrong_y = np.where(ratio < 1 / 2, wrong_y, np.inf)
    found = np.abs(g) * wrong_y + 4 * u * (np.abs(g * y) + np.abs(h))
    return np.broadcast_to(found, x.shape), np.broadcast_to(of_variance, x.shape)


def _mean(values: Floats, axes: AxisSet | None) -> Floats | None:
    """The mean over these axes; over none, the values."""
    places = tuple(place for place, name in enumerate(BCHW.names) if name in (axes or ()))
    if axes is None or not places:
        return None if axes is None else values
    return np.asarray(values.mean(axis=places, keepdims=True))
