"""``equinorm check``: does the kernel accept these certificates."""

from __future__ import annotations

from typing import Annotated

import typer

from equinorm.cli.errors import Status
from equinorm.cli.options import JsonFlag
from equinorm.cli.output import Answer
from equinorm.cli.progress import Printer


def check(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Certificates: FILE.json, FILE.jsonl (one a line), or folders of them."),
    ],
    json: JsonFlag = False,
) -> Answer:
    """Check certificates with the kernel; exit with 1 if one is rejected."""
    # Here, so that a usage error does not wait for it.
    from equinorm.checking import check as verb

    printer = Printer()
    try:
        found = verb(*paths, progress=printer)
    finally:
        printer.close()
    status = Status.DOES_NOT_HOLD if found.rejected else Status.DONE
    return Answer("" if json else found.text(), found.document() if json else {}, status, as_json=json)
