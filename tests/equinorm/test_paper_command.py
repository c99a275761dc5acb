"""The command ``paper``: refusals before any work, interruptions, and the streams."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from equinorm.cli.paper import Stages
from equinorm.progress import State
from tests.command import interrupt, run_command, started_command


def test_a_folder_of_somebody_else_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    done = run_command("paper", "--quick", "--out", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"equinorm: error: out={tmp_path}: expected a new folder or one that equinorm wrote")
    assert done.stderr.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    place = tmp_path / "paper"
    place.write_text("keep me")
    done = run_command("paper", "--out", str(place))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"equinorm: error: out={place}: expected a folder; this is a file; choose another name\n"
    assert place.read_text() == "keep me"


@pytest.mark.skipif(os.name != "posix", reason="process groups and signals as on POSIX")
def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    with started_command("paper", "--quick", "--out", str(tmp_path / "paper")) as child:
        assert child.stderr is not None
        first = child.stderr.readline()
        assert "deriving" in first
        assert list(tmp_path.iterdir()), "the place is taken before the work"
        out, errors = interrupt(child)
    assert (child.returncode, out) == (130, "")
    assert errors.splitlines()[-1] == "equinorm: interrupted"
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_each_stage_is_told_and_its_duration(capsys: pytest.CaptureFixture[str]) -> None:
    stages = Stages()
    for task, share, elapsed in (("one", 0.5, 1.0), ("one", 1.0, 2.0), ("two", 1.0, 61.0)):
        stages(State(task, share, elapsed))
    stages.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "%" not in line] == ["one: 2 s", "two: 1 min 1 s"]
    assert [line.split(":")[0] for line in lines] == ["one", "one", "one", "two", "two"]
