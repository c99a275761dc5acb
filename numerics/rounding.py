"""How far rounding alone may take a function of which nothing is known but its values.

:mod:`numerics.bounds` knows the layer and bounds its rounding beforehand. A function from elsewhere is asked instead.

1. *What does it make of rounding?* Its input, changed entry by entry by a relative eta of random sign, changes its
   output by kappa eta |y|. So kappa counts the digits that cancellation costs at this very input.
2. *In which precision does it compute?* A function that takes float64 may work in less inside. If it rounds its output
   to fewer bits, the trailing bits of all significands are 0. If it rounds to float32 on the way, its second difference

       |f(x (1 + eta s)) + f(x (1 - eta s)) - 2 f(x)| / 2

   for eta of that size is this rounding and stays when eta grows; of a smooth function it grows with the square of
   eta, at a kink with eta.

Then both sides of f(T x) = T f(x) differ by rounding of about

    u (kappa + 1) (tau + s) |y|,    tau = the growth of T, s = the growth of the sums in f,

of which MARGIN times is the bound. It is an estimate, not a theorem: a function may be smooth at x and not at T x.

References: Parker (1997), Monte Carlo Arithmetic, UCLA CSD-970002, for rounding by random perturbation; Higham (2002),
Accuracy and Stability of Numerical Algorithms, 2nd ed., chapter 1, for condition numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import array_api_compat
import numpy as np

from numerics.arrays import Array, Floats, namespace_of, to_numpy, unit_roundoff

Layer = Callable[[Array], Array]

MARGIN = 8.0
"""The bound over the estimate, which comes from few probes and is right in its order of magnitude only."""

SEED = 20250519
NARROW = {8: "bfloat16", 11: "float16", 24: "float32"}
"""Bits of the significands to which a function may round what it computes in float64."""

FINE, COARSE = 2.0**-22, 2.0**-19
"""Two changes of the input above the unit roundoff of float32, 2^-24, at which second differences are taken."""

MANY_VALUES = 8
"""Different values that an output needs before its significands tell a precision: a few may be short by chance."""


@dataclass(frozen=True)
class Rounding:
    """What rounding does to a function at an input.

    ``unit`` is the unit roundoff it computes with; ``kappa``, float64 of shape (B,), the relative change of each
    sample's output for a relative change of the input.
    """

    unit: float
    kappa: Floats


def significant_bits(y: Array) -> int:
    """The bits of the longest significand in ``y``: up to 53, and at most 24 for what was rounded to float32.

    >>> significant_bits(np.asarray([3.0, 0.25])), significant_bits(np.asarray([0.1], dtype=np.float32))
    (2, 24)
    """
    fractions, _ = np.frexp(to_numpy(y).astype(np.float64))
    whole = np.abs(fractions[np.isfinite(fractions)] * 2.0**53).astype(np.int64)
    joined = int(np.bitwise_or.reduce(whole, axis=None)) if whole.size else 0
    return 0 if joined == 0 else 54 - (joined & -joined).bit_length()


def probe_rounding(layer: Layer, x: Array, y: Array, full_precision: bool = False, least: float = 0.0) -> Rounding:
    """How ``layer`` rounds at ``x``, where it returns ``y``; calls it about eighteen times.

    Args:
        layer: a deterministic function of one array, whose output has as many samples on axis 0 as its input.
        x: its input, (B, ...), float32 or float64.
        y: its output there, of any shape (B, ...).
        full_precision: it is known to compute in the dtype of its arrays, so that one call is enough.
        least: a unit roundoff that it is known to compute with or to exceed, where few values at ``x`` may not show it.
    """
    rng = np.random.Generator(np.random.PCG64(SEED))
    probe = _Probe(layer, x, y, rng)
    unit = max(unit_roundoff(x), unit_roundoff(y), least)
    if full_precision:
        return Rounding(unit, probe.changed(math.sqrt(unit) / 8)[1])
    found = [probe.changed(math.sqrt(unit) / 8) for _ in range(PROBES)]
    narrow = max(_output_unit(probe.y + change) for change, _ in found)
    if max(unit, narrow) < 2.0**-24:
        narrow = max(narrow, *(probe.noise(FINE, COARSE, unit) for _ in range(PROBES)))
    if narrow > unit:
        found = [probe.changed(math.sqrt(narrow) / 8) for _ in range(PROBES)]
    return Rounding(max(unit, narrow), np.max([kappa for _, kappa in found], axis=0))


def black_box_bound(rounding: Rounding, y: Array, expected: Array, growth: float, sums: float) -> Floats:
    """The relative L2 error that rounding may make, for each sample: float64 of shape (B,).

    Args:
        rounding: from :func:`probe_rounding`, at x.
        y: f(x).
        expected: T f(x), to whose norm the error is relative.
        growth: tau, of the transformation, from :func:`numerics.bounds.transform_growth`.
        sums: s, the growth of the sums within the function, from :func:`numerics.bounds.sum_growth`.
    """
    error = MARGIN * rounding.unit * (rounding.kappa + 1) * (growth + sums) * _norms(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(error == 0, 0.0, error / _norms(expected)))


class _Probe:
    """A function at one input, and what small changes of the input do to its output."""

    def __init__(self, layer: Layer, x: Array, y: Array, rng: np.random.Generator) -> None:
        self.layer, self.x, self.rng = layer, x, rng
        self.y: Floats = to_numpy(y).astype(np.float64)
        self.size = _norms(self.y)

    def steps(self) -> Floats:
        """Relative changes of random sign; not all alike, since powers of two leave significands as they are."""
        shape = tuple(self.x.shape)
        return np.asarray((self.rng.integers(0, 2, shape) * 2.0 - 1.0) * self.rng.uniform(0.75, 1.25, shape))

    def change(self, steps: Floats) -> Floats:
        """f(x (1 + steps)) - f(x)."""
        xp = namespace_of(self.x)
        factors = xp.asarray(1 + steps, dtype=self.x.dtype, device=array_api_compat.device(self.x))
        return np.asarray(to_numpy(self.layer(self.x * factors)).astype(np.float64) - self.y)

    def changed(self, eta: float) -> tuple[Floats, Floats]:
        """The change of the output for one of the input by eta, and kappa for each sample."""
        change = self.change(eta * self.steps())
        return change, self.relative(_norms(change) / eta)

    def noise(self, fine: float, coarse: float, unit: float) -> float:
        """The relative second difference, if it is more than rounding by ``unit`` and does not grow with eta."""
        steps = self.steps()
        small, large = (
            self.relative(_norms(self.change(eta * steps) + self.change(-eta * steps)) / 2) for eta in (fine, coarse)
        )
        stays = (small > FAR * unit) & (large < GROWN * small)
        return float(np.max(np.where(stays, small, 0.0), initial=0.0))

    def relative(self, norms: Floats) -> Floats:
        """Norms over those of the output, 0 over 0 being 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(norms == 0, 0.0, norms / self.size))


PROBES = 3

FAR = 1e4
"""How many unit roundoffs a second difference must have, far more than kappa lets rounding alone have where it is not
ill-conditioned anyway."""

GROWN = 4.0
"""What a second difference grows by from FINE to COARSE at least, unless it is rounding: 8 at a kink, 64 elsewhere."""


def _output_unit(values: Floats) -> float:
    """The unit roundoff that significands show, where they are those of a narrower type; else 0."""
    if np.unique(values).size < MANY_VALUES:
        return 0.0
    bits = significant_bits(values)
    return 2.0**-bits if bits in NARROW else 0.0


def _norms(values: Array) -> Floats:
    flat = to_numpy(values).astype(np.float64).reshape(len(values), -1)
    return np.asarray(np.sqrt(np.sum(flat * flat, axis=1)))
