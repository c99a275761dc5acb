"""Files and folders that appear complete or not at all.

A result is written beside its place, under a hidden name, and renamed when it is complete. Entering one of the two
context managers creates that hidden file or folder, so a path that cannot be written is found before any work begins.
Leaving it by an exception, Ctrl-C included, removes what was written and leaves what was there before.

A folder carries a marker that lists the files equinorm wrote into it. A folder is replaced only if it holds nothing
else: neither one without a marker nor one to which somebody added a file.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from theory.spec.errors import SpecificationError, refuse

MARKER = ".equinorm"


@contextmanager
def replacing_file(path: str | Path, name: str = "out") -> Iterator[Path]:
    """Give a path beside ``path``, with the same suffix, to write to; put the file in place at the end.

    Missing parent folders are created. ``name`` is the option that errors name.

    Raises:
        SpecificationError: on entry, where ``path`` is a folder or a device, or cannot be written.
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
    try:
        yield partial
        partial.replace(target)
    except BaseException:
        with interrupts_held():
            partial.unlink(missing_ok=True)
            _remove_empty(created)
        raise


@contextmanager
def replacing_folder(path: str | Path, name: str = "out") -> Iterator[Path]:
    """Give an empty folder beside ``path`` to write into; put it in place of ``path`` at the end.

    Missing parent folders are created. ``name`` is the option that errors name.

    Raises:
        SpecificationError: on entry, where ``path`` is a file, a folder that holds anything else than what equinorm
            wrote, or cannot be written.
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
