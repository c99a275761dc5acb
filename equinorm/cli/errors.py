"""Exit statuses, and the one line that stands for an exception on the command line.

    0    done                            3    unknown
    1    what was checked does not hold  130  interrupted (128 + SIGINT)
    2    bad input or usage              141  the reader of standard output left (128 + SIGPIPE)
    70   a fault of equinorm itself, shown with its traceback

The last two are not answers; they must be told apart from the first four by scripts that read the status.
"""

from __future__ import annotations

import re
from enum import IntEnum

from theory.spec.errors import SpecificationError


class Status(IntEnum):
    """Exit status of the command."""

    DONE = 0
    DOES_NOT_HOLD = 1
    BAD_INPUT = 2
    UNKNOWN = 3
    FAULT = 70
    INTERRUPTED = 130
    READER_LEFT = 141


def describe(error: Exception) -> str | None:
    """The line that tells a user about ``error``, or None where the fault is not the user's.

    Bad input (:class:`SpecificationError`), usage errors (any exception with typer's ``format_message``), files and
    devices that cannot be read or written, and memory that does not suffice are the user's to mend.

    >>> describe(FileNotFoundError(2, "No such file or directory", "weights.pth"))
    'weights.pth: No such file or directory'
    """
    if isinstance(error, SpecificationError):
        return one_line(str(error))
    format_message = getattr(error, "format_message", None)
    if callable(format_message):
        return _with_help(one_line(str(format_message())), error)
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        return one_line(f"{error.filename}: {reason}" if error.filename is not None else reason)
    if isinstance(error, MemoryError):
        return one_line(f"not enough memory{f' ({error})' if str(error) else ''}; choose smaller sizes or batches")
    return None


def _with_help(line: str, error: Exception) -> str:
    """Name the command whose ``--help`` tells what could have been given; typer often suggests a spelling itself."""
    path = getattr(getattr(error, "ctx", None), "command_path", "equinorm")
    return line if line.endswith("?") else f"{line.rstrip('.')}; see {path} --help"


def one_line(message: str) -> str:
    r"""``message`` without line breaks, and with what cannot be printed spelled as an escape.

    >>> one_line("Missing option.\n\tChoose from: H")
    'Missing option. Choose from: H'
    >>> one_line("term=x\x00")
    'term=x\\x00'
    """
    joined = re.sub(r"\s*[\r\n]\s*", " ", message.strip())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in joined)
