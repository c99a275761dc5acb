"""``equinorm census``: every layer decided, certified and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.errors import Status, one_line
from equinorm.cli.options import JsonFlag
from equinorm.cli.output import Answer, message
from equinorm.cli.progress import Printer


def census(
    axes: Annotated[str | None, typer.Option(metavar="H|W|HW", help="The axes that move. Default: all cases.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the certificates in this folder.")] = None,
    json: JsonFlag = False,
) -> Answer:
    """Decide, certify and check every layer over batch, channels, height and width."""
    # Here, so that a usage error does not wait for SymPy.
    from equinorm.counting import census as verb
    from proofs.census.certify import Undecided
    from proofs.census.run import NotAccepted

    printer = Printer()
    try:
        found = verb(axes, out, printer)
    except (Undecided, NotAccepted) as reason:
        printer.close()
        message(f"equinorm: error: {one_line(str(reason))}")
        return Answer("", status=Status.DOES_NOT_HOLD)
    finally:
        printer.close()
    return Answer("" if json else found.text(), found.document() if json else {}, as_json=json)
