"""A command line of its own, run by the tests as ``python -m tests.equinorm.probe``, for what no real command does:
end with any status, fail in any way, chatter on standard output, wait for Ctrl-C in the middle of writing.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from equinorm.cli.errors import Status
from equinorm.cli.execute import execute
from equinorm.cli.options import JsonFlag, new_app
from equinorm.cli.output import Answer, emphasize, message
from equinorm.files import replacing_file, replacing_folder
from theory.spec.errors import refuse


def answer(status: int = 0, text: str = "the answer", json: JsonFlag = False) -> Answer:
    return Answer(emphasize(text), {"answer": text, "status": status}, Status(status), as_json=json)


def fail(how: str) -> Answer:
    print("chatter before the failure")
    failures: dict[str, BaseException] = {
        "refuse": refuse("band=9", "a band K with 2K < W=7", "choose 3\nor less"),
        "file": FileNotFoundError(2, "No such file or directory", "weights.pth"),
        "memory": MemoryError(),
        "fault": ZeroDivisionError("a fault of the program"),
        "interrupt": KeyboardInterrupt(),
    }
    raise failures[how]


def chatter() -> Answer:
    print("text of a library")
    message("progress")
    return Answer("the answer")


def silent() -> None:
    message("nothing to answer")


def wait(out: Path, folder: Annotated[bool, typer.Option("--folder")] = False) -> Answer:
    manager = replacing_folder(out) if folder else replacing_file(out)
    with manager as partial:
        (partial / "half.txt" if folder else partial).write_text("half of it")
        message("waiting")
        time.sleep(60)
    return Answer("never reached")


def build_app() -> typer.Typer:
    app = new_app("Commands that only the tests use.")
    for command in (answer, fail, chatter, silent, wait):
        app.command(command.__name__)(command)
    return app


if __name__ == "__main__":
    sys.exit(execute(build_app))
