"""Circular shifts and Fourier translations, each sample by its own displacement.

On one periodic axis of N samples, x[n] = sum_k X_k exp(2 pi i k n / N) / N. The translation T_t multiplies X_k by
exp(-2 pi i k t / N), so that (T_t x)[n] = x[n - t] for integer t. On an even axis the samples do not fix the phase of
the Nyquist bin k = N/2, and a policy chooses (:class:`theory.spec.actions.NyquistPolicy`):

- SYMMETRIC multiplies it by cos(pi t); the translation along several axes is the product of one operator per axis.
- PROJECT is a domain: T is SYMMETRIC's, and the caller removes the bin once with :func:`remove_nyquist`.
- ONE_SIDED is the published experiment: rfft2, the phases of fftfreq on rows (-1/2 at the bin) and of rfftfreq on
  columns (+1/2 at the bin), irfft2. It is no product of one operator per axis when the number of rows is even.

Axis 0 holds the samples. Displacements have the shape (B, number of axes), or (1, number of axes) to move all alike,
in samples, positive towards larger indices.

References: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, the experiment of Tables 2 and 3; Michaeli,
Michaeli and Soudry (2023), arXiv 2303.08085, for fractional translations in the Fourier domain.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import array_api_compat
import numpy as np

from numerics.arrays import Array, namespace_of, positions, to_numpy
from numerics.multipliers import (
    add_alternating,
    by_circulants,
    by_fourier,
    nyquist_wave,
    one_sided_by_circulants,
)
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.errors import refuse

Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]

SPATIAL = (-2, -1)
LARGEST_CIRCULANT = 256
"""Longest axis moved by a matrix product. A product costs N multiplications an entry and runs at the speed of the
matrix unit; the FFT's cost grows with log N, but it is slow on the prime sizes that odd crops make. Measured on two
cores, float32: 97 x 97 is 4 times faster by matrices, 224 x 224 about equal, 512 x 512 twice slower."""


def draw_displacements(kind: ActionKind, batch: int, sizes: Sequence[int], rng: np.random.Generator) -> Table:
    """Displacements uniform over the map, one a sample: float64 of shape (batch, len(sizes)), in samples.

    Integers 0 .. N-1 for shifts, reals in [0, N) for translations, N each of ``sizes``.
    """
    uniform = rng.random((batch, len(sizes)))
    drawn = uniform * np.asarray(sizes, dtype=np.float64)
    return np.floor(drawn) if kind is ActionKind.SHIFT else drawn


def move(
    kind: ActionKind,
    x: Array,
    displacements: Array,
    axes: Sequence[int] = SPATIAL,
    policy: NyquistPolicy = NyquistPolicy.SYMMETRIC,
) -> Array:
    """:func:`shift` or :func:`translate`, by ``kind``."""
    if kind is ActionKind.SHIFT:
        return shift(x, displacements, axes)
    return translate(x, displacements, axes, policy)


def shift(x: Array, displacements: Array, axes: Sequence[int] = SPATIAL) -> Array:
    """Circular shift: y[b, ..., n] = x[b, ..., n - t_b], exact in every dtype.

    Raises:
        SpecificationError: a displacement that is not an integer, or arguments whose shapes do not fit.
    """
    xp = namespace_of(x)
    moving = _moving(x, axes)
    table = _table(x, displacements, moving)
    whole = np.rint(table).astype(np.int64)
    if not np.all(whole == table):
        raise refuse(f"displacement={table[whole != table][0]:g}", "integers for a shift", "use a translation")
    out = xp.empty_like(x)
    for sample in range(x.shape[0]):
        steps = whole[sample if len(whole) > 1 else 0]
        pieces = []
        for axis, step in zip(moving, steps, strict=True):
            size = x.shape[axis]
            cut = int(step) % size
            # (where it lands, where it comes from) for the part that stays in front of the seam and the one behind.
            pieces.append([(slice(cut, size), slice(0, size - cut)), (slice(0, cut), slice(size - cut, size))])
        for choice in itertools.product(*pieces):
            target: list[int | slice] = [sample] + [slice(None)] * (x.ndim - 1)
            source = list(target)
            for axis, (landing, origin) in zip(moving, choice, strict=True):
                target[axis], source[axis] = landing, origin
            out[tuple(target)] = x[tuple(source)]
    return out


def translate(
    x: Array,
    displacements: Array,
    axes: Sequence[int] = SPATIAL,
    policy: NyquistPolicy = NyquistPolicy.SYMMETRIC,
) -> Array:
    """Fourier translation of a real array (B, ...) by real displacements; dtype and shape stay.

    Phases are computed in float64 and rounded once to the dtype of ``x``. PROJECT translates as SYMMETRIC does; it
    never projects (see :func:`remove_nyquist`). ONE_SIDED moves the last two axes of an array with at least three.

    Raises:
        SpecificationError: shapes that do not fit, or ONE_SIDED along another axis than the last two.
    """
    xp = namespace_of(x)
    moving = _moving(x, axes)
    table = xp.asarray(_table(x, displacements, moving), device=array_api_compat.device(x))
    columns = {axis: table[:, place] for place, axis in enumerate(moving)}
    if policy is NyquistPolicy.ONE_SIDED:
        rows = x.ndim - 2
        if rows < 1 or any(axis < rows for axis in moving):
            raise refuse(
                f"axes={tuple(axes)}", "the last two axes of an array (B, ..., H, W) under one-sided", "use symmetric"
            )
        # On an odd number of rows the operator is the symmetric one: the column bin keeps its real part, cos(pi t).
        if x.shape[rows] % 2 == 0 and rows in columns:
            both = {rows: columns[rows], rows + 1: columns.get(rows + 1, xp.zeros_like(table[:, 0]))}
            if max(x.shape[rows:]) > LARGEST_CIRCULANT:
                return by_fourier(xp, x, both, one_sided=True)
            return one_sided_by_circulants(xp, x, both)
    if max(x.shape[axis] for axis in moving) <= LARGEST_CIRCULANT:
        return by_circulants(xp, x, columns)
    return by_fourier(xp, x, columns, one_sided=False)


def remove_nyquist(x: Array, axes: Sequence[int] = SPATIAL) -> tuple[Array, Array]:
    """Remove the bins k = N/2 of every even axis of ``axes``.

    Returns:
        The Nyquist-free array, and the energy removed from each sample, of shape (B,): the sum of squares of the
        difference, by Parseval the energy of the bins. It is 0, and ``x`` itself is returned, when all axes are odd.
    """
    xp = namespace_of(x)
    energy = xp.zeros((x.shape[0],), dtype=x.dtype, device=array_api_compat.device(x))
    for axis in _moving(x, axes):
        size = x.shape[axis]
        if size % 2:
            continue
        # The projections of the axes commute and are orthogonal, so energies add up.
        wave = nyquist_wave(xp, x, axis)
        energy = energy + size * xp.sum(wave * wave, axis=tuple(range(1, x.ndim)))
        x = xp.asarray(x, copy=True)
        add_alternating(x, axis, -wave)
    return x, energy


def _moving(x: Array, axes: Sequence[int]) -> tuple[int, ...]:
    moving = positions(x, axes)
    if not moving or 0 in moving:
        raise refuse(f"axes={tuple(axes)}", "at least one axis, and not axis 0, which holds the samples")
    return moving


def _table(x: Array, displacements: Array, moving: tuple[int, ...]) -> Table:
    shape = tuple(getattr(displacements, "shape", ()))
    if shape not in {(x.shape[0], len(moving)), (1, len(moving))}:
        raise refuse(f"displacements of shape {shape}", f"shape ({x.shape[0]}, {len(moving)}) or (1, {len(moving)})")
    table = to_numpy(displacements).astype(np.float64)
    if not np.all(np.isfinite(table)):
        raise refuse("displacements with NaN or infinity", "finite numbers of samples")
    return table
