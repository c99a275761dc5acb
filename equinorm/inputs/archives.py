"""Pictures in tar archives, opened where they lie: nothing is unpacked, and no name in an archive becomes a path.

An archive is listed once, header by header; each member is then a window of the archive, from its first byte on, and
is decoded through that window as a file would be. So ImageNet's validation set is read from ILSVRC2012_img_val.tar,
and its training set from ILSVRC2012_img_train.tar, a tar of one tar for each class: archives in an archive are listed
one level deep.

Links, devices, pipes and sparse files are listed with the reason why they cannot be used. Names that begin with a dot
are passed over, as in folders. A name that is there twice stands for its last member, as when one unpacks.

Compressed archives are refused: a member could be reached only through all bytes before it. An archive ends with a
block of zeros; one without it was cut, or has a damaged header in the middle, at which tarfile ends its list silently.

References: IEEE Std 1003.1-2001, "pax", for ustar and its extended headers; tarfile of the standard library.
"""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SUFFIX = ".tar"
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}
"""First bytes of what an archive may be packed with."""

COMPRESSED_SUFFIXES = (".tgz", ".tbz2", ".txz", ".tzst", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")

KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


class UnusableArchive(Exception):
    """A file that cannot be listed; ``str(error)`` is the reason, in a few words on one line."""


@dataclass(frozen=True, slots=True)
class Window:
    """The bytes of a member: ``length`` of them from ``start`` on, in an archive of ``archive_bytes`` bytes."""

    start: int
    length: int
    archive_bytes: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive: its ``name`` there, and its window, or ``trouble``, why it has none."""

    name: str
    window: Window | None
    trouble: str = ""


def names_archive(path: str | os.PathLike[str]) -> bool:
    """True when the name of ``path`` says that it is a tar archive, compressed or not."""
    return os.fspath(path).lower().endswith((SUFFIX, *COMPRESSED_SUFFIXES))


def list_archive(path: Path) -> tuple[Member, ...]:
    """The members of the archive at ``path`` that are files, by name in the order of their characters.

    An archive in it is replaced by its members, whose names begin with its own.

    Raises:
        UnusableArchive: no regular file, cannot be read, compressed, cut, or with a damaged header.
    """
    try:
        if not path.is_file():
            raise UnusableArchive("no regular file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            found = dict(_expanded(file, size))
    except (OSError, ValueError) as error:
        raise UnusableArchive(str(getattr(error, "strerror", None) or error)) from None
    return tuple(found[name] for name in sorted(found))


def open_window(path: Path, window: Window) -> IO[bytes]:
    """The bytes of a member as a file of its own, to be closed.

    Raises:
        UnusableArchive: the archive is gone, or has another size than when it was listed.
        OSError: it cannot be read.
    """
    if not path.is_file():
        raise UnusableArchive("the archive was removed while it was read")
    file = path.open("rb")
    if os.fstat(file.fileno()).st_size != window.archive_bytes:
        file.close()
        raise UnusableArchive("the archive was changed while it was read")
    return io.BufferedReader(_Part(file, window.start, window.length))


class _Part(io.RawIOBase):
    """A part of a file, read only."""

    def __init__(self, file: IO[bytes], start: int, length: int, *, owner: bool = True) -> None:
        self.file, self.start, self.length, self.place, self.owner = file, start, length, 0, owner

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.length}[whence]
        self.place = max(0, base + offset)
        return self.place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self.length - self.place))
        self.file.seek(self.start + self.place)
        data = self.file.read(wanted)
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)

    def close(self) -> None:
        if self.owner:
            self.file.close()
        super().close()


def _expanded(file: IO[bytes], size: int) -> Iterator[tuple[str, Member]]:
    for member in _members(file, Window(0, size, size), size):
        if member.window is None or not names_archive(member.name):
            yield member.name, member
            continue
        try:
            inner = list(_members(file, member.window, size))
        except UnusableArchive as error:
            yield member.name, Member(member.name, None, str(error))
            continue
        for each in inner:
            name = f"{member.name}/{each.name}"
            nested = each.window is not None and names_archive(each.name)
            trouble = "an archive in an archive in an archive" if nested else each.trouble
            yield name, Member(name, None if trouble else each.window, trouble)


def _members(file: IO[bytes], window: Window, size: int) -> Iterator[Member]:
    """The members of the archive in ``window``, in their order there."""
    part = _Part(file, window.start, window.length, owner=False)
    start = part.read(8) or b""
    packed = next((name for mark, name in COMPRESSED.items() if start.startswith(mark)), None)
    if packed is not None:
        raise UnusableArchive(f"compressed ({packed}), so that no picture can be reached by itself; unpack it first")
    part.seek(0)
    try:
        archive = tarfile.TarFile(fileobj=part, encoding="utf-8", errors="surrogateescape")
        while (info := archive.next()) is not None:
            vars(archive)["members"].clear()  # a million of them take a gigabyte
            member = _member(info, window, size)
            if member is not None:
                yield member
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        raise UnusableArchive(f"no tar archive, or a cut or damaged one ({error})") from None
    part.seek(archive.offset)
    end = part.read(tarfile.BLOCKSIZE) or b""
    if len(end) < tarfile.BLOCKSIZE or any(end):
        raise UnusableArchive(f"a cut or damaged tar archive: neither a header nor its end at byte {archive.offset}")


def _member(info: tarfile.TarInfo, window: Window, size: int) -> Member | None:
    """A member that counts; None for folders and hidden names."""
    name = posixpath.normpath(info.name.replace("\0", "")).lstrip("/")
    if info.isdir() or any(part.startswith(".") and part != ".." for part in name.split("/")):
        return None
    trouble = "a sparse file" if info.issparse() else "" if info.isreg() else KINDS.get(info.type, "no regular file")
    if trouble:
        return Member(name, None, f"{trouble} in an archive")
    if info.size < 0 or info.offset_data + info.size > window.length:
        raise UnusableArchive(f"a cut tar archive: {info.size} bytes of a member lie beyond its end")
    return Member(name, Window(window.start + info.offset_data, info.size, size))
