"""``equinorm plot``: charts of any layer on any input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.options import (
    EpsOption,
    JsonFlag,
    LayerOption,
    MovingOption,
    NyquistOption,
    ScopeOption,
    StatisticsOption,
    StepOption,
    TermOption,
)
from equinorm.cli.output import Answer
from equinorm.cli.progress import Printer
from equinorm.cli.threads import leave_threads_to_us

DEFAULT_OUT = Path("equinorm-plot")


def plot(
    layer: LayerOption = None,
    center: StepOption = None,
    scale: StepOption = None,
    affine: StepOption = None,
    term: TermOption = None,
    input: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One array (B, C, H, W) or (C, H, W): .npy, .npz, .safetensors."),
    ] = None,
    scope: ScopeOption = "common",
    axes: MovingOption = "HW",
    domain: Annotated[
        str, typer.Option(metavar="all|nyquist-free|K", help="What the input is limited to; K is band K.")
    ] = "all",
    nyquist: NyquistOption = "symmetric",
    statistics: StatisticsOption = None,
    eps: EpsOption = None,
    batch: Annotated[int | None, typer.Option(help="Samples of the noise. Default: 2.")] = None,
    channels: Annotated[int | None, typer.Option(help="Channels of the noise. Default: 4.")] = None,
    grid: Annotated[str | None, typer.Option(metavar="HxW", help="Size of the noise. Default: 16x16.")] = None,
    dtype: Annotated[str, typer.Option(metavar="float64|float32")] = "float64",
    seed: Annotated[int, typer.Option(help="Of the noise and of the layer's parameters.")] = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A folder for the charts.")] = DEFAULT_OUT,
    json: JsonFlag = False,
) -> Answer:
    """Draw spectrum, and error against displacement, size and band, of a layer on noise or on your own maps."""
    leave_threads_to_us()
    # Here, so that a usage error does not wait for NumPy, and NumPy sees the setting above.
    from equinorm.plotting import plot as verb

    printer = Printer()
    try:
        found = verb(
            layer,
            center=center,
            scale=scale,
            affine=affine,
            term=term,
            input=input,
            scope=scope,
            axes=axes,
            domain=domain,
            nyquist=nyquist,
            statistics=statistics,
            eps=eps,
            batch=batch,
            channels=channels,
            grid=grid,
            dtype=dtype,
            seed=seed,
            out=out,
            progress=printer,
        )
    finally:
        printer.close()
    return Answer("" if json else found.text(), found.document() if json else {}, as_json=json)
