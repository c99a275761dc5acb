"""Which certificates are checked, and where each of them stands.

A file ending in ``.jsonl`` holds one certificate on each line, any other file one certificate. A folder stands for all
its files ``*.json`` and ``*.jsonl``, those of its subfolders included, in sorted order; names that begin with a dot and
the manifest of a census are passed over. Nothing outside of the folder is read: a link that leads out is refused.
"""

from __future__ import annotations

import os
import stat
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from theory.spec.errors import SpecificationError, refuse

SUFFIXES = (".json", ".jsonl")
MANIFEST = "manifest.json"
"""A census writes this file beside its certificates; it is none itself."""

PIECE = 1 << 20
"""Bytes of a file that are looked at together."""


@dataclass(frozen=True)
class Source:
    """One certificate: its ``place`` in words, and the part of a file that holds it."""

    place: str
    path: str
    start: int
    length: int


def find_certificates(paths: Sequence[str | os.PathLike[str]]) -> tuple[Source, ...]:
    """The certificates at ``paths``, each file once; all files are read, and none is interpreted.

    Raises:
        SpecificationError: a path that does not exist, a folder without certificates, what is no regular file, cannot
            be read or is no UTF-8, a file that is named twice, a link that leads out of its folder.
    """
    if not paths:
        raise refuse("path=", "a certificate or a folder of certificates")
    found: list[Source] = []
    known: set[str] = set()
    for path in paths:
        for file in _files(os.fspath(path)):
            real = os.path.realpath(file)
            if real in known:
                raise refuse(f"path={shown(file)}", "each file once", "it is named twice, or by a link as well")
            known.add(real)
            found.extend(_sources(file))
    return tuple(found)


def shown(path: str) -> str:
    r"""``path`` with what cannot be printed as an escape.

    >>> print(shown("a" + chr(10) + "b.json"))
    a\nb.json
    """
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in path)


def _files(path: str) -> list[str]:
    given = f"path={shown(path)}"
    if not os.path.lexists(path):
        raise refuse(given, "a certificate or a folder of certificates", "there is no such file")
    if not os.path.isdir(path):
        return [path]

    def stop(error: OSError) -> None:
        raise _unreadable(str(error.filename or path), error, "a folder that can be listed") from None

    root, files = os.path.realpath(path), []
    for folder, inner, names in os.walk(path, onerror=stop):
        inner[:] = [name for name in inner if not name.startswith(".")]
        chosen = [name for name in names if name.endswith(SUFFIXES) and not name.startswith(".") and name != MANIFEST]
        files += [os.path.join(folder, name) for name in chosen]
        for link in (os.path.join(folder, name) for name in [*inner, *chosen]):
            if os.path.islink(link) and os.path.commonpath([root, os.path.realpath(link)]) != root:
                raise refuse(f"path={shown(link)}", f"a file inside of {shown(path)}", "this link leads out of it")
    if not files:
        raise refuse(given, "a folder with certificates in it", "it holds no *.json and no *.jsonl")
    return sorted(files)


def _sources(path: str) -> Iterator[Source]:
    given = f"path={shown(path)}"
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would not even open
            raise refuse(given, "a regular file", "this is a pipe, a device or a socket")
        size, breaks = _breaks(path)
    except SpecificationError:
        raise
    except UnicodeDecodeError as error:
        raise refuse(given, f"a certificate in UTF-8 ({error.reason})", "certificates are JSON") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, "a file that can be read") from None
    if not path.endswith(".jsonl"):
        yield Source(shown(path), path, 0, size)
        return
    if not size:
        raise refuse(given, "one certificate on each line", "the file is empty")
    edges = [0, *breaks] if size in breaks[-1:] else [0, *breaks, size]
    for number, (start, end) in enumerate(pairwise(edges), start=1):
        yield Source(f"{shown(path)}:{number}", path, start, end - start)


def _breaks(path: str) -> tuple[int, list[int]]:
    """The size of a file, and where its lines after the first one begin. Raises UnicodeDecodeError for no UTF-8."""
    decoder, size, breaks = getincrementaldecoder("utf-8")(), 0, []
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            decoder.decode(piece)
            place = piece.find(b"\n")
            while place >= 0:
                breaks.append(size + place + 1)
                place = piece.find(b"\n", place + 1)
            size += len(piece)
    decoder.decode(b"", final=True)
    return size, breaks


def _unreadable(path: str, error: OSError | ValueError, expected: str) -> SpecificationError:
    reason = getattr(error, "strerror", None) or str(error)
    return refuse(f"path={shown(path)}", f"{expected} ({shown(str(reason))})")
