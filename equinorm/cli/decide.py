"""``equinorm decide``: is this layer, or this term, equivariant, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from equinorm.checks import check_choice
from equinorm.cli.errors import Status
from equinorm.cli.options import (
    ActionOption,
    DomainOption,
    EpsOption,
    JsonFlag,
    LatexFlag,
    LayerOption,
    MovingOption,
    NyquistOption,
    ScopeOption,
    StatisticsOption,
    StepOption,
    TermOption,
)
from equinorm.cli.output import Answer
from equinorm.files import replacing_file
from theory.spec.errors import refuse

STATUS = {"equivariant": Status.DONE, "not_equivariant": Status.DONE, "unknown": Status.UNKNOWN}


def decide(
    layer: LayerOption = None,
    center: StepOption = None,
    scale: StepOption = None,
    affine: StepOption = None,
    term: TermOption = None,
    action: ActionOption = "translation",
    scope: ScopeOption = "common",
    axes: MovingOption = "HW",
    domain: DomainOption = "all",
    nyquist: NyquistOption = "symmetric",
    statistics: StatisticsOption = None,
    eps: EpsOption = None,
    batch: Annotated[int | None, typer.Option(help="Samples. Default: every number from 2 up.")] = None,
    channels: Annotated[int | None, typer.Option(help="Channels. Default: every number from 2 up.")] = None,
    grid: Annotated[str | None, typer.Option(metavar="HxW|odd|even", help="Default: both families.")] = None,
    certificate: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the certificate; .jsonl for those of both families.")
    ] = None,
    expect: Annotated[str | None, typer.Option(metavar="VERDICT", help="Exit with 1 for another verdict.")] = None,
    latex: LatexFlag = False,
    json: JsonFlag = False,
) -> Answer:
    """Decide whether a layer or a term is equivariant, and say why."""
    # Here, so that a usage error does not wait for SymPy.
    from equinorm.deciding import VERDICTS
    from equinorm.deciding import decide as verb

    if latex and json:
        raise refuse("--latex and --json", "one of them")
    if expect is not None:
        check_choice("expect", expect, VERDICTS)
    if certificate is not None and grid is None and not certificate.endswith(".jsonl"):
        expected = "a name ending in .jsonl, since two families of grids have two certificates"
        raise refuse(f"certificate={certificate}", expected, "or name one family, or one grid, by --grid")
    found = verb(
        layer,
        center=center,
        scale=scale,
        affine=affine,
        term=term,
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
    )
    if certificate is not None:
        texts = found.certificates()
        with replacing_file(certificate, "certificate") as path:
            path.write_text("".join(texts), encoding="ascii")
    status = STATUS[found.verdict]
    if expect is not None:
        status = Status.DONE if found.verdict == expect else Status.DOES_NOT_HOLD
    text = "" if json else (found.latex() if latex else found.text())
    return Answer(text, found.document() if json else {}, status, as_json=json)
