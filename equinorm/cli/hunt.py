"""``equinorm hunt``: a search for a counterexample by Hypothesis."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.errors import Status
from equinorm.cli.options import (
    ActionOption,
    CallTimeoutOption,
    DomainOption,
    JsonFlag,
    LayerOption,
    MovingOption,
    ScopeOption,
    StatisticsOption,
    StepOption,
    TermOption,
)
from equinorm.cli.output import Answer
from equinorm.cli.progress import Printer


def hunt(
    layer: LayerOption = None,
    center: StepOption = None,
    scale: StepOption = None,
    affine: StepOption = None,
    term: TermOption = None,
    target: Annotated[
        str | None, typer.Option(metavar="MODULE:FUNCTION", help="Any function; or torch:module.Class(arguments).")
    ] = None,
    action: ActionOption = "translation",
    scope: ScopeOption = "common",
    axes: MovingOption = "HW",
    domain: DomainOption = "all",
    nyquist: Annotated[str, typer.Option(metavar="symmetric|project|one-sided")] = "symmetric",
    statistics: StatisticsOption = None,
    eps: Annotated[str | None, typer.Option(help="A positive number. Default: drawn.")] = None,
    batch: Annotated[int | None, typer.Option(help="Samples. Default: drawn.")] = None,
    channels: Annotated[int | None, typer.Option(help="Channels. Default: drawn.")] = None,
    grid: Annotated[str | None, typer.Option(metavar="HxW|odd|even", help="Default: drawn from both families.")] = None,
    max_examples: Annotated[int, typer.Option(help="The most examples until one is found.")] = 1000,
    seed: Annotated[int | None, typer.Option(help="Of all that is drawn. Default: 20250519.")] = None,
    timeout: CallTimeoutOption = 30.0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the counterexample for replay.")] = None,
    json: JsonFlag = False,
) -> Answer:
    """Search for a counterexample to an equivariance; exit with 1 if there is one."""
    # Here, so that a usage error does not wait for Hypothesis.
    from equinorm.hunting import SEED
    from equinorm.hunting import hunt as verb

    printer = Printer(quiet=json or sys.stderr is None or not sys.stderr.isatty())
    try:
        found = verb(
            layer,
            center=center,
            scale=scale,
            affine=affine,
            term=term,
            target=target,
            action=action,
            scope=scope,
            axes=axes,
            domain=domain,
            nyquist=nyquist,
            statistics=statistics,
            eps=eps,
            batch=batch,
            channels=channels,
            grid=grid,
            max_examples=max_examples,
            seed=SEED if seed is None else seed,
            timeout=timeout,
            out=out,
            listener=printer,
        )
    finally:
        printer.close()
    status = Status.DOES_NOT_HOLD if found.found else Status.DONE
    return Answer("" if json else found.text(), found.document() if json else {}, status, as_json=json)
