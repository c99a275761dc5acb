"""``equinorm census``: every layer decided, certified and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.options import JsonFlag
from equinorm.cli.output import Answer
from equinorm.cli.progress import Printer


def census(
    axes: Annotated[str | None, typer.Option(metavar="H|W|HW", help="The axes that move. Default: all cases.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the certificates in this folder.")] = None,
    json: JsonFlag = False,
) -> Answer:
    """Decide, certify and check every layer over batch, channels, height and width."""
    # Here, so that a usage error does not wait for SymPy.
    from equinorm.counting import census as verb

    printer = Printer()
    try:
        found = verb(axes, out, printer)
    finally:
        printer.close()
    return Answer("" if json else found.text(), found.document() if json else {}, as_json=json)
