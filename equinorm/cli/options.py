"""What subcommands share on the command line: the application's settings, ``--version``, and options in common.

An option stands here if several subcommands take it in the same words; one with words of its own stands beside its
subcommand.
"""

from __future__ import annotations

from typing import Annotated

import typer

import equinorm

LayerOption = Annotated[str | None, typer.Option(help="A catalogue name, or norm[center=C, scale=CHW, affine=C].")]
StepOption = Annotated[
    str | None, typer.Option(metavar="AXES", help="Letters of BCHW, `empty` (over no axes) or `absent` (no such step).")
]
TermOption = Annotated[str | None, typer.Option(help="A term of x, par, mean, rsqrt, eps, numbers, + - * ^.")]
ActionOption = Annotated[str, typer.Option(metavar="shift|translation")]
ScopeOption = Annotated[str, typer.Option(metavar="common|per-sample")]
MovingOption = Annotated[str, typer.Option(metavar="H|W|HW", help="The axes that move.")]
DomainOption = Annotated[str, typer.Option(metavar="all|nyquist-free|K", help="The arrays; K is band K.")]
NyquistOption = Annotated[str, typer.Option(metavar="symmetric|project")]
StatisticsOption = Annotated[str | None, typer.Option(metavar="batch|running", help="Default: batch.")]
EpsOption = Annotated[str | None, typer.Option(help="A positive number. Default: 1/100000.")]
CallTimeoutOption = Annotated[float, typer.Option(metavar="SECONDS", help="For each call of a target.")]
LatexFlag = Annotated[bool, typer.Option("--latex", help="Print LaTeX.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def new_app(summary: str) -> typer.Typer:
    """An application with no subcommands yet, described by ``summary``.

    Plain help and plain messages: they read the same in a terminal, on a pipe and without color, and importing rich
    would take longer than most answers.
    """
    app = typer.Typer(
        help=summary,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def common(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
        ] = False,
    ) -> None:
        pass

    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"equinorm {equinorm.__version__}")
        raise typer.Exit
