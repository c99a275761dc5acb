"""Both sides of one trial: how far they are apart, and how far rounding may take them.

A trial counts as a violation only if the error exceeds CLEAR times its rounding bound, and, for a function of which
nothing is known, if it does so at a neighboring input as well: what jumps may jump by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from equinorm.search.questions import Question
from equinorm.search.subjects import Unknown, apply, bound
from equinorm.search.trials import Trial
from numerics.backends import Backend
from numerics.bounds import sum_growth, transform_growth
from numerics.equivariance import Motion
from numerics.rounding import MARGIN
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.layers import Normalization

Floats = np.ndarray[Any, np.dtype[np.float64]]

CLEAR = 16.0
"""An error of so many rounding bounds is a violation."""

NEARBY = 2.0**-16

LARGEST_MATRIX = 16


@dataclass(frozen=True)
class Reading:
    """What one trial shows: the relative L2 error of the worst sample, in units of its bound, and where.

    Where T f(x) is 0 throughout that sample, error and bound are relative to f(T x) instead, and ``against_zero`` says
    so; ``size`` is the L2 error as it is, relative to nothing. ``entry`` is where both sides differ most,
    ``moved_then_layer`` and ``layer_then_moved`` are the values there; ``unit`` is the unit roundoff that the function
    computes with.
    """

    error: float
    bound: float
    ratio: float
    unit: float
    entry: tuple[int, ...]
    moved_then_layer: float
    layer_then_moved: float
    size: float = 0.0
    against_zero: bool = False

    @property
    def violates(self) -> bool:
        """True where rounding cannot explain the error."""
        return self.ratio > CLEAR


@dataclass(frozen=True)
class Sides:
    """y = f(x), f(T x) and T f(x)."""

    y: Floats
    moved_then_layer: Floats
    layer_then_moved: Floats

    @property
    def defined(self) -> bool:
        """True where no value is NaN or infinite."""
        return bool(np.isfinite(self.moved_then_layer).all() and np.isfinite(self.layer_then_moved).all())


def sides(question: Question, trial: Trial, library: Backend | None = None) -> Sides:
    """Both sides of a trial, computed on NumPy or on another ``library``."""
    x, parameters, eps = trial.x, trial.parameters, trial.eps
    if library is None or library.name == "numpy":
        y = apply(question.subject, x, parameters, eps)
        if not np.isfinite(y).all():
            return Sides(y, y, y)
        moved = apply(question.subject, move(question, trial, x), parameters, eps)
        return Sides(y, moved, move(question, trial, y))
    given, *others = (library.from_numpy(values) for values in (x, *parameters))
    y = apply(question.subject, given, others, eps)
    moved = apply(question.subject, question.motion(given, trial.table), others, eps)
    return Sides(*map(library.to_numpy, (y, moved, question.motion(y, trial.table))))


def move(question: Question, trial: Trial, x: Floats) -> Floats:
    """T x, with T of the trial; on small arrays by matrices that are computed once for each displacement."""
    if max(x.shape[2:]) > LARGEST_MATRIX or question.policy is NyquistPolicy.ONE_SIDED:
        return np.asarray(question.motion(x, trial.table))
    kind, dtype = question.action.kind, x.dtype
    for column, place in enumerate(question.places):
        rows = [_matrix(kind, x.shape[place], row[column]) for row in trial.displacements]
        matrix = np.stack(rows)[:, None].astype(dtype, copy=False)
        x = matrix @ x if place == 2 else x @ np.swapaxes(matrix, -1, -2)
    return x


@lru_cache(maxsize=1024)
def _matrix(kind: ActionKind, size: int, t: Fraction) -> Floats:
    """The displacement by t of N samples, as a matrix."""
    moved = Motion(kind, (-1,))(np.eye(size)[None], np.asarray([[float(t)]]))
    return np.ascontiguousarray(moved[0].T)


def errors(found: Sides) -> tuple[Floats, Floats]:
    """The L2 error of each sample, and what it is relative to: T f(x), or f(T x) where T f(x) is 0."""
    difference, size, other = (
        np.sqrt(np.sum(np.square(values, dtype=np.float64).reshape(len(values), -1), axis=1))
        for values in (found.moved_then_layer - found.layer_then_moved, found.layer_then_moved, found.moved_then_layer)
    )
    return difference, np.where(size == 0, other, size)


def read(question: Question, trial: Trial, library: Backend | None = None, quick: bool = False) -> Reading | None:
    """What a trial shows, on ``library`` if it is given; ``None`` where a side is not defined.

    With ``quick`` the bound of one that is no violation may be too small.
    """
    found = sides(question, trial, library)
    if not found.defined:
        return None
    reading = _judged(question, trial, found, quick)
    if reading.violates and isinstance(question.subject, Unknown):
        # Gaussian numbers, since whole ones may cancel in the same sums as those of the array.
        noise = np.random.Generator(np.random.PCG64(trial.x.size)).standard_normal((2, *trial.shape))
        near = trial.x * (1 + NEARBY * noise[0]) + NEARBY * np.abs(trial.x).max() * noise[1]
        near = replace(trial, x=near.astype(trial.x.dtype), coefficients=None)
        again = sides(question, near)
        other = _judged(question, near, again, quick) if again.defined else None
        if other is not None and not other.violates:
            return replace(reading, ratio=other.ratio)
    return reading


def least_bound(question: Question, trial: Trial, growth: float, unit: float) -> float:
    """What no bound is below, so that most trials need no other, which of a target takes many calls."""
    if isinstance(question.subject, Normalization):
        return 0.0  # its bound is quickly known
    return MARGIN * unit * (growth + sum_growth(trial.shape, tuple(range(trial.x.ndim))))


def _judged(question: Question, trial: Trial, found: Sides, quick: bool) -> Reading:
    difference, size = errors(found)
    error = difference / np.where(size == 0, 1.0, size)
    unit = float(np.finfo(found.y.dtype).eps) / 2
    if isinstance(question.subject, Unknown):
        unit = max(unit, question.subject.unit)
    growth = transform_growth(question.action.kind, question.motion.sizes(trial.x))
    limits = np.full(len(error), least_bound(question, trial, growth, unit))
    against_zero = ~np.any(found.layer_then_moved.reshape(len(error), -1), axis=1) & (error > 0)
    if not quick or error.max() > CLEAR * limits[0]:
        arguments = (found.y, found.layer_then_moved, growth, trial.parameters, trial.eps)
        limits, unit = bound(question.subject, trial.x, *arguments)
        if against_zero.any():
            # Nothing is relative to 0: the same experiment backwards, from T x, where the function is not 0.
            value = found.moved_then_layer
            arguments = (value, value, growth, trial.parameters, trial.eps)
            backwards, narrow = bound(question.subject, move(question, trial, trial.x), *arguments)
            limits, unit = np.where(against_zero, backwards, limits), max(unit, narrow)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Where the bound underflows there is nothing to judge by.
        told = (error > 0) & np.isfinite(error) & np.isfinite(limits) & (limits > 0)
        ratios = np.where(told, error / np.where(told, limits, 1.0), 0.0)
    worst = int(np.argmax(ratios))
    apart = np.abs(found.moved_then_layer[worst].astype(np.float64) - found.layer_then_moved[worst])
    entry = (worst, *(int(n) for n in np.unravel_index(int(np.argmax(apart)), apart.shape)))
    return Reading(
        float(error[worst]),
        float(limits[worst]),
        float(ratios[worst]),
        unit,
        entry,
        float(found.moved_then_layer[entry]),
        float(found.layer_then_moved[entry]),
        float(difference[worst]),
        bool(against_zero[worst]),
    )
