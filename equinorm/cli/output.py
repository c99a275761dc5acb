"""What a command prints: one answer on standard output, messages on standard error.

A command returns an :class:`Answer` and prints nothing itself. So an error found late leaves nothing on standard
output, and with ``--json`` exactly one object stands there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from equinorm.cli.errors import Status


@dataclass(frozen=True)
class Answer:
    """What a command found: ``text`` for people, ``data`` for programs, and the exit status.

    ``data`` holds what JSON can: strings, numbers that are finite, booleans, None, lists, and mappings of these.
    """

    text: str
    data: Mapping[str, object] = field(default_factory=dict)
    status: Status = Status.DONE
    as_json: bool = False

    def render(self, *, ascii_only: bool = False) -> str:
        """The characters for standard output: ``text``, or with ``as_json`` the object ``data``.

        Raises:
            ValueError: ``data`` holds an infinity or NaN, which JSON cannot spell.
        """
        if not self.as_json:
            return self.text
        return json.dumps(self.data, indent=2, ensure_ascii=ascii_only, allow_nan=False)


def deliver(answer: Answer) -> None:
    """Write ``answer`` to standard output, all of it.

    Raises:
        OSError: standard output is closed, full, or a pipe whose reader left (BrokenPipeError).
    """
    stream = sys.stdout
    if stream is None:
        raise OSError("standard output is closed")
    encoding = (stream.encoding or "utf-8").lower().replace("-", "").replace("_", "")
    text = answer.render(ascii_only=not encoding.startswith("utf"))
    if not text:
        return
    # A terminal without these letters gets their escapes rather than no answer.
    text = text.encode(stream.encoding or "utf-8", "backslashreplace").decode(stream.encoding or "utf-8")
    try:
        stream.write(text if text.endswith("\n") else text + "\n")
        stream.flush()
    except OSError as error:
        _abandon(stream)
        if isinstance(error, BrokenPipeError):
            raise
        raise OSError(error.errno, error.strerror, "standard output") from error


def message(text: str, *, end: str = "\n") -> None:
    """Write ``text`` to standard error at once; where nobody can read it, do nothing."""
    stream = sys.stderr
    if stream is None:
        return
    try:
        stream.write(text + end)
        stream.flush()
    except OSError:
        _abandon(stream)


def emphasize(text: str) -> str:
    """``text`` in bold where standard output is a terminal that shows it and NO_COLOR is not set; else unchanged."""
    stream = sys.__stdout__  # while a command runs, sys.stdout is held back
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    if plain or stream is None or not stream.isatty():
        return text
    return f"\x1b[1m{text}\x1b[0m"


def _abandon(stream: TextIO) -> None:
    """Point ``stream`` at nothing, so that the interpreter's last flush does not fail a second time."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
    except OSError:
        pass  # a stream without a file descriptor is not flushed to one
