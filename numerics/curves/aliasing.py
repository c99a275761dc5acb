"""The spectrum of f(x) for x of some band: what lies above the band, how much of it is aliased, and the rounding floor.

A polynomial layer puts new frequencies above the band of its input, and that alone harms nothing: x^2 of a band K is
translation-equivariant as long as 4K < N. What is not equivariant are the monomials whose output frequency is not the
sum of their input frequencies: those that were folded back. By a translation they turn at another rate, so that

    e(x) = mean over t of T_(-t) f(T_t x)

keeps what turns with the input and averages away what does not, and a(x) = f(x) - e(x) is the aliased part. Aliases
of shift-equivariant layers have whole frequencies in t; ``STEPS`` steps to the sample lose those that STEPS divides.

The floor of f(x): rounding of relative size b puts no more than b^2 |y|^2 into all frequencies of a ring together.

Reference: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, Figure 1.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from numerics.arrays import Array, Floats, to_numpy, unit_roundoff
from numerics.bounds import transform_growth
from numerics.curves.errors import displacements, limit_band
from numerics.curves.subjects import Subject
from numerics.equivariance import Motion, Sides
from numerics.rounding import Layer
from numerics.spectrum import radial_spectrum
from theory.spec.actions import Scope

STEPS = 4


@dataclass(frozen=True)
class BandSpectrum:
    """Radially averaged power spectral densities of x of band ``band``, of f(x) and of its aliased part.

    ``frequency``: the middle of each ring in cycles per sample. ``floor``: what rounding may make of the density of
    f(x) at most. ``corner``: the largest radial frequency of x, and ``above`` says which rings lie beyond it.
    """

    band: int
    corner: float
    frequency: Floats
    input: Floats
    output: Floats
    aliased: Floats
    floor: Floats

    @property
    def above(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """The rings whose lower edge lies beyond the corner of the band."""
        return np.asarray(self.frequency - self.frequency[1:2].sum() / 2 > self.corner)


def band_spectrum(subject: Subject, x: Array, band: int, motion: Motion) -> BandSpectrum:
    """The spectra for ``x`` limited to ``band`` on its last two axes.

    Args:
        subject: the function f.
        x: real maps (B, ..., H, W), float32 or float64.
        band: with 2 band < N on both axes, or there is nothing above it.
        motion: the moving axes, along which aliases are told from the rest.
    """
    x = limit_band(x, band)
    y = subject(x)
    given, found = radial_spectrum(x), radial_spectrum(y)
    aliased = radial_spectrum(aliased_part(subject, x, motion))
    moved = displacements(1 / 2, x.shape[0], len(motion.axes), Scope.COMMON)
    bound = subject.bound(x, Sides(y, y, motion(y, moved)), motion)
    # The transform that looks at y rounds as a translation does.
    bound = bound + transform_growth(motion.kind, x.shape[-2:]) * unit_roundoff(x)
    energy = np.sum(to_numpy(y).astype(np.float64) ** 2, axis=tuple(range(1, y.ndim)))
    maps = math.prod(y.shape[:-2])
    corner = math.hypot(*(band / size if size > 1 else 0.0 for size in x.shape[-2:]))
    # Relative to an output of 0 every bound is infinite.
    floor = np.sum(np.where(energy > 0, bound, 0.0) ** 2 * energy) / maps / found.count
    return BandSpectrum(band, corner, found.frequency, given.density, found.density, aliased.density, np.asarray(floor))


def aliased_part(function: Layer, x: Array, motion: Motion, steps: int = STEPS) -> Array:
    """f(x) without what turns with its input: a(x) above; ``steps`` displacements within a sample of each moving axis.

    ``x`` should have no energy at the bins N/2 of the moving axes, whose phase no translation keeps.
    """
    axes = [axis for axis in motion.axes if x.shape[axis] > 1]
    if not axes:
        return 0 * function(x)
    still = replace(motion, axes=tuple(axes))
    y = function(x)
    mean = 0 * y
    for turn in itertools.product(range(steps), repeat=len(axes)):
        table = np.asarray([turn], dtype=np.float64) / steps
        mean = mean + still(function(still(x, table)), -table)
    return y - mean / steps ** len(axes)
