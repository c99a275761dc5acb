"""What a curve is drawn of: a function of maps that knows how far rounding alone may take it.

A normalization has a bound that was derived for it (:mod:`numerics.bounds`); any other function is asked what it makes
of small changes of its input (:mod:`numerics.rounding`). Both keep the shape of their input (B, ...).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from numerics.arrays import Array, Floats
from numerics.bounds import rounding_bound, transform_growth
from numerics.equivariance import Motion, Sides, bound_between
from numerics.layers import Moments, normalize
from numerics.rounding import Layer, probe_rounding
from theory.spec.layers import Normalization


class Subject(Protocol):
    """A function f that keeps the shape of its input, and its rounding."""

    def __call__(self, x: Array) -> Array:
        """f(x)."""

    def bound(self, x: Array, sides: Sides, motion: Motion) -> Floats:
        """What rounding may make of the relative L2 error between both ``sides`` at ``x``: float64 of shape (B,)."""


@dataclass(frozen=True)
class Normalized:
    """A normalization with its gain and bias, ``None`` where they are 1 and 0, and its running statistics if any."""

    layer: Normalization
    gain: Array | None = None
    bias: Array | None = None
    running: Moments | None = None

    def __call__(self, x: Array) -> Array:
        """The normalized maps."""
        return normalize(self.layer, x, self.gain, self.bias, self.running)

    def bound(self, x: Array, sides: Sides, motion: Motion) -> Floats:
        """The bound of :func:`numerics.bounds.rounding_bound`."""
        growth = transform_growth(motion.kind, motion.sizes(x))
        constants = (self.gain, self.bias, self.running)
        return rounding_bound(self.layer, x, sides.y, sides.layer_then_moved, growth, *constants)


@dataclass(frozen=True)
class Probed:
    """Any other function; ``full_precision``: it is known to compute in the dtype of its arrays."""

    function: Layer
    full_precision: bool = True

    def __call__(self, x: Array) -> Array:
        """The value of the function."""
        return self.function(x)

    def bound(self, x: Array, sides: Sides, motion: Motion) -> Floats:
        """The bound of :func:`numerics.rounding.black_box_bound`, an estimate with a margin."""
        rounding = probe_rounding(self.function, x, sides.y, self.full_precision)
        return bound_between(sides, x, motion, rounding)
