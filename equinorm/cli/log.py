"""A log for programs: one JSON object a line, written as things happen.

Every line has ``event``, ``time`` (UTC, ISO 8601) and ``elapsed`` (seconds since the start). The events are

    start        options as they were given, the version
    progress     task, share, rate, seconds left; at most one a second and task
    notice       a line about what was found
    skipped      a picture's name, and the reason
    end          counts, peak memory in bytes
    error        the message; ``interrupted`` for Ctrl-C

A log is for people and programs that watch; no result depends on it, and none contains a time.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from equinorm.cli.output import message
from equinorm.progress import State
from theory.spec.errors import refuse

INTERVAL = 1.0
"""Seconds between two lines about the progress of one task."""


class Log:
    """Writes events to ``file``; to nothing where there is none. A listener to progress."""

    def __init__(self, file: IO[str] | None) -> None:
        self.file = file
        self.start = time.monotonic()
        self.told: dict[str, float] = {}

    def event(self, kind: str, /, **facts: Any) -> None:
        """Write one line, at once. A log that can no longer be written is given up, with a message."""
        if self.file is None:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"event": kind, "time": now, "elapsed": round(time.monotonic() - self.start, 3), **facts}
        try:
            self.file.write(json.dumps(line, allow_nan=False) + "\n")
            self.file.flush()
        except OSError as error:
            if kind == "start":
                raise
            message(f"the log ends here: {error.strerror or error}")
            self.file = None

    def __call__(self, state: State) -> None:
        """Write the progress, unless that of the same task was written less than `INTERVAL` ago."""
        if state.share < 1 and state.elapsed - self.told.get(state.task, -math.inf) < INTERVAL:
            return
        self.told[state.task] = state.elapsed
        rate = None if state.rate is None else round(state.rate, 4)
        left = None if state.left is None else round(state.left, 1)
        self.event(
            "progress",
            task=state.task,
            share=round(state.share, 6),
            count=state.count,
            of=state.noun,
            rate=rate,
            left=left,
        )


@contextmanager
def logging_to(path: Path | None, **options: Any) -> Iterator[Log]:
    """A log at ``path``, to which it is appended; the start, errors and Ctrl-C are told.

    Raises:
        SpecificationError: a path that cannot be written, before any work begins.
    """
    if path is None:
        yield Log(None)
        return
    try:
        file = path.open("a", encoding="ascii")
    except (OSError, ValueError) as error:
        raise refuse(
            f"log={path}", f"a file that can be written ({getattr(error, 'strerror', None) or error})"
        ) from None
    try:
        log = Log(file)
        try:
            log.event("start", **options)
        except OSError as error:
            raise refuse(f"log={path}", f"a file that can be written ({error.strerror})") from None
        try:
            yield log
        except KeyboardInterrupt:
            log.event("interrupted")
            raise
        except Exception as error:
            log.event("error", kind=type(error).__name__, message=str(error))
            raise
    finally:
        with suppress(OSError):  # what could not be written was told
            file.close()
