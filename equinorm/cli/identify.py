"""``equinorm identify``: which normalization is this function, told from its values alone."""

from __future__ import annotations

from typing import Annotated

import typer

from equinorm.cli.errors import Status
from equinorm.cli.options import JsonFlag
from equinorm.cli.output import Answer


def identify(
    target: Annotated[
        str, typer.Option(metavar="module:function", help="Or torch:module.Class(arguments), with Python literals.")
    ],
    shape: Annotated[str, typer.Option(metavar="BxCxHxW", help="The sizes of the arrays it is given.")] = "3x4x5x7",
    seed: Annotated[int, typer.Option(help="Of the arrays that are drawn.")] = 0,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="For the import, and for each call.")] = 30.0,
    json: JsonFlag = False,
) -> Answer:
    """Identify the normalization that a function computes, from its values alone, and decide it."""
    # Here, so that a usage error does not wait for SymPy.
    from equinorm.identifying import identify as verb

    found = verb(target, shape=shape, seed=seed, timeout=timeout)
    status = Status.DONE if found.identified else Status.UNKNOWN
    return Answer("" if json else found.text(), found.document() if json else {}, status, as_json=json)
