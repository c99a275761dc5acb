"""A tensor that lies in a file, and why a file cannot be read.

The readers of every format return `StoredTensor`: shape and dtype are known at once, values are decoded when they are
asked for. So a shape can be refused before memory is spent on it.
"""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENCODINGS = {
    "float64": "f8",
    "float32": "f4",
    "float16": "f2",
    "bfloat16": "u2",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint8": "u1",
    "bool": "?",
}
"""NumPy's code for the bytes of one element. bfloat16 is unknown to NumPy: it is the upper half of a float32."""

FLOATING = ("float64", "float32", "float16", "bfloat16")

DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, SyntaxError),
    *(ValueError, TypeError, KeyError, OverflowError, RuntimeError, EOFError, OSError),
)
"""What zipfile, and NumPy's reading of a header, raise on damaged bytes (found by changing bytes at random)."""


class Unreadable(Exception):
    """The file is damaged or holds what is not allowed; ``str(error)`` says which, in a few words on one line."""


@dataclass(frozen=True)
class StoredTensor:
    """Shape, dtype (a name of `ENCODINGS`, or whatever the file calls it) and the way to the bytes.

    ``fetch`` returns the elements in C order, in the byte order ``order`` (``<`` or ``>``).
    """

    shape: tuple[int, ...]
    dtype: str
    fetch: Callable[[], bytes]
    order: str = "<"

    def values(self) -> NDArray[Any]:
        """A new array: half precision as float32 (exactly), float32 and float64 as they are.

        Raises:
            Unreadable: no floating dtype, or too few or too many bytes.
        """
        if self.dtype not in FLOATING:
            raise Unreadable(f"has dtype {printable(self.dtype)}, which is not floating")
        element = np.dtype(self.order + ENCODINGS[self.dtype])
        raw = self.fetch()
        if len(raw) != math.prod(self.shape) * element.itemsize:
            raise Unreadable(f"has {len(raw)} bytes, which its shape {self.shape} and dtype {self.dtype} do not need")
        stored = np.frombuffer(raw, dtype=element)
        if self.dtype == "bfloat16":
            widened = (stored.astype(np.uint32) << 16).view(np.float32)
        else:
            widened = stored.astype(np.float64 if self.dtype == "float64" else np.float32)
        return widened.reshape(self.shape)


def printable(text: object, most: int = 80) -> str:
    r"""``text`` on one line of at most ``most`` characters, whatever a hostile file put into it.

    >>> printable("conv1.weight"), printable("a" + chr(10) + "b"), printable("x" * 9, most=5)
    ('conv1.weight', "'a\\nb'", 'xx...')
    """
    spelled = str(text)
    if not spelled.isprintable():
        spelled = ascii(spelled)
    return spelled if len(spelled) <= most else spelled[: most - 3] + "..."
