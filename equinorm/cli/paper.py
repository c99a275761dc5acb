"""``equinorm paper``: the theorems, tables and figures of the paper, derived and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.errors import Status
from equinorm.cli.options import JsonFlag
from equinorm.cli.output import Answer, message
from equinorm.cli.progress import Printer, duration
from equinorm.cli.threads import leave_threads_to_us
from equinorm.progress import State
from theory.spec.errors import refuse

DEFAULT_OUT = Path("equinorm-paper")


class Stages:
    """Prints progress stage by stage, and how long each took."""

    def __init__(self) -> None:
        self.task = ""
        self.printer = Printer()
        self.last: State | None = None

    def __call__(self, state: State) -> None:
        """Print ``state``; a new stage begins on a line of its own."""
        if state.task != self.task:
            self.close()
            self.task = state.task
            self.printer = Printer()
        self.last = state
        self.printer(state)

    def close(self) -> None:
        """End the stage."""
        self.printer.close()
        if self.last is not None:
            message(f"{self.last.task}: {duration(self.last.elapsed)}")
            self.last = None


def paper(
    out: Annotated[Path, typer.Option(metavar="DIR", help="A folder for the report.")] = DEFAULT_OUT,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer pictures, only theorems for both axes.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Everything, which is the default.")] = False,
    json: JsonFlag = False,
) -> Answer:
    """Derive, decide and measure; write the theorems, tables, figures and a page."""
    if quick and full:
        raise refuse("--quick and --full", "one of them")
    leave_threads_to_us()
    # Here, so that a usage error does not wait for NumPy, and NumPy sees the setting above.
    from equinorm.report.writing import paper as verb

    stages = Stages()
    try:
        written = verb(out, quick, stages)
    finally:
        stages.close()
    status = Status.DONE if written.as_published else Status.DOES_NOT_HOLD
    return Answer("" if json else written.text(), written.document() if json else {}, status, as_json=json)
