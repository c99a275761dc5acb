"""Both sides of an experiment as alpha Z + beta: errors and sizes of many layers from a few sums over one array.

For maps Z (C, P) of one sample, P pixels, left alpha Z + beta and right alpha' Z + beta', with one number for each map:

    |left - right|^2 = sum over maps of  d^2 S2 + 2 d e S1 + P e^2,      d = alpha - alpha',  e = beta - beta',
    max|left - right| = the largest of |d z + e| at the two extremes z of each map,
    <left, right> at a pixel = sum over maps of  alpha alpha' Z^2 + (alpha beta' + alpha' beta) Z + beta beta',

S1 and S2 the sums of Z and of its squares. The pixel sums of all layers are products of one matrix with Z^2 and Z.
Sums run over entries less a pivot, one number a map near its mean, so that no digits cancel that the layer itself would
keep.

This is the algebra, on numbers of maps; the passes over the arrays are those of :mod:`numerics.experiment.passes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from numerics.arrays import Floats, ratio
from theory.spec.axes import BCHW, AxisSet

Some = TypeVar("Some")


@dataclass(frozen=True)
class MapMoments:
    """Mean, mean square, least and greatest entry of each map: float64 of shape (B, C)."""

    mean: Floats
    square: Floats
    least: Floats
    greatest: Floats

    def of(self, rows: slice) -> MapMoments:
        """Those of some samples."""
        return MapMoments(self.mean[rows], self.square[rows], self.least[rows], self.greatest[rows])


@dataclass(frozen=True)
class Errors:
    """Three errors of each sample, (B,), and the mean square of each map of the right side, (B, C): float64."""

    relative_l2: Floats
    relative_maximum: Floats
    cosine: Floats
    expected: Floats


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


Pair = tuple[Line, Line]
"""The left and the right side."""


@dataclass(frozen=True)
class PairSums:
    """What makes <left, right>, <left, left> and <right, right> of n pairs of lines, one after another, of Z^2 and Z.

    ``by_square`` and ``by_entry`` (B, 3 n, C) multiply Z^2 and Z, ``constant`` (B, 3 n) is added: float64.
    """

    by_square: Floats
    by_entry: Floats
    constant: Floats

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> PairSums:
        """Those of these pairs."""
        lefts, rights = [left for left, _ in pairs], [right for _, right in pairs]
        products = [*pairs, *zip(lefts, lefts, strict=True), *zip(rights, rights, strict=True)]
        return cls(
            np.stack([a.alpha * b.alpha for a, b in products], axis=1),
            np.stack([a.alpha * b.beta + b.alpha * a.beta for a, b in products], axis=1),
            np.stack([np.sum(a.beta * b.beta, axis=1) for a, b in products], axis=1),
        )


def errors_of(left: Line, right: Line, z: MapMoments, cosine: Floats) -> Errors:
    """The errors of two lines over one Z, their cosine errors (B,) given."""
    apart, squares = left.less(right), right.mean_square(z)
    length = ratio(np, np.sqrt(apart.mean_square(z).sum(axis=1)), np.sqrt(squares.sum(axis=1)))
    return Errors(length, ratio(np, apart.largest(z).max(axis=1), right.largest(z).max(axis=1)), cosine, squares)


def errors_after_gain(line: Line, apart: MapMoments, right: MapMoments, cosine: Floats) -> Errors:
    """The errors of ``line`` put on both sides, from the moments of their difference and of the right one."""
    gain = Line(line.alpha, np.zeros_like(line.beta))
    squares = line.mean_square(right)
    length = ratio(np, np.sqrt(gain.mean_square(apart).sum(axis=1)), np.sqrt(squares.sum(axis=1)))
    return Errors(length, ratio(np, gain.largest(apart).max(axis=1), line.largest(right).max(axis=1)), cosine, squares)


def mean_over(values: Floats, axes: AxisSet) -> Floats:
    """The mean of one number for each map, (B, C), over the index axes among ``axes``; of shape (B, C)."""
    places = tuple(place for place, name in enumerate(BCHW.names[:2]) if name in axes)
    return np.asarray(values.mean(axis=places, keepdims=True) + np.zeros_like(values)) if places else values


def join(parts: Sequence[Some]) -> Some:
    """Some samples after others: arrays joined along axis 0, absent from all, or tables of these."""
    if parts[0] is None:
        return parts[0]
    first: Any = parts[0]
    found: Any
    if isinstance(first, np.ndarray):
        arrays: Any = parts
        found = np.concatenate(arrays)
    else:
        found = type(first)(*map(join, zip(*(vars(part).values() for part in parts), strict=True)))
    result: Some = found
    return result
