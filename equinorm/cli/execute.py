"""Run a command and turn all that can happen into an exit status and at most one line on standard error."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from equinorm.cli.errors import Status, describe
from equinorm.cli.output import Answer, deliver, message

if TYPE_CHECKING:
    import typer


def execute(build_app: Callable[[], typer.Typer], arguments: Sequence[str] | None = None) -> int:
    """Run the application that ``build_app`` makes and return its exit status.

    Its commands return an :class:`~equinorm.cli.output.Answer`, or nothing. Building belongs to the run, so that an
    interrupt during the imports ends like any other.
    """
    try:
        answer = _answer(build_app, arguments)
        deliver(answer)
        return int(answer.status)
    except KeyboardInterrupt:
        message("equinorm: interrupted")
        return int(Status.INTERRUPTED)
    except BrokenPipeError:
        return int(Status.READER_LEFT)
    except Exception as error:
        line = describe(error)
        if line is None:
            message(traceback.format_exc(), end="")
            return int(Status.FAULT)
        message(f"equinorm: error: {line}")
        return int(Status.BAD_INPUT)


def _answer(build_app: Callable[[], typer.Typer], arguments: Sequence[str] | None) -> Answer:
    """Run the command with standard output held back: an answer is all that may reach it.

    typer prints ``--help`` itself and then returns a status; that text is the answer. Text that a library printed
    during a command goes to standard error.
    """
    app = build_app()
    printed = io.StringIO()
    with redirect_stdout(printed):
        result = app(None if arguments is None else list(arguments), prog_name="equinorm", standalone_mode=False)
    if isinstance(result, Answer):
        if printed.getvalue():
            message(printed.getvalue(), end="")
        return result
    if result == Status.INTERRUPTED:  # typer's reading of Ctrl-C
        raise KeyboardInterrupt
    return Answer(printed.getvalue(), status=Status(result or 0))
