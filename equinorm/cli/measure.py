"""``equinorm measure``: the experiment of Tables 2 and 3 on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.options import JsonFlag
from equinorm.cli.output import Answer, message
from equinorm.cli.progress import Printer
from equinorm.cli.threads import leave_threads_to_us
from theory.spec.errors import refuse

DEFAULT_OUT = Path("equinorm-measure")


def measure(
    more: Annotated[list[Path] | None, typer.Argument(metavar="PATH", help="More paths after --images.")] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH...", help="Pictures and folders. Default: those that scikit-image brings along."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="ResNet-18 state dict. Default: He initialization, calibrated.")
    ] = None,
    backend: Annotated[str, typer.Option(metavar="numpy|torch|cupy")] = "numpy",
    dtype: Annotated[str, typer.Option(metavar="float32|float64")] = "float32",
    nyquist: Annotated[str, typer.Option(metavar="one-sided|symmetric|project")] = "one-sided",
    crop: Annotated[int, typer.Option(help="Side of the central square, in pixels.")] = 224,
    batch_size: Annotated[int, typer.Option(help="Pictures that share a batch.")] = 16,
    seed: Annotated[int, typer.Option(help="Of the weights and of all random draws.")] = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A folder for the results.")] = DEFAULT_OUT,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="At most this much, such as 2GiB. Changes no result.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes, one batch each at a time. Changes no result.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS|local:N", help="Measure on Dask distributed. Changes no result.")
    ] = None,
    json: JsonFlag = False,
) -> Answer:
    """Measure equivariance errors of the named layers on the feature maps of a ResNet-18."""
    leave_threads_to_us()
    # Here, so that a usage error does not wait for NumPy and pyarrow, and NumPy sees the setting above.
    from equinorm.experiment.memory import shown
    from equinorm.measuring import measure as verb

    if more and not images:
        raise refuse(f"argument={more[0]}", "an option", f"name pictures with --images {more[0]}")
    printer = Printer()
    try:
        found = verb(
            [*(images or []), *(more or [])],
            weights=weights,
            backend=backend,
            dtype=dtype,
            nyquist=nyquist,
            crop=crop,
            batch_size=batch_size,
            seed=seed,
            out=out,
            memory=memory,
            workers=workers,
            dask=dask,
            progress=printer,
            notice=message,
        )
    finally:
        printer.close()
    skipped = found.facts["images"]["skipped"]
    if skipped:
        message(f"{len(skipped)} of {len(skipped) + len(found.facts['images']['used'])} pictures skipped")
        for picture in skipped:
            message(f"  {picture['name']}: {picture['reason']}")
    message(f"peak memory: {shown(found.peak)}")
    return Answer("" if json else found.text(), found.document() if json else {}, as_json=json)
