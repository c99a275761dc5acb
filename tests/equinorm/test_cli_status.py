"""Exit statuses and the two streams, on a command line made for the tests."""

from __future__ import annotations

import json
import subprocess

import pytest

from equinorm.cli.errors import Status
from tests.command import run_python


def probe(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "tests.equinorm.probe", *arguments, **changes)


@pytest.mark.parametrize("status", [Status.DONE, Status.DOES_NOT_HOLD, Status.UNKNOWN])
def test_an_answer_carries_its_status(status: Status) -> None:
    done = probe("answer", "--status", str(int(status)))
    assert (done.returncode, done.stdout, done.stderr) == (status, "the answer\n", "")


@pytest.mark.parametrize("text", ["plain", "σ ≤ 1/2 — é", 'a "quote"\nand a line'])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_is_exactly_one_object(text: str, encoding: str) -> None:
    done = probe("answer", "--text", text, "--json", PYTHONIOENCODING=encoding, PYTHONUTF8="1")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"answer": text, "status": 0}


def test_letters_that_a_stream_lacks_are_escaped() -> None:
    done = probe("answer", "--text", "σ", PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert (done.returncode, done.stdout) == (0, "\\u03c3\n")


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("refuse", "band=9: expected a band K with 2K < W=7; choose 3 or less"),
        ("file", "weights.pth: No such file or directory"),
        ("memory", "not enough memory; choose smaller sizes or batches"),
    ],
)
def test_bad_input_is_one_line_and_nothing_on_standard_output(how: str, line: str) -> None:
    done = probe("fail", how)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"equinorm: error: {line}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fail"],
        ["fail", "refuse", "more"],
        ["answer", "--status", "many"],
        ["answer", "--status"],
        ["answer", "--unheard-of"],
        ["answer", "--statu", "0"],
        ["unheard-of"],
        ["un\nheard\x1b[31m"],
        [],
    ],
)
def test_a_usage_error_is_one_line(arguments: list[str]) -> None:
    done = probe(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("equinorm: error: ")
    assert done.stderr.count("\n") == 1
    assert done.stderr[:-1].isprintable()


def test_a_fault_shows_its_traceback_and_is_no_answer() -> None:
    done = probe("fail", "fault")
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.startswith("Traceback")
    assert "a fault of the program" in done.stderr


def test_an_interrupt_has_no_traceback() -> None:
    done = probe("fail", "interrupt")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "equinorm: interrupted\n")


def test_what_a_library_prints_is_not_the_answer() -> None:
    done = probe("chatter")
    assert (done.returncode, done.stdout) == (0, "the answer\n")
    assert sorted(done.stderr.splitlines()) == ["progress", "text of a library"]


def test_a_command_without_answer_prints_none() -> None:
    done = probe("silent")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing to answer\n")
