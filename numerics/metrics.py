"""How far two feature maps are apart: three errors, one value a sample.

Measuring only; what an error means, given the precision, is judged in :mod:`numerics.bounds`. With a the array under
test and e the expected one, over all entries of a sample:

    relative L2 = |a - e|_2 / |e|_2,   relative maximum = max|a - e| / max|e|,
    cosine error = mean over pixels of 1 - <a, e> / (max(|a|, 1e-8) max(|e|, 1e-8)), vectors over the channels.

The cosine error is the published one. It cannot see a positive gain per pixel, so the others always stand beside it.
It is computed in the dtype of the arrays, as published: it has a floor of about their unit roundoff, may be slightly
negative, and is 1 at a pixel where both vectors are 0.

References: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, Tables 2 and 3; the smallest norm 1e-8 is
the default of ``torch.nn.functional.cosine_similarity``.
"""

from __future__ import annotations

from dataclasses import dataclass

from numerics.arrays import (
    Array,
    Namespace,
    blocks,
    largest_entry,
    namespace_of,
    positions,
    ratio,
    sum_of_products,
)
from theory.spec.errors import refuse

SMALLEST_NORM = 1e-8


@dataclass(frozen=True)
class Errors:
    """Three arrays of shape (B,), without units, in the dtype and the library of the arrays compared."""

    relative_l2: Array
    relative_maximum: Array
    cosine: Array


def compare(actual: Array, expected: Array, channel_axis: int = 1) -> Errors:
    """All three errors in one pass, block by block, without a temporary of the size of the arrays.

    Args:
        actual: real array (B, ...), float32 or float64.
        expected: array of the same shape and dtype; errors are relative to it. Where it is 0 throughout a sample, the
            relative errors are 0 if ``actual`` is 0 too, else infinite.
        channel_axis: the axis of the vectors whose cosine is taken; not axis 0, which holds the samples.

    Raises:
        SpecificationError: shapes or dtypes that differ, or a channel axis that is not there.
    """
    xp = namespace_of(actual)
    namespace_of(expected)
    if tuple(actual.shape) != tuple(expected.shape) or actual.dtype != expected.dtype:
        given = f"{tuple(actual.shape)} {actual.dtype} against {tuple(expected.shape)} {expected.dtype}"
        raise refuse(f"arrays={given}", "two arrays of one shape and dtype")
    (channels,) = positions(actual, (channel_axis,), "channel_axis")
    if channels == 0:
        raise refuse(f"channel_axis={channel_axis}", "another axis than 0, which holds the samples")
    found = [_compare(xp, actual[block], expected[block], channels) for block in blocks(actual)]
    return Errors(*(xp.concat(parts, axis=0) for parts in zip(*found, strict=True)))


def relative_l2(actual: Array, expected: Array) -> Array:
    """|a - e|_2 / |e|_2 for each sample; see :func:`compare`."""
    return compare(actual, expected).relative_l2


def relative_maximum(actual: Array, expected: Array) -> Array:
    """max|a - e| / max|e| for each sample; see :func:`compare`."""
    return compare(actual, expected).relative_maximum


def cosine_error(actual: Array, expected: Array, channel_axis: int = 1) -> Array:
    """1 - cosine over channels, averaged over pixels, for each sample; see :func:`compare`."""
    return compare(actual, expected, channel_axis).cosine


def _compare(xp: Namespace, a: Array, e: Array, channels: int) -> tuple[Array, Array, Array]:
    entries = tuple(range(1, a.ndim))
    difference = a - e
    largest = ratio(xp, largest_entry(xp, difference, entries), largest_entry(xp, e, entries))
    squares = sum_of_products(xp, e, e, (channels,))
    pixels = tuple(range(1, squares.ndim))

    def over_pixels(value: Array) -> Array:
        return xp.sum(value, axis=pixels) if pixels else value

    apart = sum_of_products(xp, difference, difference, entries)
    length = ratio(xp, xp.sqrt(apart), xp.sqrt(over_pixels(squares)))
    norms = xp.clip(xp.sqrt(squares), SMALLEST_NORM)
    norms *= xp.clip(xp.sqrt(sum_of_products(xp, a, a, (channels,))), SMALLEST_NORM)
    cosine = sum_of_products(xp, a, e, (channels,)) / norms
    return length, largest, xp.mean(1 - cosine, axis=pixels) if pixels else 1 - cosine
