"""The README shows what the commands print: each is run, but those that take minutes, and compared with what is shown.

A line ``…`` in the README stands for lines that are left out.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from equinorm.cli.main import main
from tests.command import HOUSE, run_python

LONG = ("equinorm census",)
"""Commands that take minutes."""


def commands() -> Iterator[tuple[str, str]]:
    """Each command of the README with what is shown below it."""
    text = (HOUSE / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```\n(\$ .*?)^```$", text, flags=re.S | re.M):
        for piece in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = piece.partition("\n")
            yield command, shown


def shown_files() -> Iterator[tuple[str, str]]:
    """The files that the README shows: blocks of Python whose first line is a comment with a name."""
    text = (HOUSE / "README.md").read_text(encoding="utf-8")
    yield from re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", text, flags=re.S | re.M)


def shows(shown: str, printed: str) -> bool:
    """Whether what is shown is what was printed, up to lines left out."""
    parts = [re.escape(part) for part in re.split(r"^…\n", shown, flags=re.M)]
    return re.fullmatch(r"(?:.*\n)*?".join(parts), printed) is not None


def run(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints on standard output, in the present folder."""
    name, *arguments = shlex.split(command, comments=True)
    if name == "equinorm":
        main(arguments)
        return capsys.readouterr().out
    if name == "python3":
        # What stands in the sources is named by its place in them.
        files = [sorted(map(str, HOUSE.glob(a))) if a.startswith("proofs/") else [a] for a in arguments]
        done = run_python(*(argument for found in files for argument in found))
        return done.stdout
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=True, timeout=30).stdout


def test_commands_print_what_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, body in shown_files():
        (tmp_path / name).write_text(body, encoding="utf-8")
    ran = 0
    for command, shown in commands():
        if command.startswith(LONG) or ("proofs.prove" in command and find_spec("z3") is None):
            continue
        printed = run(command, capsys)
        assert shows(shown, printed if not printed or printed.endswith("\n") else printed + "\n"), (command, printed)
        ran += 1
    assert ran >= 6


def test_the_audit_of_the_readme_names_the_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its numbers depend on the machine; what it finds does not."""
    pytest.importorskip("torch", reason="torch is not installed: it is the extra 'torch'")
    monkeypatch.chdir(tmp_path)
    for name, body in shown_files():
        (tmp_path / name).write_text(body, encoding="utf-8")
    assert main(["audit", "--model", "network:network", "--size", "33", "--action", "translation"]) == 1
    assert "whose own defect exceeds rounding is 3, norm[scale=W]" in capsys.readouterr().out


def test_what_was_left_out_is_marked() -> None:
    assert shows("a\nb\n", "a\nb\n")
    assert shows("a\n…\nc\n", "a\nb\nb\nc\n")
    assert shows("…\nc\n…\n", "b\nc\nd\n")
    assert not shows("a\nc\n", "a\nb\nc\n")
    assert not shows("a\n…\n", "b\n")
