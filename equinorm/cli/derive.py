"""``equinorm derive``: the conditions on reduced dimensions, as theorems."""

from __future__ import annotations

from typing import Annotated

import typer

from equinorm.cli.options import JsonFlag, LatexFlag
from equinorm.cli.output import Answer
from equinorm.cli.progress import Printer


def derive(
    action: Annotated[str | None, typer.Option(metavar="shift|translation", help="Default: both.")] = None,
    scope: Annotated[str | None, typer.Option(metavar="common|per-sample", help="Default: both.")] = None,
    axes: Annotated[str | None, typer.Option(metavar="H|W|HW", help="The axes that move. Default: all three.")] = None,
    latex: LatexFlag = False,
    json: JsonFlag = False,
) -> Answer:
    """Decide all 4 913 layers and print the conditions that follow."""
    from equinorm.deriving import derive as verb
    from theory.spec.errors import refuse

    if latex and json:
        raise refuse("--latex and --json", "one of them")

    printer = Printer()
    try:
        found = verb(action, scope, axes=axes, progress=printer)
    finally:
        printer.close()
    text = "" if json else (found.latex() if latex else found.text())
    return Answer(text, found.document() if json else {}, as_json=json)
