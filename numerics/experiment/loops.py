"""The passes of an experiment as compiled loops: each reads its arrays tile by tile and makes no array beside.

Maps come as x (B, C, P), P pixels, contiguous, float32 or float64. A *tile* is a run of pixels of all channels that
stays in the second-level cache. Sums over the pixels of a map are taken in float64, sums over channels and everything
else in the dtype. The loops hold no lock of the interpreter, so that threads run them side by side; they take one
sample after the other, so that no result depends on how samples are cut into pieces.

This is the one module that imports Numba, and :mod:`numerics.experiment.compiled` the one that calls it. What the loops
compute is said in :mod:`numerics.experiment.sides` and :mod:`numerics.metrics`; the array expressions there are the
reference that they are tested against.

Reference: Lam, Pitrou and Seibert (2015), Numba: a LLVM-based Python JIT compiler, LLVM-HPC.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

Array = np.ndarray[Any, Any]

TILE = 1024
"""Pixels of a tile: with 64 channels of float32, 256 KiB."""
SHORT_TILE = 512
"""Pixels of a tile where several sums at each pixel are kept in the first-level cache."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop for the types of its arguments when it is first called; the machine code is kept on disk.

    Where no folder for it can be written, each process compiles anew. A product and a sum may become one operation with
    one rounding; no other freedom is given, but to :data:`added`.
    """
    decorate: Any = partial(numba.njit, nogil=True, fastmath={"contract"})
    found: Callable[..., Any]
    try:
        found = decorate(cache=True)(function)
    except RuntimeError:  # Numba's word where it finds no such folder
        found = decorate()(function)
    return found


def _binary(instruct: Callable[[Any, Any, Any], Any]) -> Any:
    """A function of two floats of one type as the instruction that ``instruct(builder, left, right)`` writes."""

    def typed(_context: Any, a: Any, b: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return instruct(builder, *arguments)

        return (a(a, b), generate) if a == b else None

    return intrinsic(typed)


def _extremum(name: str) -> Any:
    """The smaller or greater of two floats: written as a comparison it would keep a loop off the vector registers."""

    def instruct(builder: Any, left: Any, right: Any) -> Any:
        kind = left.type
        full = f"llvm.{name}.{'f32' if isinstance(kind, ir.FloatType) else 'f64'}"
        known = builder.module.globals.get(full)
        function = known or ir.Function(builder.module, ir.FunctionType(kind, [kind, kind]), full)
        return builder.call(function, (left, right), fastmath=("nnan", "nsz"))

    return _binary(instruct)


least: Any = _extremum("minnum")
greatest: Any = _extremum("maxnum")
added: Any = _binary(lambda builder, left, right: builder.fadd(left, right, flags=("reassoc", "contract", "nsz")))
"""The sum of two floats; a loop of such sums may be taken in another, fixed, order: on vector registers."""


@compiled
def channel_mean(x: Array, pivots: Array, first: int, mean: Array) -> None:
    """The mean over the channels of x - pivot at the pixels from ``first`` on; x (C, P), pivots (C,)."""
    count = mean.shape[0]
    mean[:] = 0
    for c in range(x.shape[0]):
        pivot, row = pivots[c], x[c, first : first + count]
        for p in range(count):
            mean[p] += row[p] - pivot
    for p in range(count):
        mean[p] /= x.shape[0]


@compiled
def moments(x: Array, pivots: Array, over_channels: bool, found: Array) -> None:
    """Sum, sum of squares, least and greatest z of each map, (B, C, 4); z = x - pivot, less its mean over channels."""
    buffer = np.zeros(TILE, dtype=x.dtype)
    for b in range(x.shape[0]):
        found[b, :, :2] = 0
        found[b, :, 2] = np.inf
        found[b, :, 3] = -np.inf
        for first in range(0, x.shape[2], TILE):
            count = min(TILE, x.shape[2] - first)
            mean = buffer[:count]
            if over_channels:
                channel_mean(x[b], pivots[b], first, mean)
            for c in range(x.shape[1]):
                pivot, row = pivots[b, c], x[b, c, first : first + count]
                total, squares = 0.0, 0.0
                low = high = row[0] - pivot - mean[0]
                for p in range(count):
                    z = row[p] - pivot - mean[p]
                    total = added(total, np.float64(z))
                    squares = added(squares, np.float64(z) * np.float64(z))
                    low, high = least(low, z), greatest(high, z)
                found[b, c, 0] += total
                found[b, c, 1] += squares
                found[b, c, 2] = min(found[b, c, 2], np.float64(low))
                found[b, c, 3] = max(found[b, c, 3], np.float64(high))


@compiled
def add_products(a: Array, e: Array, alpha: Array, beta: Array, sums: Array) -> None:
    """Add u v, u u and v v to the rows of ``sums``; u = alpha[0] a + beta[0] and v = alpha[1] e + beta[1]."""
    inner, lefts, rights = sums[0], sums[1], sums[2]
    scale, offset, other_scale, other_offset = alpha[0], beta[0], alpha[1], beta[1]
    for p in range(a.shape[0]):
        u, v = scale * a[p] + offset, other_scale * e[p] + other_offset
        inner[p] += u * v
        lefts[p] += u * u
        rights[p] += v * v


@compiled
def add_squares(a: Array, alpha: Array, beta: Array, sums: Array) -> None:
    """Add u u to the first row of ``sums``: where both sides are one."""
    inner, scale, offset = sums[0], alpha[0], beta[0]
    for p in range(a.shape[0]):
        u = scale * a[p] + offset
        inner[p] += u * u


@compiled
def sum_of_cosine_errors(sums: Array, count: int, alike: bool, smallest: float) -> float:
    """The sum over ``count`` pixels of 1 - <u, v> / (|u| |v|), from the sums of products (3, tile)."""
    inner, lefts, rights = sums[0], sums[0 if alike else 1], sums[0 if alike else 2]
    one, low = sums.dtype.type(1), sums.dtype.type(smallest)
    total = 0.0
    for p in range(count):
        norms = greatest(np.sqrt(lefts[p]), low) * greatest(np.sqrt(rights[p]), low)
        total = added(total, np.float64(one - inner[p] / norms))
    return total


@compiled
def cosines(
    x: Array,
    pivots: Array,
    over_channels: bool,
    alphas: Array,
    betas: Array,
    alike: Array,
    smallest: float,
    found: Array,
) -> None:
    """The cosine errors (B, n) of n pairs of lines over z: alpha and beta (B, C, n, 2), left and right.

    ``alike`` (n,) tells which pairs are one line twice.
    """
    channels, pixels = x.shape[1:]
    buffer, mean_buffer = np.empty(SHORT_TILE, dtype=x.dtype), np.zeros(SHORT_TILE, dtype=x.dtype)
    sums = np.empty((alphas.shape[2], 3, SHORT_TILE), dtype=x.dtype)
    for b in range(x.shape[0]):
        found[b, :] = 0
        for first in range(0, pixels, SHORT_TILE):
            count = min(SHORT_TILE, pixels - first)
            mean, z = mean_buffer[:count], buffer[:count]
            if over_channels:
                channel_mean(x[b], pivots[b], first, mean)
            sums[:] = 0
            for c in range(channels):
                pivot, row = pivots[b, c], x[b, c, first : first + count]
                for p in range(count):
                    z[p] = row[p] - pivot - mean[p]
                for i in range(alphas.shape[2]):
                    if alike[i]:
                        add_squares(z, alphas[b, c, i], betas[b, c, i], sums[i])
                    else:
                        add_products(z, z, alphas[b, c, i], betas[b, c, i], sums[i])
            for i in range(alphas.shape[2]):
                found[b, i] += sum_of_cosine_errors(sums[i], count, alike[i], smallest)
        found[b, :] /= pixels


@compiled
def standardized(x: Array, center: bool, eps: float, y: Array, variance: Array) -> None:
    """Each pixel of x over the root of the variance of its channels (mean square, not to ``center``), (B, P)."""
    nothing = np.zeros(x.shape[1], dtype=x.dtype)
    mean_buffer, root_buffer = np.zeros(TILE, dtype=x.dtype), np.empty(TILE, dtype=x.dtype)
    one, small = x.dtype.type(1), x.dtype.type(eps)
    for b in range(x.shape[0]):
        for first in range(0, x.shape[2], TILE):
            count = min(TILE, x.shape[2] - first)
            mean, root = mean_buffer[:count], root_buffer[:count]
            if center:
                channel_mean(x[b], nothing, first, mean)
            root[:] = 0
            for c in range(x.shape[1]):
                row = x[b, c, first : first + count]
                for p in range(count):
                    root[p] += (row[p] - mean[p]) * (row[p] - mean[p])
            for p in range(count):
                root[p] /= x.shape[1]
                variance[b, first + p] = root[p]
                root[p] = one / np.sqrt(root[p] + small)
            for c in range(x.shape[1]):
                row, out = x[b, c, first : first + count], y[b, c, first : first + count]
                for p in range(count):
                    out[p] = (row[p] - mean[p]) * root[p]


@compiled
def scaled(x: Array, mean: Array, root: Array, gain: Array, bias: Array, y: Array) -> None:
    """(x - mean) root gain + bias with a mean and a root for each map, (B, C), and gain and bias (C, P)."""
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            row, out, m, r = x[b, c], y[b, c], mean[b, c], root[b, c]
            g, h = gain[c], bias[c]
            for p in range(x.shape[2]):
                out[p] = (row[p] - m) * r * g[p] + h[p]


@compiled
def compared(left: Array, right: Array, smallest: float, found: Array, squares: Array) -> None:
    """Two arrays (B, C, P).

    Per sample (B, 4): the sum of squares and the maximum of left - right, the maximum of right, and the mean cosine
    error. Per map (B, C): the sum of squares of right.
    """
    line = np.zeros((2, 2), dtype=left.dtype)
    line[0] = 1
    sums = np.empty((3, SHORT_TILE), dtype=left.dtype)
    for b in range(left.shape[0]):
        found[b, :] = 0
        squares[b, :] = 0
        for first in range(0, left.shape[2], SHORT_TILE):
            count = min(SHORT_TILE, left.shape[2] - first)
            sums[:] = 0
            for c in range(left.shape[1]):
                a, e = left[b, c, first : first + count], right[b, c, first : first + count]
                apart, total = 0.0, 0.0
                far, high = abs(a[0] - e[0]), abs(e[0])
                for p in range(count):
                    d = a[p] - e[p]
                    apart = added(apart, np.float64(d) * np.float64(d))
                    total = added(total, np.float64(e[p]) * np.float64(e[p]))
                    far, high = greatest(far, abs(d)), greatest(high, abs(e[p]))
                add_products(a, e, line[0], line[1], sums)
                squares[b, c] += total
                found[b, 0] += apart
                found[b, 1] = max(found[b, 1], np.float64(far))
                found[b, 2] = max(found[b, 2], np.float64(high))
            found[b, 3] += sum_of_cosine_errors(sums, count, False, smallest)
        found[b, 3] /= left.shape[2]


@compiled
def compared_on_lines(
    left: Array, right: Array, alphas: Array, betas: Array, smallest: float, found: Array, cosine: Array
) -> None:
    """Two arrays (B, C, P), and n lines put on both: alpha and beta (B, C, n, 2), each twice.

    Per map (B, C, 6): the sum of squares and the maximum of left - right; sum, sum of squares, least and greatest entry
    of right. And the cosine errors (B, n).
    """
    sums = np.empty((alphas.shape[2], 3, SHORT_TILE), dtype=left.dtype)
    for b in range(left.shape[0]):
        found[b, :, :4] = 0
        found[b, :, 4] = np.inf
        found[b, :, 5] = -np.inf
        cosine[b, :] = 0
        for first in range(0, left.shape[2], SHORT_TILE):
            count = min(SHORT_TILE, left.shape[2] - first)
            sums[:] = 0
            for c in range(left.shape[1]):
                a, e = left[b, c, first : first + count], right[b, c, first : first + count]
                apart, total, squares = 0.0, 0.0, 0.0
                far, low, high = abs(a[0] - e[0]), e[0], e[0]
                for p in range(count):
                    d = a[p] - e[p]
                    apart = added(apart, np.float64(d) * np.float64(d))
                    total = added(total, np.float64(e[p]))
                    squares = added(squares, np.float64(e[p]) * np.float64(e[p]))
                    far = greatest(far, abs(d))
                    low, high = least(low, e[p]), greatest(high, e[p])
                found[b, c, 0] += apart
                found[b, c, 1] = max(found[b, c, 1], np.float64(far))
                found[b, c, 2] += total
                found[b, c, 3] += squares
                found[b, c, 4] = min(found[b, c, 4], np.float64(low))
                found[b, c, 5] = max(found[b, c, 5], np.float64(high))
                for i in range(alphas.shape[2]):
                    add_products(a, e, alphas[b, c, i], betas[b, c, i], sums[i])
            for i in range(alphas.shape[2]):
                cosine[b, i] += sum_of_cosine_errors(sums[i], count, False, smallest)
        cosine[b, :] /= left.shape[2]
