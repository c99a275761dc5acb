"""Files and folders that appear complete or not at all.

A result is written beside its place, under a hidden name, and renamed when it is complete. Entering one of the two
context managers creates that hidden file or folder, so a path that cannot be written is found before any work begins.
Leaving it by an exception, Ctrl-C included, removes what was written and leaves what was there before.

A result that takes long is made in a folder with a name of its own, ``NAME.partial`` beside ``NAME``, which survives a
failure and even ``kill -9`` once work was kept in it; whoever starts again finds it there (:func:`resumed_folder`).

A folder carries a marker that lists the files equinorm wrote into it. A folder is replaced only if it holds nothing
else: neither one without a marker nor one to which somebody added a file.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from theory.spec.errors import SpecificationError, refuse

MARKER = ".equinorm"
LOCK = ".lock"
UNFINISHED = ".unfinished"
"""Suffix of a file that is being written; one that is found was left by a process that was killed."""

NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@contextmanager
def replacing_file(path: str | Path, name: str = "out", unless_empty: bool = False) -> Iterator[Path]:
    """Give a path beside ``path``, with the same suffix, to write to; put the file in place at the end.

    Missing parent folders are created. ``name`` is the option that errors name. With ``unless_empty`` a file into which
    nothing was written is not put in place: what was there before stays.

    Raises:
        SpecificationError: on entry, where ``path`` is a folder or a device, or cannot be written; later, where the
            room for it does not suffice.
    """
    with _explained(name, path, "a file that can be written"):
        target = Path(path).resolve()
        if target.is_dir():
            raise refuse(f"{name}={path}", "a file; this is a folder", "give the name of a file in it")
        if target.exists():
            if not target.is_file():
                raise refuse(f"{name}={path}", "a regular file; this is a device or a pipe")
            target.open("ab").close()  # a write-protected file is not replaced
        created = _make_parents(target)
        partial = _beside(target, "partial")
        try:
            partial.open("xb").close()
        except BaseException:
            _remove_empty(created)
            raise

    def discard() -> None:
        with interrupts_held():
            partial.unlink(missing_ok=True)
            _remove_empty(created)

    try:
        with _room_explained(name, path):
            yield partial
        if unless_empty and partial.stat().st_size == 0:
            discard()
        else:
            partial.replace(target)
    except BaseException:
        discard()
        raise


@contextmanager
def replacing_folder(path: str | Path, name: str = "out") -> Iterator[Path]:
    """Give an empty folder beside ``path`` to write into; put it in place of ``path`` at the end.

    Missing parent folders are created. ``name`` is the option that errors name.

    Raises:
        SpecificationError: on entry, where ``path`` is a file, a folder that holds anything else than what equinorm
            wrote, or cannot be written; later, where the room for it does not suffice.
    """
    with _explained(name, path, "a folder that can be written"):
        target = Path(path).resolve()
        _check_replaceable(target, f"{name}={path}")
        created = _make_parents(target)
        partial = _beside(target, "partial")
        try:
            partial.mkdir()
        except BaseException:
            _remove_empty(created)
            raise
    try:
        with _room_explained(name, path):
            yield partial
            _write_marker(partial)
        _check_replaceable(target, f"{name}={path}")  # somebody may have written there meanwhile
        with interrupts_held():
            _put_in_place(partial, target)
    except BaseException:
        with interrupts_held():
            shutil.rmtree(partial, ignore_errors=True)
            _remove_empty(created)
        raise


@dataclass(frozen=True)
class Workshop:
    """Where a long result is made.

    Attributes:
        target: where the complete result will stand.
        folder: keeps the work that is done.
        out: what the user called ``target``, for messages: ``out=...``.
    """

    target: Path
    folder: Path
    out: str

    @property
    def product(self) -> Path:
        """The folder that becomes ``target``."""
        return self.folder / "complete"

    @property
    def earlier(self) -> Path:
        """What stood at ``target`` before, for the moment of the exchange."""
        return self.folder / "earlier"

    def start_product(self) -> Path:
        """An empty folder for the complete result."""
        shutil.rmtree(self.product, ignore_errors=True)
        self.product.mkdir()
        return self.product

    def discard(self) -> None:
        """Remove the work that was kept, because nothing can come of it.

        The lock goes last: by it a later run knows the folder for its own, if this one is killed half-way.
        """
        with suppress(OSError):
            for path in self.folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.name != LOCK:
                    path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def deliver(self) -> None:
        """Put the product in place of ``target`` and remove the workshop.

        Raises:
            SpecificationError: somebody has put something else there meanwhile.
        """
        _write_marker(self.product)
        for file in self.product.rglob("*"):
            if file.is_file():
                keep_on_disk(file)
        _check_replaceable(self.target, self.out)
        with interrupts_held():
            if self.target.exists():
                self.target.rename(self.earlier)
            self.product.rename(self.target)
            keep_on_disk(self.target.parent)
            self.discard()


@contextmanager
def resumed_folder(path: str | Path, kept: str, name: str = "out") -> Iterator[Workshop]:
    """Give a workshop for the folder ``path``; the one that an earlier, unfinished run left, if there is one.

    At the end, failure included, it is removed unless it was delivered or holds files that match the pattern ``kept``.

    Raises:
        SpecificationError: on entry, as `replacing_folder`; or while another process works there.
    """
    with _explained(name, path, "a folder that can be written"):
        target = Path(path).resolve()
        given = f"{name}={path}"
        _check_replaceable(target, given)
        shop = Workshop(target, target.with_name(f"{target.name}.partial"), given)
        if shop.folder.exists() and not (shop.folder / LOCK).exists() and any(shop.folder.iterdir()):
            raise refuse(given, f"no folder {shop.folder.name} beside it but its own", "choose another name")
        created = _make_parents(target)
        try:
            shop.folder.mkdir(exist_ok=True)
            lock = (shop.folder / LOCK).open("ab")
        except BaseException:
            _remove_empty([shop.folder, *created])
            raise
    try:
        if not _locked(lock):
            raise refuse(given, "a folder that no other run is writing", "wait for it, or choose another name")
        if shop.earlier.exists() and not target.exists():  # the exchange was cut in two
            shop.earlier.rename(target)
        try:
            yield shop
        finally:
            with interrupts_held():
                if not any(shop.folder.glob(kept)):
                    shop.discard()
                    _remove_empty(created)
    finally:
        lock.close()


def _locked(lock: IO[bytes]) -> bool:
    """Take the lock, which the system gives back when this process ends in whatever way; False if it is taken."""
    try:
        import fcntl
    except ImportError:  # not POSIX: two runs at once are the user's to avoid
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def write_durably(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that, whatever happens, the file is complete or not there.

    Raises:
        OSError: it cannot be written; nothing is left.
    """
    partial = path.with_name(f"{path.name}{UNFINISHED}")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        keep_on_disk(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def keep_on_disk(path: Path) -> None:
    """Wait until the disk holds the file or the entries of the folder at ``path``."""
    try:
        place = os.open(path, os.O_RDONLY)
    except PermissionError:  # folders cannot be opened on every system
        return
    try:
        os.fsync(place)
    finally:
        os.close(place)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Put Ctrl-C off until the end of the block, which must be short. Other threads than the main one never see it."""
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or previous is None:
        yield
        return
    caught: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if caught:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _explained(name: str, path: str | Path, expected: str) -> Iterator[None]:
    """Turn what the operating system says about ``path`` into bad input."""
    try:
        yield
    except SpecificationError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name; a loop of links
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise refuse(f"{name}={path}", f"{expected} ({reason})", "choose another place") from error


@contextmanager
def _room_explained(name: str, path: str | Path) -> Iterator[None]:
    """Turn a disk that is full, or a limit on files, into bad input."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise refuse(f"{name}={path}", f"room ({error.strerror})", "make room, or choose another place") from error


def _check_replaceable(target: Path, given: str) -> None:
    """Check that ``target`` is free, empty, or holds what equinorm wrote and nothing else."""
    if not target.exists():
        return
    if not target.is_dir():
        raise refuse(given, "a folder; this is a file", "choose another name")
    if target in (Path.cwd(), *Path.cwd().parents):
        raise refuse(given, "a folder that can be replaced; you are in this one", "name a folder in it")
    present = {
        file.relative_to(target).as_posix() for file in target.rglob("*") if not file.is_dir() or file.is_symlink()
    }
    if not present:
        return
    if MARKER not in present:
        raise refuse(given, "a new folder or one that equinorm wrote", "choose another name, or remove the folder")
    written = (target / MARKER).read_text(encoding="utf-8").splitlines()
    strangers = sorted(present - {MARKER, *written})
    if strangers:
        raise refuse(given, f"a folder with nothing but what equinorm wrote, not {strangers[0]}", "move that file away")


def _write_marker(folder: Path) -> None:
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    (folder / MARKER).write_text("".join(f"{file}\n" for file in files), encoding="utf-8")


def _put_in_place(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.rename(target)
        return
    old = _beside(target, "old")
    target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path, role: str) -> Path:
    """A hidden name next to ``target``, of its suffix, by which writers choose a format."""
    return target.with_name(f".{target.stem}.{secrets.token_hex(4)}.{role}{target.suffix}")


def _make_parents(target: Path) -> list[Path]:
    """Create the folders that ``target`` lacks and list them, innermost first."""
    created: list[Path] = []
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            created.insert(0, parent)
    except OSError:
        _remove_empty(created)
        raise
    return created


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # somebody else uses it by now
            folder.rmdir()
