"""What all subcommands share on the command line: the application's settings, ``--version`` and ``--json``."""

from __future__ import annotations

from typing import Annotated

import typer

import equinorm

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
