"""The ways to apply a Fourier multiplier per sample: transforms, one circulant matrix per axis, one matrix for a map.

The multiplier of a translation by t on an axis of N samples is exp(-2 pi i k t / N). On two axes the symmetric one is
A x B^T with a circulant matrix for each axis, and a product of small matrices moves fewer bytes than a transform; on
long axes the transform is the way. The one-sided operator is the symmetric one and a product on one row frequency. On
maps of a few pixels one matrix over all of them makes one large product of many tiny ones.

References: Oppenheim and Schafer (2010), Discrete-Time Signal Processing, 3rd ed., chapter 8 (circular convolution).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import array_api_compat

from numerics.arrays import Array, Namespace, complex_dtype, fourier, in_blocks


def by_fourier(xp: Namespace, x: Array, columns: dict[int, Array], one_sided: bool) -> Array:
    """Multiply the transform over the moving axes; the last of them is the halved one, as in rfft2."""
    fft = fourier(xp)
    moving = tuple(sorted(columns))
    sizes = tuple(x.shape[axis] for axis in moving)
    factors = []
    for axis in moving:
        phases = _phases(xp, columns[axis], x.shape[axis], axis == moving[-1], one_sided)
        shape = [phases.shape[0]] + [phases.shape[1] if place == axis else 1 for place in range(1, x.ndim)]
        factors.append(xp.reshape(xp.astype(phases, complex_dtype(xp, x.dtype)), tuple(shape)))

    def multiplied(block: tuple[slice, ...]) -> Array:
        spectrum = fft.rfftn(x[block], axes=moving)
        for factor in factors:
            spectrum *= factor[block[0], ...] if factor.shape[0] > 1 else factor
        return fft.irfftn(spectrum, s=sizes, axes=moving)

    return in_blocks(xp, x, multiplied)


@dataclass(frozen=True)
class Matrices:
    """A translation as matrices (B or 1, N, N), one for each moving axis, ready for several arrays of one shape.

    ``nyquist``, if it is there, moves what an array has at the frequency H/2 of the rows, and is added.
    """

    along: dict[int, Array]
    nyquist: Array | None = None

    def of(self, rows: slice) -> Matrices:
        """Those of some samples."""
        nyquist = None if self.nyquist is None else _of(self.nyquist, rows)
        return Matrices({axis: _of(matrix, rows) for axis, matrix in self.along.items()}, nyquist)


def circulants(xp: Namespace, columns: dict[int, Array], shape: Sequence[int], dtype: Any) -> Matrices:
    """The circulant matrices of the symmetric translation of arrays of this shape."""
    return Matrices({axis: xp.astype(_circulant(xp, t, shape[axis]), dtype) for axis, t in columns.items()})


def one_sided_circulants(xp: Namespace, columns: dict[int, Array], shape: Sequence[int], dtype: Any) -> Matrices:
    """The one-sided translation along the last two axes, the number of rows H even.

    It differs from the symmetric one in the row frequency H/2 alone, p = sum_h (-1)^h x[h, .] / H. There a column
    frequency 0 < j < W/2 takes exp(i pi t_h) for cos(pi t_h), and what is its conjugate takes the conjugate; j = 0
    takes the real part, and j = W/2 takes cos(pi (t_h - t_w)) for cos(pi t_h) cos(pi t_w). So (-1)^h (R p)[w] is
    added, with R the circulant matrix of the spectrum

        0  for j = 0,    i sin(pi t_h) exp(-2 pi i j t_w / W)  for 0 < j < W/2,    sin(pi t_h) sin(pi t_w)  for j = W/2.
    """
    rows, row = len(shape) - 2, len(shape) - 1
    width = shape[row]
    sine = xp.sin(math.pi * xp.remainder(columns[rows], 2.0))[:, None]
    index = xp.arange(width // 2 + 1, dtype=xp.float64, device=array_api_compat.device(sine))
    spectrum = _phases(xp, columns[row], width, half=True, one_sided=True)
    spectrum = 1j * xp.astype(sine * xp.astype(index > 0, xp.float64)[None, :], xp.complex128) * spectrum
    if width % 2 == 0:
        # A spectrum of a real array is real there, whatever an inverse transform makes of one that is not.
        last = xp.astype((index == width // 2)[None, :], xp.float64)
        kept = xp.astype(1 - last, xp.complex128)
        spectrum = kept * spectrum + xp.astype(last * xp.real(spectrum), xp.complex128)
    nyquist = xp.astype(_circulant_of(xp, spectrum, width), dtype)
    return Matrices(circulants(xp, columns, shape, dtype).along, nyquist)


def by_matrices(xp: Namespace, x: Array, matrices: Matrices) -> Array:
    """Multiply along each moving axis, A x B^T on two of them, and add the term of the row frequency H/2."""

    def applied(block: tuple[slice, ...]) -> Array:
        y, own = x[block], matrices.of(block[0])
        for axis, matrix in own.along.items():
            y = _apply(xp, matrix, y, axis)
        if own.nyquist is not None:
            rows = x.ndim - 2
            add_alternating(y, rows, _apply(xp, own.nyquist, nyquist_wave(xp, x[block], rows), rows + 1))
        return y

    return in_blocks(xp, x, applied)


def joined(xp: Namespace, matrices: Matrices, shape: Sequence[int], dtype: Any) -> Array:
    """The matrices as one over the pixels P of the last two axes, (B or 1, P, P): row k is the unit map k, moved."""
    pixels = math.prod(shape[-2:])
    some = next(iter(matrices.along.values()))
    units = xp.reshape(xp.eye(pixels, dtype=some.dtype, device=array_api_compat.device(some)), (1, pixels, *shape[-2:]))
    units = xp.broadcast_to(units, (some.shape[0], *units.shape[1:]))
    return xp.astype(xp.reshape(by_matrices(xp, units, matrices), (some.shape[0], pixels, pixels)), dtype)


def by_joined(xp: Namespace, x: Array, matrix: Array) -> Array:
    """Multiply the pixels of the last two axes by a :func:`joined` matrix."""

    def applied(block: tuple[slice, ...]) -> Array:
        part = x[block]
        return xp.reshape(
            xp.matmul(xp.reshape(part, (part.shape[0], -1, matrix.shape[1])), _of(matrix, block[0])), part.shape
        )

    return in_blocks(xp, x, applied)


def _of(matrix: Array, rows: slice) -> Array:
    return matrix[rows, ...] if matrix.shape[0] > 1 else matrix


def nyquist_wave(xp: Namespace, x: Array, axis: int) -> Array:
    """The coefficient of (-1)^n along an axis of even size: of size 1 there."""
    even, odd = (xp.mean(x[part], axis=axis, keepdims=True) for part in _halves(x, axis))
    return (even - odd) / 2


def add_alternating(x: Array, axis: int, wave: Array) -> None:
    """Add (-1)^n ``wave`` along an axis of even size, in place."""
    even, odd = _halves(x, axis)
    x[even] += wave
    x[odd] -= wave


def _halves(x: Array, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The even and the odd samples of an axis."""
    even, odd = (tuple(slice(first, None, 2) if a == axis else slice(None) for a in range(x.ndim)) for first in (0, 1))
    return even, odd


def _turns(xp: Namespace, frequencies: Array, t: Array, size: int) -> Array:
    """The turns k t / N modulo 1 in float64, of shape (B, frequencies).

    The integer part of t is reduced apart from the rest, so that no digit of a large k t is lost.
    """
    whole = xp.round(t)[:, None]
    rest = t[:, None] - whole
    return (xp.remainder(frequencies[None, :] * whole, float(size)) + frequencies[None, :] * rest) / size


def _phases(xp: Namespace, t: Array, size: int, half: bool, one_sided: bool) -> Array:
    """The factors exp(-2 pi i k t / N), of shape (B, frequencies); at k = N/2 cos(pi t), unless ``one_sided``.

    ``half`` lists k = 0 .. N/2 as rfftfreq does (the bin at +N/2), else the order of fftfreq (the bin at -N/2).
    """
    index = xp.arange(size // 2 + 1 if half else size, dtype=xp.float64, device=array_api_compat.device(t))
    frequencies = index if half else index - size * xp.astype(index >= (size + 1) // 2, xp.float64)
    angle = (-2 * math.pi) * _turns(xp, frequencies, t, size)
    sine = xp.sin(angle)
    if size % 2 == 0 and not one_sided:
        sine = xp.where(index == size // 2, 0.0, sine)
    return xp.astype(xp.cos(angle), xp.complex128) + 1j * xp.astype(sine, xp.complex128)


def _circulant(xp: Namespace, t: Array, size: int) -> Array:
    """The matrices (B, N, N) of the symmetric translation: row n holds D(n - m - t), D the Dirichlet kernel."""
    return _circulant_of(xp, _phases(xp, t, size, half=True, one_sided=False), size)


def _circulant_of(xp: Namespace, spectrum: Array, size: int) -> Array:
    """The circulant matrices (B, N, N) whose first columns have these half spectra (B, N // 2 + 1)."""
    kernel = fourier(xp).irfftn(spectrum, s=(size,), axes=(1,))
    index = xp.arange(size, device=array_api_compat.device(spectrum))
    difference = xp.reshape((index[:, None] - index[None, :]) % size, (size * size,))
    return xp.reshape(xp.take(kernel, difference, axis=1), (spectrum.shape[0], size, size))


def _apply(xp: Namespace, matrix: Array, x: Array, axis: int) -> Array:
    """Apply the matrices (B or 1, N, N) along ``axis`` of ``x``, as few and as large products as the layout allows."""
    if axis == x.ndim - 2 and axis > 1:
        return xp.matmul(xp.reshape(matrix, (matrix.shape[0], *(1,) * (axis - 1), *matrix.shape[1:])), x)
    moved = xp.moveaxis(x, axis, -1)
    rows = xp.reshape(moved, (x.shape[0], -1, x.shape[axis]))
    product = xp.matmul(rows, xp.matrix_transpose(matrix))
    return xp.moveaxis(xp.reshape(product, moved.shape), -1, axis)
