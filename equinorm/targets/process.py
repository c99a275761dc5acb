"""The other process: how it is started, asked under a time limit, and ended with all that it has started.

It has a session of its own, so Ctrl-C in a terminal reaches us alone and we end it. It is also ended by the system
where we are ended without being asked (Linux; see ``lifeline``).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHILD = Path(__file__).with_name("child.py")
HOUSE = Path(__file__).resolve().parent.parent.parent
LONGEST_HEADER = 100_000
CHUNK = 1 << 16
GLANCE = 0.5
"""Seconds between two looks at whether the process is still there."""


class TimeOut(Exception):
    """No complete answer within the time."""


class Gone(Exception):
    """The process ended, or answered what is no answer; the reason in words."""


class Process:
    """A process that answers messages: JSON and bytes there, JSON and bytes back; it runs the file ``script``."""

    def __init__(self, script: Path = CHILD) -> None:
        reading, self._lifeline = map(_beyond_standard, os.pipe())
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", str(script), str(reading), str(HOUSE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(reading,),
                start_new_session=True,
                bufsize=0,
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(reading)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._in, self._out = self._child.stdin.fileno(), self._child.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._read = b""
        self.alive = True

    @property
    def pid(self) -> int:
        """Its number, which is that of its session and process group too."""
        return self._child.pid

    def ask(self, message: dict[str, Any], payload: bytes = b"", timeout: float = 30.0) -> tuple[dict[str, Any], bytes]:
        """Send a message and wait for its answer; whatever goes wrong ends the process.

        Raises:
            TimeOut: not in time.
            Gone: it ended, and how.
        """
        if not self.alive:
            raise Gone("has ended before")
        deadline = time.monotonic() + timeout
        try:
            self._send(json.dumps({**message, "bytes": len(payload)}).encode() + b"\n", deadline)
            self._send(payload, deadline)
            header = self._header(deadline)
            while len(self._read) < header.get("bytes", 0):
                self._receive(deadline)
            cut = header.get("bytes", 0)
            found, self._read = self._read[:cut], self._read[cut:]
        except BaseException:
            self.end()
            raise
        return header, found

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        while (left := deadline - time.monotonic()) > 0:
            # A process that it has forked may keep the pipe open when it is gone itself.
            gone = self._child.poll() is not None
            if poll.poll(0 if gone else min(left, GLANCE) * 1000):
                return
            if gone:
                raise self._gone()
        raise TimeOut

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            self._wait(self._in, select.POLLOUT, deadline)
            try:
                view = view[os.write(self._in, view[:CHUNK]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._gone() from None

    def _receive(self, deadline: float) -> None:
        self._wait(self._out, select.POLLIN, deadline)
        try:
            data = os.read(self._out, CHUNK)
        except BlockingIOError:
            return
        if not data:
            raise self._gone()
        self._read += data

    def _header(self, deadline: float) -> dict[str, Any]:
        while b"\n" not in self._read:
            if len(self._read) > LONGEST_HEADER:
                raise Gone("writes where it should not")
            self._receive(deadline)
        line, _, self._read = self._read.partition(b"\n")
        try:
            header = json.loads(line)
        except ValueError:
            raise Gone("writes where it should not") from None
        if not isinstance(header, dict):
            raise Gone("writes where it should not")
        return header

    def _gone(self) -> Gone:
        """How it ended."""
        try:
            status = self._child.wait(1)
        except subprocess.TimeoutExpired:
            return Gone("closes the connection to us")
        if status >= 0:
            return Gone(f"ends its process with status {status}")
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        hint = ", as the system does to one that uses too much memory" if name == "SIGKILL" else ""
        return Gone(f"ends its process by {name}{hint}")

    def end(self) -> None:
        """End it and all that it has started; once is enough."""
        if not self.alive:
            return
        self.alive = False
        for pid in [*_descendants(self.pid), self.pid]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                stream.close()
        os.close(self._lifeline)


def _beyond_standard(descriptor: int) -> int:
    """The same descriptor under a number above 2: where ours are closed, a new one may be 0, 1 or 2, which those of the
    other process replace.
    """
    if descriptor > 2:
        return descriptor
    import fcntl

    found = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return found


def _descendants(pid: int) -> list[int]:
    """The processes that ``pid`` started and those that these did, where the system lists them in /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name, in parentheses, may hold anything; the parent is the second field behind it.
            parent = int(entry.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.parent.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
