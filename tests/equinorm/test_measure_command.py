"""The command ``equinorm measure`` as a user runs it: streams, statuses, files, progress and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from equinorm.cli.progress import PIPE_INTERVAL, Printer
from equinorm.inputs.images import bundled_pictures
from equinorm.progress import Progress, State
from tests.command import environment, interrupt, run_command, started_command
from tests.equinorm.test_cli_streams import snapshot

PICTURES = [str(picture.path) for picture in bundled_pictures()[:2]]
SMALL = ("--images", *PICTURES, "--crop", "32")


def test_the_answer_is_one_object_and_progress_is_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_command("measure", *SMALL, "--seed", "3", "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["options"]["seed"] == 3
    assert [picture["name"] for picture in found["images"]["used"]] == PICTURES
    assert found["rows"] == 2 * 20 * 11 * 2
    assert {group["layer"] for group in found["summary"]} >= {"BatchNorm", "LayerNorm-AF"}
    assert found["out"] == str(out)
    assert json.loads((out / "run.json").read_text())["options"] == found["options"]
    assert done.stderr.splitlines()[0].startswith("measuring: ")
    assert done.stderr.splitlines()[-2].startswith("measuring: 100 %")
    assert re.fullmatch(r"peak memory of one process: \d+ MiB", done.stderr.splitlines()[-1])


def test_the_table_is_for_reading_and_skipped_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run_command("measure", *SMALL, str(tmp_path / "broken.png"), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "1 of 3 pictures skipped" in done.stderr
    assert "broken.png" in done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.split()[1:2] in (["shift"], ["translation"])]
    assert len(rows) == 2 * 5
    assert "not trained" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--nyquist", "none"), "nyquist=none"),
        (("--batch-size", "0"), "batch-size=0"),
        (("--crop", "300"), "crop=300"),
        (("--images", "missing.png"), "images=missing.png"),
        ((PICTURES[0],), "argument="),
        (("--bathc-size", "1"), "No such option"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run_command("measure", *arguments, "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("equinorm: error: ")
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_cupy_that_is_missing_and_cupy_without_a_gpu_are_two_messages(tmp_path: Path) -> None:
    stand_in = tmp_path / "path" / "cupy"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").write_text("class cuda:\n    is_available = staticmethod(lambda: False)\n")
    house = environment()["PYTHONPATH"]
    without_gpu = run_command(
        "measure",
        *("--backend", "cupy", "--out", str(tmp_path / "out")),
        PYTHONPATH=os.pathsep.join([str(stand_in.parent), house]),
    )
    (stand_in / "__init__.py").write_text("raise ModuleNotFoundError('No module named cupy', name='cupy')\n")
    missing = run_command(
        "measure",
        *("--backend", "cupy", "--out", str(tmp_path / "out")),
        PYTHONPATH=os.pathsep.join([str(stand_in.parent), house]),
    )
    for done in (without_gpu, missing):
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "GPU" in without_gpu.stderr
    assert "pip install" in missing.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="process groups are those of POSIX")
@pytest.mark.parametrize("earlier", [False, True])
def test_ctrl_c_leaves_complete_files_or_none(tmp_path: Path, earlier: bool) -> None:
    out = tmp_path / "new" / "out"
    if earlier:
        assert run_command("measure", *SMALL, "--out", str(out)).returncode == 0
        (out / "results.parquet").unlink()  # binary; what stays must stay
    before = snapshot(tmp_path)
    with started_command("measure", "--crop", "96", "--batch-size", "4", "--out", str(out)) as child:
        assert child.stderr is not None
        assert child.stderr.readline().startswith("measuring: ")
        stdout, stderr = interrupt(child)
    assert (child.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-1] == "equinorm: interrupted"
    assert snapshot(tmp_path) == before


def test_progress_counts_to_one_and_tells_the_time_left() -> None:
    heard: list[State] = []
    progress = Progress("measuring", 4, heard.append)
    for _ in range(4):
        progress.step(1)
    assert [state.share for state in heard] == [0.25, 0.5, 0.75, 1.0]
    assert heard[-1].left == 0
    assert State("measuring", 0.25, 10).left == 30
    assert State("measuring", 0.0, 10).left is None


def test_a_pipe_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    printer = Printer()
    for second in range(25):
        printer(State("measuring", second / 100, second))
    printer(State("measuring", 1.0, 25))
    printer.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 2 + 25 // int(PIPE_INTERVAL)
    assert captured.err.splitlines()[-1] == "measuring: 100 %, 0 s left"
