"""Convolution, pooling and activation on arrays laid out channels first, then batch: (C, B, H, W).

With the channels first, a convolution of the whole batch is one matrix product, filters (O, C·k·k) times columns
(C·k·k, B·H·W), also on the small maps of the last layers, where a product per image would wait for the filters. The
columns are k·k copies of the input; they are built and used in chunks that stay in the cache. Every array is *padded*
once, by whoever writes it: an activation writes into the interior of a zero array, and the convolution after it reads
windows of that array.

The array namespace is an argument (``xp``), as in array-api-compat. Zero padding is torchvision's.
"""

from __future__ import annotations

from itertools import pairwise

from array_api_compat import device

from numerics.arrays import Array, Namespace

CHUNK_BYTES = 8 << 20
"""Bytes of columns at a time on a CPU (measured: 2 to 8 MiB are best, 0.25 and 32 MiB up to twice as slow)."""

DEVICE_CHUNK_BYTES = 256 << 20
"""The same on an accelerator, where each product is a launch and memory is fast everywhere."""


def chunk_bytes(array: Array) -> int:
    """How many bytes to work on at a time where ``array`` lives."""
    return CHUNK_BYTES if "cpu" in str(device(array)).lower() else DEVICE_CHUNK_BYTES


def pad(xp: Namespace, array: Array, margin: int) -> Array:
    """Copy ``array`` (C, B, H, W) into the interior of zeros of shape (C, B, H + 2 margin, W + 2 margin)."""
    padded = padded_zeros(xp, array.shape, margin, array)
    interior(padded, margin)[:, :, :, :] = array
    return padded


def padded_zeros(xp: Namespace, shape: tuple[int, int, int, int], margin: int, like: Array) -> Array:
    """Zeros of ``shape`` plus ``margin`` on all four sides, of the dtype and on the device of ``like``."""
    channels, batch, rows, columns = shape
    padded = (channels, batch, rows + 2 * margin, columns + 2 * margin)
    return xp.zeros(padded, dtype=like.dtype, device=device(like))


def interior(padded: Array, margin: int = 1) -> Array:
    """A view of ``padded`` without its margin."""
    rows, columns = padded.shape[2:]
    return padded[:, :, margin : rows - margin, margin : columns - margin]


def convolve(xp: Namespace, padded: Array, filters: Array, stride: int) -> Array:
    """Slide ``filters`` (O, C, k, k) over ``padded`` (C, B, H, W): y[o,b,h,w] = Σ f[o,c,i,j] x[c,b,sh+i,sw+j].

    Cross-correlation, as PyTorch's convolution; no padding of its own. The result has shape (O, B, H', W') with
    H' = ⌊(H − k)/stride⌋ + 1, and the dtype of ``padded``. At most ``chunk_bytes(padded)`` of columns, or one
    row of one image where that is more, exist at a time.
    """
    channels, batch, height, width = padded.shape
    outputs, _, size, _ = filters.shape
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    matrix = xp.reshape(filters, (outputs, channels * size * size))
    result = xp.empty((outputs, batch, rows, columns), dtype=padded.dtype, device=device(padded))
    row_bytes = channels * size * size * columns * xp.finfo(padded.dtype).bits // 8
    rows_per_chunk = max(1, chunk_bytes(padded) // row_bytes)
    images = max(1, rows_per_chunk // rows)
    for first, last in _spans(batch, images):
        for top, bottom in _spans(rows, rows_per_chunk):
            windows = [
                padded[
                    :,
                    first:last,
                    stride * top + i : stride * (bottom - 1) + i + 1 : stride,
                    j : stride * (columns - 1) + j + 1 : stride,
                ]
                for i in range(size)
                for j in range(size)
            ]
            unfolded = xp.reshape(xp.stack(windows, axis=1), (channels * size * size, -1))
            product = xp.matmul(matrix, unfolded)
            result[:, first:last, top:bottom, :] = xp.reshape(product, (outputs, last - first, bottom - top, columns))
    return result


def max_pool(xp: Namespace, padded: Array, margin: int) -> Array:
    """3x3 maximum with stride 2 of ``padded`` (C, B, H, W), written into zeros with a ``margin``.

    PyTorch pads a pooling with −∞; zeros do the same here because the argument has just passed a ReLU.
    """
    channels, batch, height, width = padded.shape
    rows, columns = (height - 3) // 2 + 1, (width - 3) // 2 + 1
    result = padded_zeros(xp, (channels, batch, rows, columns), margin, padded)
    inside = interior(result, margin)
    for first, last in _spans(channels, _channels_per_chunk(xp, padded)):
        source = padded[first:last, :, :, :]
        tall = xp.maximum(
            xp.maximum(source[:, :, 0 : height - 2 : 2, :], source[:, :, 1 : height - 1 : 2, :]),
            source[:, :, 2:height:2, :],
        )
        inside[first:last, :, :, :] = xp.maximum(
            xp.maximum(tall[:, :, :, 0 : width - 2 : 2], tall[:, :, :, 1 : width - 1 : 2]), tall[:, :, :, 2:width:2]
        )
    return result


def rectify(
    xp: Namespace, array: Array, scale: Array, shift: Array, skip: Array | None = None, margin: int = 1
) -> Array:
    """max(0, scale · array + shift + skip), written into zeros with a ``margin``.

    ``array`` and ``skip`` are (C, B, H, W), ``scale`` and ``shift`` (C,).
    """
    result = padded_zeros(xp, array.shape, margin, array)
    inside = interior(result, margin)
    zero = xp.zeros((), dtype=array.dtype, device=device(array))
    for first, last in _spans(array.shape[0], _channels_per_chunk(xp, array)):
        chunk = affine(xp, array[first:last, :, :, :], scale[first:last], shift[first:last])
        if skip is not None:
            chunk += skip[first:last, :, :, :]
        inside[first:last, :, :, :] = xp.maximum(chunk, zero)
    return result


def affine(xp: Namespace, array: Array, scale: Array, shift: Array) -> Array:
    """scale · array + shift with one ``scale`` and ``shift`` per channel, ``array`` being (C, B, H, W)."""
    result = array * xp.reshape(scale, (-1, 1, 1, 1))
    result += xp.reshape(shift, (-1, 1, 1, 1))
    return result


def _spans(count: int, most: int) -> list[tuple[int, int]]:
    """Cut range(count) into the fewest pieces of at most ``most``, as equal as possible."""
    pieces = -(-count // most)
    bounds = [count * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(bounds))


def _channels_per_chunk(xp: Namespace, array: Array) -> int:
    """How many channels fit into a quarter of a chunk: elementwise steps hold a few temporaries."""
    _, batch, rows, columns = array.shape
    channel_bytes: int = batch * rows * columns * int(xp.finfo(array.dtype).bits) // 8
    return max(1, chunk_bytes(array) // 4 // channel_bytes)
