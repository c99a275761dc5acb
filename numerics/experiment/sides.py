"""Both sides of an experiment as alpha Z + beta: errors and sizes of many layers from a few sums over one array.

For maps Z (C, P) of one sample, P pixels, left alpha Z + beta and right alpha' Z + beta', with one number for each map:

    |left - right|^2 = sum over maps of  d^2 S2 + 2 d e S1 + P e^2,      d = alpha - alpha',  e = beta - beta',
    max|left - right| = the largest of |d z + e| at the two extremes z of each map,
    <left, right> at a pixel = sum over maps of  alpha alpha' Z^2 + (alpha beta' + alpha' beta) Z + beta beta',

S1 and S2 the sums of Z and of its squares. The pixel sums of all layers are two matrix products. Sums run over entries
less a pivot, one number a map near its mean, so that no digits cancel that the layer itself would keep.

The cosine error is the published one, see :mod:`numerics.metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

from numerics.arrays import Array, Namespace, sum_of_products, to_numpy
from numerics.metrics import SMALLEST_NORM

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class MapMoments:
    """Mean, mean square, least and greatest entry of each map: float64 of shape (B, C)."""

    mean: Floats
    square: Floats
    least: Floats
    greatest: Floats


@dataclass(frozen=True)
class Line:
    """alpha z + beta for each map: float64 of shape (B, C)."""

    alpha: Floats
    beta: Floats

    def mean_square(self, z: MapMoments) -> Floats:
        """The mean square of each map; not below 0, which rounding might make it."""
        found = self.alpha**2 * z.square + 2 * self.alpha * self.beta * z.mean + self.beta**2
        return np.asarray(np.maximum(found, 0.0))

    def largest(self, z: MapMoments) -> Floats:
        """The largest absolute value in each map."""
        ends = (np.abs(self.alpha * end + self.beta) for end in (z.least, z.greatest))
        return np.asarray(np.maximum(*ends))

    def less(self, other: Line) -> Line:
        """The difference of two lines over one Z."""
        return Line(self.alpha - other.alpha, self.beta - other.beta)

    def of(self, rows: slice) -> Line:
        """The lines of some samples."""
        return Line(self.alpha[rows], self.beta[rows])


def map_moments(xp: Namespace, z: Array, ends: bool = True) -> MapMoments:
    """The moments of maps (B, C, P); without their ``ends`` least and greatest entries stay 0."""
    mean = mean_of_pixels(xp, z)
    found = [mean, sum_of_products(xp, z, z, (2,)) / z.shape[2]]
    found += [xp.min(z, axis=2), xp.max(z, axis=2)] if ends else [xp.zeros_like(mean)] * 2
    return MapMoments(*(to_numpy(part).astype(np.float64) for part in found))


def mean_of_pixels(xp: Namespace, z: Array) -> Array:
    """The mean of each map of (B, C, P), by a matrix product: short rows are summed several times faster so."""
    ones = xp.ones((z.shape[2], 1), dtype=z.dtype, device=array_api_compat.device(z))
    return xp.matmul(z, ones)[..., 0] / z.shape[2]


def mean_of_channels(xp: Namespace, z: Array) -> Array:
    """The mean over the channels of (B, C, P), (B, 1, P), by a matrix product."""
    ones = xp.ones((1, z.shape[1]), dtype=z.dtype, device=array_api_compat.device(z))
    return xp.matmul(ones, z) / z.shape[1]


def relative_errors(left: Line, right: Line, z: MapMoments) -> tuple[Floats, Floats]:
    """The relative L2 and the relative maximum error of each sample, (B,); 0 over 0 is 0."""
    apart = left.less(right)
    length = _ratio(np.sqrt(apart.mean_square(z).sum(axis=1)), np.sqrt(right.mean_square(z).sum(axis=1)))
    return length, _ratio(apart.largest(z).max(axis=1), right.largest(z).max(axis=1))


def cosine_errors(xp: Namespace, z: Array, pairs: list[tuple[Line, Line]]) -> Floats:
    """The cosine error of each pair of lines over maps z (B, C, P): of shape (B, pairs)."""
    lefts, rights = [left for left, _ in pairs], [right for _, right in pairs]
    products = [*pairs, *zip(lefts, lefts, strict=True), *zip(rights, rights, strict=True)]
    sums = xp.matmul(_weights(xp, z, [a.alpha * b.alpha for a, b in products]), z * z)
    sums += xp.matmul(_weights(xp, z, [a.alpha * b.beta + b.alpha * a.beta for a, b in products]), z)
    sums += _weights(xp, z, [np.sum(a.beta * b.beta, axis=1) for a, b in products])[..., None]
    count = len(pairs)
    return _cosine(xp, *(sums[:, first : first + count, :] for first in (0, count, 2 * count)))


@dataclass(frozen=True)
class Errors:
    """Three errors of each sample, (B,), and the mean square of each map of the right side, (B, C): float64."""

    relative_l2: Floats
    relative_maximum: Floats
    cosine: Floats
    expected: Floats


def errors_of_lines(xp: Namespace, left: Array, right: Array, lines: list[Line]) -> list[Errors]:
    """Each line on both of two arrays (B, C, P), compared: gain and bias after the motion, for all of them at once."""
    apart = left - right
    moments, between = map_moments(xp, right), map_moments(xp, apart)
    by_square = _weights(xp, left, [line.alpha**2 for line in lines])
    by_entry = _weights(xp, left, [line.alpha * line.beta for line in lines])
    constant = _weights(xp, left, [np.sum(line.beta**2, axis=1) for line in lines])[..., None]
    of_left, of_right = xp.matmul(by_entry, left), xp.matmul(by_entry, right)
    inner = xp.matmul(by_square, left * right) + of_left + of_right + constant
    lefts = xp.matmul(by_square, left * left) + 2 * of_left + constant
    rights = xp.matmul(by_square, right * right) + 2 * of_right + constant
    cosines = _cosine(xp, inner, lefts, rights)
    found = []
    for place, line in enumerate(lines):
        gain = Line(line.alpha, np.zeros_like(line.beta))
        length = _ratio(np.sqrt(gain.mean_square(between).sum(axis=1)), np.sqrt(line.mean_square(moments).sum(axis=1)))
        largest = _ratio(gain.largest(between).max(axis=1), line.largest(moments).max(axis=1))
        found.append(Errors(length, largest, cosines[:, place], line.mean_square(moments)))
    return found


def _weights(xp: Namespace, z: Array, rows: list[Floats]) -> Array:
    return xp.asarray(np.stack(rows, axis=1), dtype=z.dtype, device=array_api_compat.device(z))


def _cosine(xp: Namespace, inner: Array, left: Array, right: Array) -> Floats:
    """The mean over pixels of 1 - <a, e> / (|a| |e|), from <a, e>, <a, a> and <e, e>, each (B, lines, P)."""
    least = xp.asarray(SMALLEST_NORM**2, dtype=inner.dtype, device=array_api_compat.device(inner))
    norms = xp.sqrt(xp.maximum(left, least) * xp.maximum(right, least))
    return np.asarray(to_numpy(xp.mean(1 - inner / norms, axis=2)).astype(np.float64))


def _ratio(error: Floats, size: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(error == 0, 0.0, error / size))
