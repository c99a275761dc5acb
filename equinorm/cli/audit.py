"""``equinorm audit``: which layers of a PyTorch network are not equivariant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.errors import Status
from equinorm.cli.options import JsonFlag, NyquistOption
from equinorm.cli.output import Answer
from equinorm.cli.progress import Printer

STATUS = {True: Status.DONE, False: Status.DOES_NOT_HOLD, None: Status.UNKNOWN}


def audit(
    model: Annotated[str, typer.Option(metavar="MODULE:FACTORY", help="A function that returns a torch.nn.Module.")],
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="State dict. Default: the weights that the factory makes.")
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Pictures and folders (shorter side to 256 pixels, central square, ImageNet's normalization), or a "
            ".npy, .npz or .safetensors file of one array BxCxHxW, taken as it is. Default: photographs that "
            "scikit-image brings along.",
        ),
    ] = None,
    size: Annotated[int, typer.Option(help="Side of the central square of pictures, in pixels, from 1 to 256.")] = 224,
    batch: Annotated[int, typer.Option(help="Pictures; from two on, each is moved by its own displacement.")] = 4,
    action: Annotated[str, typer.Option(metavar="shift|translation|both")] = "both",
    nyquist: NyquistOption = "symmetric",
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page.")] = None,
    seed: Annotated[int, typer.Option(help="Of displacements, and of what the factory draws.")] = 0,
    device: Annotated[str, typer.Option(metavar="cpu|cuda")] = "cpu",
    timeout: Annotated[float, typer.Option(help="Seconds for the factory, and for each run of the network.")] = 60.0,
    json: JsonFlag = False,
) -> Answer:
    """Measure every layer of a PyTorch network, and name the first that is not equivariant."""
    # Here, so that a usage error does not wait for NumPy. PyTorch is loaded in the network's process.
    from equinorm.auditing import audit_named as verb

    printer = Printer(quiet=sys.stderr is None or not sys.stderr.isatty())
    try:
        found = verb(
            model,
            weights=weights,
            images=images or (),
            size=size,
            batch=batch,
            action=action,
            nyquist=nyquist,
            csv=csv,
            html=html,
            seed=seed,
            device=device,
            timeout=timeout,
            progress=printer,
        )
    finally:
        printer.close()
    return Answer(
        "" if json else found["text"], found["document"] if json else {}, STATUS[found["holds"]], as_json=json
    )
