"""Both sides of an experiment as alpha Z + beta: errors and sizes of many layers from a few sums over one array.

For maps Z (C, P) of one sample, P pixels, left alpha Z + beta and right alpha' Z + beta', with one number for each map:

    |left - right|^2 = sum over maps of  d^2 S2 + 2 d e S1 + P e^2,      d = alpha - alpha',  e = beta - beta',
    max|left - right| = the largest of |d z + e| at the two extremes z of each map,
    <left, right> at a pixel = sum over maps of  alpha alpha' Z^2 + (alpha beta' + alpha' beta) Z + beta beta',

S1 and S2 the sums of Z and of its squares. The pixel sums of all layers are two matrix products. Sums run over entries
less a pivot, one number a channel near their mean, so that no digits cancel that the layer itself would keep.

The cosine error is the published one, see :mod:`numerics.metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

from numerics.arrays import Array, Namespace, to_numpy
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


def map_moments(xp: Namespace, z: Array, squares: Array) -> MapMoments:
    """The moments of maps (B, C, P); ``squares`` is z * z."""
    found = (xp.mean(z, axis=2), xp.mean(squares, axis=2), xp.min(z, axis=2), xp.max(z, axis=2))
    return MapMoments(*(to_numpy(part).astype(np.float64) for part in found))


def relative_errors(left: Line, right: Line, z: MapMoments) -> tuple[Floats, Floats]:
    """The relative L2 and the relative maximum error of each sample, (B,); 0 over 0 is 0."""
    apart = left.less(right)
    length = _ratio(np.sqrt(apart.mean_square(z).sum(axis=1)), np.sqrt(right.mean_square(z).sum(axis=1)))
    return length, _ratio(apart.largest(z).max(axis=1), right.largest(z).max(axis=1))


def cosine_errors(xp: Namespace, z: Array, squares: Array, pairs: list[tuple[Line, Line]]) -> list[Floats]:
    """The cosine error of each pair of lines, (B,), over maps z (B, C, P), of which ``squares`` are the squares."""
    triples = [(left, right, left, left, right, right) for left, right in pairs]
    products = [(triple[i], triple[i + 1]) for triple in triples for i in (0, 2, 4)]

    def weights(rows: list[Floats]) -> Array:
        return xp.asarray(np.stack(rows, axis=1), dtype=z.dtype, device=array_api_compat.device(z))

    sums = xp.matmul(weights([a.alpha * b.alpha for a, b in products]), squares)
    sums += xp.matmul(weights([a.alpha * b.beta + b.alpha * a.beta for a, b in products]), z)
    sums += weights([np.sum(a.beta * b.beta, axis=1) for a, b in products])[..., None]
    found = []
    for place in range(0, len(products), 3):
        inner, *sizes = (sums[:, place + part, :] for part in range(3))
        norms = [xp.clip(xp.sqrt(xp.clip(size, 0.0)), SMALLEST_NORM) for size in sizes]
        found.append(to_numpy(xp.mean(1 - inner / (norms[0] * norms[1]), axis=1)).astype(np.float64))
    return found


def _ratio(error: Floats, size: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(error == 0, 0.0, error / size))
