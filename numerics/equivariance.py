"""One experiment on one function: f(T x) against T f(x), how far they are apart, and what rounding may explain.

f is any function of an array whose axis 0 holds the samples: a layer of ours, or one of which nothing is known but its
values. It may change the sizes of the moving axes; its output then moves by the displacement times the ratio of the
sizes, the displacement measured on the coarser or the finer grid. An axis of one sample does not move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from numerics.arrays import Array, Floats, namespace_of, to_numpy
from numerics.bounds import Judgement, judge, sum_growth, transform_growth
from numerics.metrics import Errors, compare
from numerics.rounding import Layer, Rounding, black_box_bound, probe_rounding
from numerics.translations import Table, move
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.errors import refuse


@dataclass(frozen=True)
class Motion:
    """What is done to an array: the kind of the action, the axes that move, and the Nyquist policy.

    ``axes`` count from the end, so that they are the same axes of an output of another rank.
    """

    kind: ActionKind
    axes: tuple[int, ...] = (-2, -1)
    policy: NyquistPolicy = NyquistPolicy.SYMMETRIC

    def __call__(self, x: Array, displacements: Table) -> Array:
        """T x; see :func:`numerics.translations.move`."""
        return move(self.kind, x, displacements, self.axes, self.policy)

    def sizes(self, x: Array) -> tuple[int, ...]:
        """The sizes of the moving axes."""
        return tuple(x.shape[axis] for axis in self.axes)


@dataclass(frozen=True)
class Sides:
    """Both sides, computed: ``y`` = f(x), ``moved_then_layer`` = f(T x), ``layer_then_moved`` = T f(x)."""

    y: Array
    moved_then_layer: Array
    layer_then_moved: Array

    def errors(self) -> Errors:
        """How far the sides are apart, relative to the second; one value a sample."""
        return compare(self.moved_then_layer, self.layer_then_moved)


@dataclass(frozen=True)
class Measurement:
    """Errors and their bound, for each sample: float64 of shape (B,).

    ``unit`` is the unit roundoff that the function was seen to compute with.
    """

    relative_l2: Floats
    relative_maximum: Floats
    cosine: Floats
    bound: Floats
    unit: float

    @property
    def worst(self) -> int:
        """The sample whose relative L2 error is the largest in units of its bound; NaN is larger than all."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(self.relative_l2 == 0, 0.0, self.relative_l2 / self.bound)
        return int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))

    @property
    def judgement(self) -> Judgement:
        """That of the worst sample."""
        return judge(float(self.relative_l2[self.worst]), float(self.bound[self.worst]))


def both_sides(layer: Layer, x: Array, displacements: Table, motion: Motion) -> Sides:
    """Apply ``layer`` before and after the motion.

    Args:
        layer: the function f, deterministic.
        x: real array (B, ...), float32 or float64.
        displacements: (B, k) or (1, k) for k moving axes, in samples of x.
        motion: the action.

    Raises:
        SpecificationError: an output with another number of samples, or one that cannot move so far (a shift by no
            whole number of its own samples).
    """
    y = layer(x)
    namespace_of(y)
    if y.ndim < 1 or y.shape[0] != x.shape[0] or y.ndim < len(motion.axes) + 1:
        raise refuse(f"output of shape {tuple(y.shape)}", f"one for an input of shape {tuple(x.shape)}: samples first")
    coarse, fine = (np.asarray(motion.sizes(array), dtype=np.float64) for array in (y, x))
    ratios = np.where(coarse == 1, 0.0, coarse / fine)
    return Sides(y, layer(motion(x, displacements)), motion(y, np.asarray(displacements) * ratios))


def measure_equivariance(
    layer: Layer, x: Array, displacements: Table, motion: Motion, least: float = 0.0
) -> Measurement:
    """The errors between both sides, with the bound for a function of which nothing is known.

    Arguments and errors as :func:`both_sides`; ``least`` is a unit roundoff that it is known to compute with, from
    another array or from its dtype.
    """
    sides = both_sides(layer, x, displacements, motion)
    errors = sides.errors()
    length, largest, cosine = (
        to_numpy(values).astype(np.float64) for values in (errors.relative_l2, errors.relative_maximum, errors.cosine)
    )
    rounding = probe_rounding(layer, x, sides.y, least=least)
    return Measurement(length, largest, cosine, bound_between(sides, x, motion, rounding), rounding.unit)


def bound_between(sides: Sides, x: Array, motion: Motion, rounding: Rounding) -> Floats:
    """What ``rounding`` may make of the relative L2 error between ``sides``, computed at ``x``; shape (B,)."""
    growth = transform_growth(motion.kind, motion.sizes(x))
    sums = sum_growth(tuple(x.shape), tuple(range(x.ndim))) if math.prod(x.shape) > 1 else 1.0
    return black_box_bound(rounding, sides.y, sides.layer_then_moved, growth, sums)
