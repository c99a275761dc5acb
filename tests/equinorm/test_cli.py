"""The command ``equinorm`` itself: help, version, info, and what starting it loads."""

from __future__ import annotations

import json
import tomllib

import pytest

import equinorm
from equinorm.cli.info import OPTIONAL, REQUIRED, installed_version
from tests.command import HOUSE, run_command, run_python


def test_version() -> None:
    done = run_command("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"equinorm {equinorm.__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["info", "--help"], ["info", "-h"]])
def test_help_is_an_answer(arguments: list[str]) -> None:
    done = run_command(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: equinorm")


def test_no_command_is_a_usage_error() -> None:
    done = run_command()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "equinorm: error: Missing command; see equinorm --help\n"


def test_a_misspelled_command_is_named() -> None:
    done = run_command("inof")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "equinorm: error: No such command 'inof'. Did you mean 'info'?\n"


def test_info_tells_the_same_to_people_and_programs() -> None:
    text, data = run_command("info"), run_command("info", "--json")
    assert (text.returncode, text.stderr, data.returncode, data.stderr) == (0, "", 0, "")
    found = json.loads(data.stdout)
    assert found["version"] == equinorm.__version__
    assert found["libraries"]["numpy"] == installed_version("numpy")
    lines = [line.split() for line in text.stdout.splitlines()]
    for name, version in found["libraries"].items():
        assert [name, *(version or "not installed").split()] in lines
    for backend in found["backends"]:
        told = backend["description"] if backend["usable"] else f"missing: {backend['reason']}"
        assert [backend["name"], *told.split()] in lines
    usable = {backend["name"]: backend["usable"] for backend in found["backends"]}
    assert usable["numpy"] is True
    assert usable.keys() == {"numpy", "numba", "torch", "cupy"}
    assert usable["torch"] or "torch" in next(b["reason"] for b in found["backends"] if b["name"] == "torch")


def test_info_lists_the_declared_dependencies() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert [line.split(">=")[0] for line in project["dependencies"]] == list(REQUIRED)
    optional = [line.split(">=")[0] for name in ("torch", "cuda12", "cuda13") for line in extras[name]]
    assert optional == list(OPTIONAL)


def test_starting_loads_no_library_that_help_does_not_need() -> None:
    done = run_python(
        "-c",
        "import sys; from equinorm.cli.main import main; main(['--help']);"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)",
    )
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    heavy = {"hypothesis", "jinja2", "matplotlib", "numpy", "PIL", "pyarrow", "rich", "scipy", "skimage", "sympy"}
    assert not loaded & heavy
