"""The error of f(T x) against T f(x) as a curve: against the displacement, the size of the map, the band of the input.

At each point stand the errors of one sample, the one whose relative L2 error is the largest in units of its bound,
and that bound: below it an error may be rounding, above it is none.

Where f is equivariant to shifts and all samples move alike, f(T_(t+1) x) - T_(t+1) f(x) is the shift by one sample of
f(T_t x) - T_t f(x), also under the policy SYMMETRIC (cos pi(t+1) = -cos pi t, as the shift has it). So the error has
period 1 in t and is 0 at whole t; its Fourier coefficients (:func:`harmonics`) lie at whole cycles per sample. A layer
that shifts do not pass through has others between them.

Reference: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, Tables 2 and 3, whose errors are averages over t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

import numpy as np

from numerics.arrays import Array, Floats, to_numpy
from numerics.curves.subjects import Subject
from numerics.equivariance import Motion, Sides
from numerics.spectrum import low_pass
from numerics.translations import Table
from theory.spec.actions import Scope
from theory.spec.errors import refuse


@dataclass(frozen=True)
class Curve:
    """Errors and their rounding bound at each abscissa ``at``: float64 arrays of one length.

    ``at`` is a displacement in samples, a number of samples, or a band; errors and bound are relative, without units.
    """

    at: Floats
    relative_l2: Floats
    relative_maximum: Floats
    cosine: Floats
    bound: Floats

    @property
    def above(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where rounding cannot explain the error."""
        return np.asarray(self.relative_l2 > self.bound)

    @property
    def undefined(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where one of the sides is not a number."""
        return np.asarray(np.isnan(self.relative_l2))

    def where(self, kept: np.ndarray[Any, Any]) -> Curve:
        """The points that are ``kept``: a boolean array of the same length."""
        return Curve(*(getattr(self, field.name)[kept] for field in fields(self)))


Point = tuple[float, float, float, float]


def displacements(distance: float, samples: int, axes: int, scope: Scope) -> Table:
    """Every axis by ``distance``; PER_SAMPLE moves sample b by (b + 1) times as much, so whole distances stay whole.

    >>> displacements(0.5, 2, 1, Scope.PER_SAMPLE).tolist()
    [[0.5], [1.0]]
    """
    rows = np.arange(1, samples + 1) if scope is Scope.PER_SAMPLE else np.ones(1)
    return np.asarray(distance * rows[:, None] * np.ones(axes))


def error_against_displacement(
    subject: Subject, x: Array, distances: Sequence[float], motion: Motion, scope: Scope = Scope.COMMON
) -> Curve:
    """The error of translations by each of ``distances`` along all moving axes.

    Args:
        subject: the function f.
        x: real array (B, ...), float32 or float64.
        distances: in samples.
        motion: the kind, the moving axes and the policy.
        scope: whether all samples move alike; see :func:`displacements`.
    """
    y = subject(x)
    return _curve(distances, [_worst([_errors(subject, x, y, t, motion, scope)]) for t in distances])


def error_against_size(
    subject_at: Callable[[tuple[int, ...]], Subject],
    maps: Iterable[tuple[int, Array]],
    distances: Sequence[float],
    motion: Motion,
    scope: Scope = Scope.COMMON,
) -> Curve:
    """The largest error over ``distances`` on maps of several sizes, of which ``maps`` gives each with its size.

    ``subject_at`` makes the function for arrays of one shape, whose parameters may vary over the map.
    """
    found = [(size, _largest(subject_at(tuple(x.shape)), x, distances, motion, scope)) for size, x in maps]
    return _curve([size for size, _ in found], [point for _, point in found])


def error_against_band(
    subject: Subject,
    x: Array,
    bands: Sequence[int],
    distances: Sequence[float],
    motion: Motion,
    scope: Scope = Scope.COMMON,
    spatial: Sequence[int] = (-2, -1),
) -> Curve:
    """The largest error over ``distances`` on ``x`` limited to each of ``bands`` (:func:`limit_band`)."""
    limited = (limit_band(x, band, spatial) for band in bands)
    return _curve(bands, [_largest(subject, each, distances, motion, scope) for each in limited])


def limit_band(x: Array, band: int, axes: Sequence[int] = (-2, -1)) -> Array:
    """``x`` without the frequencies |k| > ``band`` of every axis of ``axes``; ``x`` itself where it has none such.

    Raises:
        SpecificationError: a negative band.
    """
    if band < 0:
        raise refuse(f"band={band}", "a whole number >= 0")
    for axis in axes:
        size = x.shape[axis]
        if band < size // 2:
            x = low_pass(x, Fraction(2 * band + 1, 2 * size), (axis,))
    return x


@dataclass(frozen=True)
class Harmonics:
    """``amplitude`` of cos(2 pi ``frequency`` t + a phase), frequencies in cycles per unit of t, from 0 up."""

    frequency: Floats
    amplitude: Floats


def harmonics(values: Sequence[float] | Floats, span: float) -> Harmonics:
    """The Fourier series of a function of t, given at t = 0, span/n, 2 span/n, ... below ``span``.

    Raises:
        SpecificationError: no values, or a span that is not positive.

    >>> harmonics([1, 0, -1, 0], 1.0).amplitude.tolist()
    [0.0, 1.0, 0.0]
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not given.size or not span > 0:
        raise refuse(f"values of shape {given.shape}, span={span}", "at least one value and a positive span")
    amplitude = np.abs(np.fft.rfft(given)) / given.size
    amplitude[1 : (given.size + 1) // 2] *= 2
    return Harmonics(np.arange(amplitude.size) / span, amplitude)


def _errors(
    subject: Subject, x: Array, y: Array, distance: float, motion: Motion, scope: Scope
) -> tuple[Floats, Floats, Floats, Floats]:
    """The three errors and the bound of each sample."""
    table = displacements(distance, x.shape[0], len(motion.axes), scope)
    sides = Sides(y, subject(motion(x, table)), motion(y, table))
    found = sides.errors()
    length, largest, cosine = (
        to_numpy(values).astype(np.float64) for values in (found.relative_l2, found.relative_maximum, found.cosine)
    )
    return length, largest, cosine, subject.bound(x, sides, motion)


def _largest(subject: Subject, x: Array, distances: Sequence[float], motion: Motion, scope: Scope) -> Point:
    y = subject(x)
    return _worst([_errors(subject, x, y, distance, motion, scope) for distance in distances])


def _worst(found: Sequence[tuple[Floats, Floats, Floats, Floats]]) -> Point:
    """Of all samples the one whose error is the largest in units of its bound; NaN is larger than all."""
    length, largest, cosine, bound = (np.concatenate(parts) for parts in zip(*found, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(length == 0, 0.0, length / bound)
    place = int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))
    return float(length[place]), float(largest[place]), float(cosine[place]), float(bound[place])


def _curve(at: Sequence[float], points: Sequence[Point]) -> Curve:
    columns = np.asarray(points, dtype=np.float64).reshape(-1, 4).T
    length, largest, cosine, bound = (np.ascontiguousarray(column) for column in columns)
    return Curve(np.asarray(at, dtype=np.float64), length, largest, cosine, bound)
