"""Radially averaged power spectral density, and the ideal low-pass filter.

Of a map x of H x W samples with spectrum X = fft2(x), the power spectral density is

    S[k_h, k_w] = |X[k_h, k_w]|^2 / (H W),

in squared units of x per (cycle/sample)^2: frequencies lie 1/H and 1/W cycles per sample apart, and the sum of S times
that area is the mean square of x (Parseval). White noise of variance v has S = v. The radial average over the ring
rho_j - d/2 <= rho < rho_j + d/2, with rho = sqrt((k_h/H)^2 + (k_w/W)^2), rho_j = j d and d = 1 / min(H, W), is what
Figure 1 shows. An axis of one sample has no frequency but 0, and no part in d.

Reference: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, Figure 1: maps ideally low-passed to |f| < 1/4
on both axes, hence with rho below sqrt(2)/4, whose normalization leaks above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import array_api_compat
import numpy as np

from numerics.arrays import Array, blocks, fourier, namespace_of, positions, to_numpy
from theory.spec.errors import refuse

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class RadialSpectrum:
    """A radial average over rings of equal width, from rho = 0 up to the corner of the spectrum.

    ``frequency``: the middle of each ring in cycles per sample. ``density``: the mean of S over the ring, in squared
    units of x per (cycle/sample)^2. ``count``: the number of frequencies in the ring. All float64, of one length.
    """

    frequency: Floats
    density: Floats
    count: Floats


def radial_spectrum(x: Array) -> RadialSpectrum:
    """The radially averaged power spectral density of real maps (..., H, W), averaged over all leading axes.

    The transform keeps the dtype of ``x``, whose rounding is the floor of the result; the averages are in float64.

    Raises:
        SpecificationError: fewer than two axes, or another dtype than float32 and float64.
    """
    xp = namespace_of(x)
    if x.ndim < 2 or 0 in x.shape:
        raise refuse(f"x of shape {tuple(x.shape)}", "maps (..., H, W)")
    height, width = x.shape[-2:]
    maps = xp.reshape(x, (-1, height, width))
    total = np.zeros((height, width // 2 + 1))
    for block in blocks(maps):
        spectrum = fourier(xp).rfftn(maps[block], axes=(-2, -1))
        power = xp.astype(xp.real(spectrum) ** 2 + xp.imag(spectrum) ** 2, xp.float64)
        total += to_numpy(xp.sum(power, axis=0))
    density = total / (maps.shape[0] * height * width)
    rho = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    # rfft2 keeps one column of each conjugate pair; only k_w = 0 and, on an even width, W/2 are their own partners.
    weight = np.full(width // 2 + 1, 2.0)
    weight[0] = 1.0
    if width % 2 == 0:
        weight[-1] = 1.0
    step: float = 1 / min((int(size) for size in (height, width) if size > 1), default=1)
    ring = np.floor(rho / step + 0.5).astype(np.int64).ravel()
    weights = np.broadcast_to(weight, rho.shape).ravel()
    count = np.bincount(ring, weights=weights).astype(np.float64)
    power_sum = np.bincount(ring, weights=weights * density.ravel()).astype(np.float64)
    return RadialSpectrum(step * np.arange(len(count), dtype=np.float64), power_sum / count, count)


def low_pass(x: Array, cutoff: Fraction | float, axes: Sequence[int] = (-2, -1)) -> Array:
    """The ideal low-pass filter: keeps the frequencies |k/N| < ``cutoff`` on every axis of ``axes``, removes the rest.

    Args:
        x: real array, float32 or float64; shape and dtype stay.
        cutoff: in cycles per sample, above 0; 1/4 in Figure 1. A value above 1/2 keeps everything.
        axes: the periodic axes.

    Raises:
        SpecificationError: a cutoff that is not positive, or axes that are not there.
    """
    xp = namespace_of(x)
    moving = tuple(sorted(positions(x, axes)))
    if not 0 < cutoff < math.inf:
        raise refuse(f"cutoff={cutoff}", "a positive frequency in cycles per sample", "Figure 1 has 1/4")
    fft = fourier(xp)
    spectrum = fft.rfftn(x, axes=moving)
    for axis in moving:
        size = x.shape[axis]
        index = xp.arange(spectrum.shape[axis], device=array_api_compat.device(x))
        # |k| of both halves of fftfreq; rfftfreq lists the first half only.
        distance = xp.minimum(index, size - index)
        # |k| < cutoff N in whole numbers: k = N/4 itself is removed at 1/4, whatever rounding would say.
        kept = xp.astype(distance < math.ceil(Fraction(cutoff) * size), x.dtype)
        spectrum *= xp.reshape(kept, (-1,) + (1,) * (x.ndim - 1 - axis))
    return fft.irfftn(spectrum, s=tuple(x.shape[axis] for axis in moving), axes=moving)
