"""From a picture file to the pixels that a network sees, as torchvision does it for PIL images.

The shorter side becomes 256 pixels and the longer one ⌊256 long/short⌋, with Pillow's bilinear filter (which averages
over the source pixels when it shrinks); then the central square is cut out, values are divided by 255, and ImageNet's
mean is subtracted and its deviation divided out, channel by channel.

What torchvision leaves open is decided here:

* a picture whose shorter side is below the crop is not used: enlarged, it would have no high frequencies of its own;
* the orientation that a camera notes in EXIF is applied;
* alpha is dropped and palettes are expanded, as ``convert("RGB")`` does; grey is repeated in the three channels;
* 16-bit grey is divided by 257 (so that 65535 becomes 255) and rounded; floating values count from 0 to 1, or from 0
  to 255 where one of them exceeds 1;
* of several frames the first is taken;
* a crop of one color is not used, since normalizing it says nothing.

References: torchvision.transforms.functional (resize, center_crop, to_tensor, normalize).
"""

from __future__ import annotations

import errno
import logging
import os
import warnings
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from equinorm.inputs.stored_tensors import printable

SHORTER_SIDE = 256
LARGEST_PICTURE = 100_000_000
"""Pixels of a picture, before and after resizing; a small file may claim any number of them."""

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""ImageNet's, for red, green and blue values in [0, 1]."""

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
"""What Pillow decodes by itself, where it was built for it; others (EPS) start a program or (TGA) have no signature."""

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the machine lacks, and not the picture."""

_PILLOW = r"PIL\."

# Pillow logs some defects on top of raising an error; the reason for skipping a picture is told once, by the report.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class UnusablePicture(Exception):
    """A file that cannot take part; ``str(error)`` is the reason, in a few words on one line."""


def load_crop(source: Path | IO[bytes], crop: int) -> NDArray[np.uint8]:
    """The central square of the resized picture: (crop, crop, 3), uint8, red, green, blue.

    ``source`` is a file's path, or its bytes, open and seekable.

    Raises:
        UnusablePicture: no picture, cut, too large, smaller than ``crop``, not finite, or of one color.
    """
    image = read_rgb(source)
    width, height = image.size
    if min(width, height) < crop:
        raise UnusablePicture(f"{width}x{height} pixels, smaller than the crop of {crop}")
    size = resized_size(width, height)
    if size[0] * size[1] > LARGEST_PICTURE:
        raise UnusablePicture(f"{width}x{height} pixels, too long for its width")
    pixels = np.array(image.resize(size, Image.Resampling.BILINEAR).crop(center_box(*size, crop)))
    if np.array_equal(pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))):
        raise UnusablePicture("constant: every pixel of the crop has the same color")
    return pixels


def read_rgb(source: Path | IO[bytes]) -> Image.Image:
    """Decode the first frame as 8-bit RGB, turned upright; may be called by many threads at a time.

    Raises:
        UnusablePicture: as `load_crop`.
    """
    _silence()
    try:
        if isinstance(source, Path) and not source.is_file():
            raise UnusablePicture("no regular file" if os.path.lexists(source) else "there is no such file any more")
        with Image.open(source, formats=_formats()) as image:
            width, height = image.size
            if width * height > LARGEST_PICTURE:
                raise UnusablePicture(f"{width}x{height} pixels, more than {LARGEST_PICTURE} in all")
            return _rgb(ImageOps.exif_transpose(image))
    except UnusablePicture:
        raise
    except Image.DecompressionBombError:
        raise UnusablePicture(f"more than {LARGEST_PICTURE} pixels") from None
    except UnidentifiedImageError:
        raise UnusablePicture("no picture in a format that is read") from None
    except MemoryError:
        raise  # which pictures are used must not depend on this
    except Exception as error:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise
        # Pillow's decoders raise whatever damaged bytes lead to; one bad file must not stop a thousand good ones.
        raise UnusablePicture(f"damaged or cut ({printable(error)})") from None


@cache
def _formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this build of Pillow knows; it stumbles over others."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _silence() -> None:
    """Ignore what Pillow warns of (odd metadata, many pixels): it is either harmless here or judged above.

    A filter that stays, for ``warnings.catch_warnings`` in several threads would restore each other's filters.
    """
    if not any(getattr(known[3], "pattern", None) == _PILLOW for known in warnings.filters):
        warnings.filterwarnings("ignore", module=_PILLOW)


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any of Pillow's modes to 8-bit RGB, by the rules in the caption."""
    if image.mode.startswith("I"):
        numbers = np.asarray(image)
        if numbers.min() < 0 or numbers.max() > 65535:
            raise UnusablePicture("integers outside 0 to 65535, whose scale is unknown")
        return _grey(numbers / 257)
    if image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        if not np.all(np.isfinite(values)):
            raise UnusablePicture(f"{values.size - np.count_nonzero(np.isfinite(values))} pixels are NaN or infinite")
        if values.min() < 0 or values.max() > 255:
            raise UnusablePicture("floating values outside 0 to 255, whose scale is unknown")
        return _grey(values * 255 if values.max() <= 1 else values)
    if image.mode == "P":
        # By way of RGBA the colors are the same, and Pillow does not complain of transparency.
        image = image.convert("RGBA")
    elif image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    return image.convert("RGB")


def _grey(values: NDArray[Any]) -> Image.Image:
    return Image.fromarray(np.rint(values).astype(np.uint8)).convert("RGB")


def resized_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) with the shorter side at 256 and the longer truncated.

    >>> resized_size(640, 427), resized_size(300, 451)
    ((383, 256), (256, 384))
    """
    if width <= height:
        return SHORTER_SIDE, int(SHORTER_SIDE * height / width)
    return int(SHORTER_SIDE * width / height), SHORTER_SIDE


def center_box(width: int, height: int, crop: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the central square; halves are rounded to even, as Python and torchvision do.

    >>> center_box(383, 256, 193), center_box(257, 259, 256)
    ((95, 32, 288, 225), (0, 2, 256, 258))
    """
    left, top = round((width - crop) / 2.0), round((height - crop) / 2.0)
    return left, top, left + crop, top + crop


def normalize(crops: NDArray[np.uint8], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """(v/255 − mean)/deviation of crops (B, h, w, 3) as images (B, 3, h, w), computed in ``dtype``."""
    images = np.ascontiguousarray(np.moveaxis(crops, -1, 1)).astype(dtype)
    images /= 255
    images -= np.asarray(MEAN, dtype=dtype).reshape(3, 1, 1)
    images /= np.asarray(DEVIATION, dtype=dtype).reshape(3, 1, 1)
    return images
