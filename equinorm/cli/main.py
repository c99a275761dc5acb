"""The command ``equinorm``: its subcommands, and the function that the installed script calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from equinorm.cli.execute import execute

if TYPE_CHECKING:
    import typer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (default: those of the process) and return its exit status."""
    return execute(build_app, arguments)


def build_app() -> typer.Typer:
    """The application with all subcommands, in the order in which ``--help`` lists them."""
    from equinorm.cli import audit, census, check, decide, derive, hunt, identify, info, measure, paper, plot, replay
    from equinorm.cli.options import new_app

    app = new_app("Which normalization layer may a translation-equivariant network use, and why.")
    app.command("decide")(decide.decide)
    app.command("derive")(derive.derive)
    app.command("census")(census.census)
    app.command("check")(check.check)
    app.command("hunt")(hunt.hunt)
    app.command("replay")(replay.replay)
    app.command("identify")(identify.identify)
    app.command("measure")(measure.measure)
    app.command("plot")(plot.plot)
    app.command("paper")(paper.paper)
    app.command("audit")(audit.audit)
    app.command("info")(info.info)
    return app
