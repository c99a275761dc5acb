"""Run Python and the command ``equinorm`` in a child process, as a user would; interrupt it as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

HOUSE = Path(__file__).resolve().parent.parent

Answer = TypeVar("Answer")


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child that finds these sources first, without settings that would change its output."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "PYTHONPATH")}
    return {**kept, "PYTHONPATH": str(HOUSE), "PYTHONIOENCODING": "utf-8", **changes}


def run_python(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the interpreter with ``arguments``; ``changes`` are environment variables. Warnings are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def run_command(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run ``equinorm`` with ``arguments``."""
    return run_python("-m", "equinorm", *arguments, **changes)


@contextmanager
def started_python(*arguments: str, cwd: Path | None = None, **changes: str) -> Iterator[subprocess.Popen[str]]:
    """The interpreter at work in a group of its own; what it prints is kept. If it is still there, it is killed."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(**changes),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def started_command(*arguments: str, **changes: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """``equinorm`` at work with ``arguments``."""
    return started_python("-m", "equinorm", *arguments, **changes)


def interrupt(child: subprocess.Popen[str], *, group: bool = True) -> tuple[str, str]:
    """Press Ctrl-C until it is heard; what the child has printed on its two streams when it has ended.

    An interrupt is lost where Python is just then in a callback that must not fail, as during an import.

    Args:
        child: of ``started_python``.
        group: whether the processes that it started get it too, as they do from a terminal.
    """
    for seconds in (2, 4, 8, 16, 32):
        (os.killpg if group else os.kill)(child.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=seconds)
    raise AssertionError("an interrupt does not end it")


def eventually(attempt: Callable[[], Answer | None], seconds: float = 60) -> Answer:
    """What ``attempt()`` returns once that is something."""
    limit = time.monotonic() + seconds
    while not (found := attempt()):
        assert time.monotonic() < limit, "too late"
        time.sleep(0.01)
    return found
