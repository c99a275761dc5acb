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
import math
from collections.abc import Callable, Sequence
from typing import Any

import array_api_compat
import numpy as np

from numerics.arrays import Array, Namespace, namespace_of, positions, to_numpy
from numerics.multipliers import (
    add_alternating,
    by_fourier,
    by_joined,
    by_matrices,
    circulants,
    joined,
    nyquist_wave,
    one_sided_circulants,
)
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.errors import refuse

Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]

SPATIAL = (-2, -1)
LARGEST_CIRCULANT = 256
"""Longest axis moved by a matrix product. A product costs N multiplications an entry and runs at the speed of the
matrix unit; the FFT's cost grows with log N, but it is slow on the prime sizes that odd crops make. Measured on two
cores, float32: 97 x 97 is 4 times faster by matrices, 224 x 224 about equal, 512 x 512 twice slower."""
LARGEST_JOINED = 64
"""Most pixels of a map moved by one matrix over all of them: products of matrices as small as its sides run at a
fraction of the speed. Measured on one core, float32: 7 x 7 is 4 times faster so, 14 x 14 a third slower."""


def draw_displacements(kind: ActionKind, batch: int, sizes: Sequence[int], rng: np.random.Generator) -> Table:
    """Displacements uniform over the map, one a sample: float64 of shape (batch, len(sizes)), in samples.

    Integers 0 .. N-1 for shifts, reals in [0, N) for translations, N each of ``sizes``.
    """
    uniform = rng.random((batch, len(sizes)))
    drawn = uniform * np.asarray(sizes, dtype=np.float64)
    return np.floor(drawn) if kind is ActionKind.SHIFT else drawn


Motion = Callable[[Array, slice], Array]
"""A motion that is ready for several arrays of one shape: called with the samples ``rows`` of one, and ``rows``."""


def prepare(
    kind: ActionKind,
    x: Array,
    displacements: Array,
    axes: Sequence[int] = SPATIAL,
    policy: NyquistPolicy = NyquistPolicy.SYMMETRIC,
) -> Motion:
    """:func:`shift` or :func:`translate`, by ``kind``, of arrays like ``x``; its matrices are made once.

    Raises:
        SpecificationError: as those do.
    """
    xp = namespace_of(x)
    moving = _moving(x, axes)
    table = _table(x, displacements, moving)
    if kind is ActionKind.TRANSLATION:
        return _translation(xp, x, table, moving, policy)
    whole = _whole(table)
    return lambda part, rows: _rolled(xp, part, whole[rows] if len(whole) > 1 else whole, moving)


def move(
    kind: ActionKind,
    x: Array,
    displacements: Array,
    axes: Sequence[int] = SPATIAL,
    policy: NyquistPolicy = NyquistPolicy.SYMMETRIC,
) -> Array:
    """:func:`shift` or :func:`translate`, by ``kind``."""
    return prepare(kind, x, displacements, axes, policy)(x, slice(None))


def shift(x: Array, displacements: Array, axes: Sequence[int] = SPATIAL) -> Array:
    """Circular shift: y[b, ..., n] = x[b, ..., n - t_b], exact in every dtype.

    Raises:
        SpecificationError: a displacement that is not an integer, or arguments whose shapes do not fit.
    """
    return move(ActionKind.SHIFT, x, displacements, axes)


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
    return move(ActionKind.TRANSLATION, x, displacements, axes, policy)


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


def _translation(xp: Namespace, x: Array, table: Table, moving: tuple[int, ...], policy: NyquistPolicy) -> Motion:
    steps = xp.asarray(table, device=array_api_compat.device(x))
    columns = {axis: steps[:, place] for place, axis in enumerate(moving)}
    shape, dtype, rows = tuple(x.shape), x.dtype, x.ndim - 2
    one_sided = False
    if policy is NyquistPolicy.ONE_SIDED:
        if rows < 1 or any(axis < rows for axis in moving):
            raise refuse(
                f"axes={tuple(moving)}", "the last two axes of an array (B, ..., H, W) under one-sided", "use symmetric"
            )
        # On an odd number of rows the operator is the symmetric one: the column bin keeps its real part, cos(pi t).
        one_sided = shape[rows] % 2 == 0 and rows in columns
    if one_sided:
        columns = {rows: columns[rows], rows + 1: columns.get(rows + 1, xp.zeros_like(steps[:, 0]))}
    if max(shape[axis] for axis in columns) > LARGEST_CIRCULANT:
        return lambda part, cut: by_fourier(xp, part, {a: _some(t, cut) for a, t in columns.items()}, one_sided)
    make = one_sided_circulants if one_sided else circulants
    pixels = math.prod(shape[rows:])
    if set(columns) == {rows, rows + 1} and pixels <= LARGEST_JOINED and pixels <= math.prod(shape[1:rows]):
        matrix = joined(xp, make(xp, columns, shape, xp.float64), shape, dtype)
        return lambda part, cut: by_joined(xp, part, _some(matrix, cut))
    matrices = make(xp, columns, shape, dtype)
    return lambda part, cut: by_matrices(xp, part, matrices.of(cut))


def _some(values: Array, rows: slice) -> Array:
    """Those of the samples ``rows``, where each sample has its own."""
    return values[rows, ...] if values.shape[0] > 1 else values


def _whole(table: Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    whole = np.rint(table).astype(np.int64)
    if not np.all(whole == table):
        raise refuse(f"displacement={table[whole != table][0]:g}", "integers for a shift", "use a translation")
    return whole


def _rolled(xp: Namespace, x: Array, whole: np.ndarray[Any, np.dtype[np.int64]], moving: tuple[int, ...]) -> Array:
    out = xp.empty_like(x)
    for sample in range(x.shape[0]):
        pieces = []
        for axis, step in zip(moving, whole[sample if len(whole) > 1 else 0], strict=True):
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
