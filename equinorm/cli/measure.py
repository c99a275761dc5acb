"""``equinorm measure``: the experiment of Tables 2 and 3 on pictures, one layer on given maps, or the self-test."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from equinorm.cli.errors import Status
from equinorm.cli.log import Log, logging_to
from equinorm.cli.options import JsonFlag
from equinorm.cli.output import Answer, message
from equinorm.cli.progress import Printer
from equinorm.cli.threads import leave_threads_to_us
from equinorm.progress import State
from theory.spec.errors import refuse

DEFAULT_OUT = Path("equinorm-measure")

PICTURES = ("images", "weights", "crop", "batch-size", "out", "memory", "workers", "dask")
LAYER = ("layer", "center", "scale", "affine", "term", "statistics", "eps")
MODES = {
    "pictures": PICTURES,
    "--input": ("input", "out", *LAYER),
    "--self-test": ("self-test", "input", "size", "crop"),
}
"""The options that each form of the command takes beside those that all take."""

Step = typer.Option(metavar="AXES", help="With --input: letters of BCHW, `empty` or `absent`.")


def measure(
    more: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="More paths after --images, or sizes after --size.")
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH...",
            help="Pictures, folders and tar archives of them. Default: those that scikit-image brings along.",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="ResNet-18 state dict. Default: He initialization, calibrated.")
    ] = None,
    maps: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="Feature maps N x C x H x W in .npy, .npz or .safetensors."),
    ] = None,
    layer: Annotated[str | None, typer.Option(help="With --input: a catalogue name, or norm[...].")] = None,
    center: Annotated[str | None, Step] = None,
    scale: Annotated[str | None, Step] = None,
    affine: Annotated[str | None, Step] = None,
    term: Annotated[str | None, typer.Option(help="With --input: a term in place of a layer.")] = None,
    statistics: Annotated[str | None, typer.Option(metavar="batch|running", help="With --input.")] = None,
    eps: Annotated[str | None, typer.Option(help="With --input: a positive number. Default: the layer's own.")] = None,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Print the laws of the translation in use, measured.")
    ] = False,
    size: Annotated[
        list[str] | None,
        typer.Option(metavar="HxW...", help="With --self-test. Default: those of --input, or of the maps at --crop."),
    ] = None,
    backend: Annotated[str, typer.Option(metavar="numpy|numba|torch|cupy")] = "numpy",
    dtype: Annotated[
        str | None,
        typer.Option(metavar="float32|float64", help="Default: float32; that of --input; both for --self-test."),
    ] = None,
    nyquist: Annotated[
        str | None,
        typer.Option(
            metavar="one-sided|symmetric|project",
            help="Default: one-sided; symmetric for --input; all for --self-test.",
        ),
    ] = None,
    crop: Annotated[int | None, typer.Option(help="Side of the central square, in pixels. Default: 224.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures that share a batch. Default: 16.")] = None,
    seed: Annotated[int, typer.Option(help="Of the weights and of all random draws.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=f"A folder for the results. Default: {DEFAULT_OUT}; none for --input."),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="At most this much, such as 2GiB. Changes no result.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes, one batch each at a time. Changes no result.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS|local:N", help="Measure on Dask distributed. Changes no result.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no remarks on standard error.")] = False,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append what happens and when, one JSON object a line.")
    ] = None,
    json: JsonFlag = False,
) -> Answer:
    """Measure equivariance errors: of the named layers on the maps of a ResNet-18, or of one layer on --input."""
    leave_threads_to_us()
    everything: dict[str, Any] = {
        "images": images,
        "weights": weights,
        "crop": crop,
        "batch-size": batch_size,
        "out": out,
        "memory": memory,
        "workers": workers,
        "dask": dask,
        "input": maps,
        "layer": layer,
        "center": center,
        "scale": scale,
        "affine": affine,
        "term": term,
        "statistics": statistics,
        "eps": eps,
        "self-test": self_test or None,
        "size": size,
    }
    given = {name: value for name, value in everything.items() if value is not None}
    mode = "--self-test" if self_test else "--input" if maps is not None else "pictures"
    _check(mode, given, more or [])
    if log is not None and mode == "pictures":
        _check_log(log, [*(images or []), *map(Path, more or [])])
    common = {"backend": backend, "dtype": dtype, "nyquist": nyquist, "seed": seed}
    options = {name: _plain(value) for name, value in given.items()}
    with logging_to(log, options={**options, **common, "arguments": more or []}) as opened:
        listener = _Listener(quiet, opened)
        try:
            found, status = _FORMS[mode](given, more or [], common, listener)
        finally:
            listener.printer.close()
    return Answer("" if json else found.text(), found.document() if json else {}, status, as_json=json)


class _Listener:
    """What the user and the log hear while something is measured."""

    def __init__(self, quiet: bool, log: Log) -> None:
        self.printer = Printer(quiet)
        self.log = log

    def __call__(self, state: State) -> None:
        self.printer(state)
        self.log(state)

    def notice(self, line: str) -> None:
        """Tell both."""
        self.log.event("notice", message=line)
        self.remark(line)

    def remark(self, line: str) -> None:
        """Tell the user."""
        if not self.printer.quiet:
            self.printer.close()
            message(line)


Form = tuple[Any, Status]
"""What the verb found, and the exit status."""


def _pictures(given: Mapping[str, Any], more: Sequence[str], common: Mapping[str, Any], listener: _Listener) -> Form:
    # Here, so that a usage error does not wait for NumPy and pyarrow, and NumPy sees the setting of the threads.
    from equinorm.experiment.memory import shown
    from equinorm.measuring import measure as verb

    options = {name.replace("-", "_"): value for name, value in given.items() if name != "images"}
    options.setdefault("out", DEFAULT_OUT)
    options.update({name: value for name, value in common.items() if value is not None})
    paths = [*given.get("images", []), *map(Path, more)]
    found = verb(paths, **options, progress=listener, notice=listener.notice)
    images = found.facts["images"]
    used, skipped = len(images["used"]), images["skipped"]
    if skipped:
        listener.remark(f"{len(skipped)} of {len(skipped) + used} pictures skipped")
    for picture in skipped:
        listener.remark(f"  {picture['name']}: {picture['reason']}")
        listener.log.event("skipped", **picture)
    listener.remark(f"peak memory of one process: {shown(found.peak)}")
    counts = {"used": used, "skipped": len(skipped), "batches": found.facts["batches"], "rows": found.facts["rows"]}
    listener.log.event("end", **counts, peak_memory=found.peak)
    return found, Status.DONE


def _maps(given: Mapping[str, Any], more: Sequence[str], common: Mapping[str, Any], listener: _Listener) -> Form:
    from equinorm.experiment.memory import peak
    from equinorm.measuring_maps import measure_maps as verb

    options = {name: value for name, value in given.items() if name != "input"}
    options.update({name: value for name, value in common.items() if value is not None})
    found = verb(given["input"], **options, progress=listener)
    agreements = [each.agreement for each in found.compared]
    listener.log.event("end", rows=found.table.num_rows, agreements=agreements, peak_memory=peak())
    return found, Status.DOES_NOT_HOLD if found.contradicted else Status.DONE


def _self_test(given: Mapping[str, Any], more: Sequence[str], common: Mapping[str, Any], listener: _Listener) -> Form:
    from equinorm.experiment.memory import peak
    from equinorm.translation_laws import self_test as verb

    options = {name: value for name, value in common.items() if value is not None}
    if "crop" in given:
        options["crop"] = given["crop"]
    found = verb([*given.get("size", []), *more], maps=given.get("input"), **options, progress=listener)
    listener.log.event("end", passed=found.passed, peak_memory=peak())
    return found, Status.DONE if found.passed else Status.DOES_NOT_HOLD


_FORMS: dict[str, Callable[..., Form]] = {"pictures": _pictures, "--input": _maps, "--self-test": _self_test}


def _check(mode: str, given: Mapping[str, Any], more: Sequence[str]) -> None:
    """Refuse options that this form of the command does not take."""
    if more and not ("images" in given and mode == "pictures") and not ("size" in given and mode == "--self-test"):
        raise refuse(f"argument={more[0]}", "an option", f"name pictures with --images {more[0]}")
    strange = next((name for name in given if name not in MODES[mode]), None)
    if strange is None:
        return
    value = given[strange][0] if isinstance(given[strange], list) else given[strange]
    said = f"{strange}={value}" if strange != "self-test" else "--self-test"
    if strange in LAYER and mode == "pictures":
        raise refuse(said, "--input FILE beside it", "on pictures all named layers are measured")
    if mode == "pictures":
        raise refuse(said, "--self-test beside it")
    raise refuse(said, f"no --{strange} beside {mode}", "these are forms of the command of their own")


def _check_log(log: Path, paths: Sequence[Path]) -> None:
    """Refuse a log that would be listed as a picture, which must stay as it is while the run lasts."""
    place = Path(os.path.realpath(log))
    for path in paths:
        if place.is_relative_to(os.path.realpath(path)):
            raise refuse(f"log={log}", f"a file that is not among the pictures of {path}", "name one elsewhere")


def _plain(value: Any) -> Any:
    """``value`` as JSON can hold it."""
    if isinstance(value, list):
        return [str(each) for each in value]
    return str(value) if isinstance(value, Path) else value
