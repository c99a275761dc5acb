"""``equinorm replay``: a counterexample from a file, computed again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.errors import Status
from equinorm.cli.options import CallTimeoutOption, JsonFlag
from equinorm.cli.output import Answer


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Written by equinorm hunt --out.")],
    backend: Annotated[
        str, typer.Option(metavar="numpy|torch|cupy", help="What computes; for a target numpy or torch.")
    ] = "numpy",
    dtype: Annotated[str, typer.Option(metavar="float64|float32")] = "float64",
    timeout: CallTimeoutOption = 30.0,
    json: JsonFlag = False,
) -> Answer:
    """Compute both sides of a kept counterexample again; exit with 1 if it shows again."""
    from equinorm.replaying import replay as verb

    found = verb(file, backend=backend, dtype=dtype, timeout=timeout)
    status = Status.DOES_NOT_HOLD if found.shows else Status.DONE
    return Answer("" if json else found.text(), found.document() if json else {}, status, as_json=json)
