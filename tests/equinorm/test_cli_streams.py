"""Standard output that is closed, full, left by its reader, or a terminal; Ctrl-C in a process group of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import environment, interrupt, run_python, started_python

posix = pytest.mark.skipif(os.name != "posix", reason="process groups, /dev/full and terminals are those of POSIX")
ASKED = ["-W", "error", "-m", "tests.equinorm.probe"]
PROBE = [sys.executable, *ASKED]


@posix
@pytest.mark.parametrize("command", ["answer", "--help"])
def test_a_full_disk_is_one_line(command: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([*PROBE, command], env=environment(), stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (2, b"equinorm: error: standard output: No space left on device\n")


@posix
def test_closed_standard_output_is_one_line() -> None:
    done = run_python(
        "-c",
        "import os, sys; os.close(1);"
        "os.execv(sys.executable, [sys.executable, '-m', 'tests.equinorm.probe', 'answer'])",
    )
    assert (done.returncode, done.stderr) == (2, "equinorm: error: standard output is closed\n")


@posix
def test_closed_standard_error_keeps_messages_off_the_answer() -> None:
    done = run_python(
        "-c",
        "import os, sys; os.close(2);"
        "os.execv(sys.executable, [sys.executable, '-m', 'tests.equinorm.probe', 'chatter'])",
    )
    assert (done.returncode, done.stdout) == (0, "the answer\n")


@posix
@pytest.mark.parametrize("command", ["answer", "--help"])
def test_a_reader_that_left_is_no_error_message(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:
        done = subprocess.run([*PROBE, command], env=environment(), stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


@posix
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"TERM": "xterm"}, b"\x1b[1mthe answer\x1b[0m\r\n"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, b"the answer\r\n"),
        ({"TERM": "dumb"}, b"the answer\r\n"),
    ],
)
def test_emphasis_is_for_terminals_without_no_color(changes: dict[str, str], expected: bytes) -> None:
    ours, theirs = os.openpty()
    try:
        done = subprocess.run([*PROBE, "answer"], env=environment(**changes), stdout=theirs, check=False)
        assert (done.returncode, os.read(ours, 1000)) == (0, expected)
    finally:
        os.close(ours)
        os.close(theirs)


@posix
@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("existing", [False, True])
def test_ctrl_c_leaves_complete_files_or_none(tmp_path: Path, folder: bool, existing: bool) -> None:
    out = tmp_path / "new" / "out"
    if existing:
        out.parent.mkdir()
        if folder:
            out.mkdir()
        else:
            out.write_text("of an earlier run")
    before = snapshot(tmp_path)
    with started_python(*ASKED, "wait", str(out), *(["--folder"] if folder else [])) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == "waiting\n"
        stdout, stderr = interrupt(child)
    assert (child.returncode, stdout, stderr) == (130, "", "equinorm: interrupted\n")
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, str | None]:
    """Every file and folder under ``folder``, with the text of files."""
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else None for path in folder.rglob("*")}
