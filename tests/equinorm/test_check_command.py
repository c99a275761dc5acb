"""``equinorm check``: what is accepted and rejected, limits, bad input, and processes that leave nothing behind."""

from __future__ import annotations

import copy
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import equinorm
from equinorm import kernels
from equinorm.cli.main import main
from equinorm.inputs.certificates import MANIFEST, find_certificates
from proofs.census import manifest
from tests.command import HOUSE, environment
from theory.spec.errors import SpecificationError

LAYER_C = "(x - mean(x, C))*rsqrt(mean((x - mean(x, C))^2, C) + eps)*par(C) + par(C)"


def certificate() -> dict[str, Any]:
    """LayerNorm-C moved by half a pixel on 3 samples, as in the README."""
    kinds = {"B": ("sample", [2, 1]), "C": ("index", [2, 1]), "H": ("spatial", [3, 2]), "W": ("spatial", [3, 2])}
    example = {
        "sizes": [2, 2, 3, 3],
        "instance": {
            "axis": "W",
            "moves": "all",
            "cells": [1, 1, 1, 3],
            "input": [{"amplitude": "1", "profiles": ["entry 0"] * 4}],
            "parameters": [["1"], ["0"]],
            "eps": "1/100000",
            "entry": [0, 1, 0, 2],
        },
        "displacement": {"samples": "1/2"},
        "bits": 96,
        "moved_then_layer": ["0.9998", "0.9999"],
        "layer_then_moved": ["0.3333", "0.3334"],
    }
    return {
        "schema": "equinorm certificate",
        "version": 1,
        "statement": {
            "term": LAYER_C,
            "axes": [{"name": name, "kind": kind, "size": size} for name, (kind, size) in kinds.items()],
            "action": "translation",
            "scope": "common",
            "moving": "W",
            "domain": "all",
            "claim": "not equivariant",
        },
        "evidence": {"kind": "counterexample", "example": example},
    }


def changed(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> str:
    """The certificate after ``change`` of its statement and its example."""
    document = copy.deepcopy(certificate())
    change(document["statement"], document["evidence"]["example"])
    return json.dumps(document)


def touching(statement: dict[str, Any], example: dict[str, Any]) -> None:
    """Enclosures that meet prove nothing."""
    example["layer_then_moved"] = ["0.3333", "0.9999"]


def slow(statement: dict[str, Any], example: dict[str, Any]) -> None:
    """A fractional translation of 3001 samples takes millions of cosines."""
    statement.update(term="x", axes=[*statement["axes"][:3], {"name": "W", "kind": "spatial", "size": [3001, 0]}])
    example.update(sizes=[2, 2, 3, 3001], displacement={"samples": "1/3"})
    part = {"amplitude": "1", "profiles": ["constant"] * 3 + ["entry 0"]}
    example["instance"].update(cells=[0, 0, 0, 3001], input=[part], parameters=[], entry=[0, 0, 0, 0])


def large(statement: dict[str, Any], example: dict[str, Any]) -> None:
    """Forty sums, each of 18000 numbers of a thousand digits."""
    axes = [{"name": "C", "kind": "index", "size": [9000, 0]}, {"name": "W", "kind": "spatial", "size": [2, 0]}]
    statement.update(term="(" * 40 + "x" + " + x)" * 40, axes=axes)
    part = {"amplitude": "9" * 1000, "profiles": ["constant", "constant"]}
    example.update(sizes=[9000, 2], bits=8)
    example["instance"].update(cells=[9000, 2], input=[part], parameters=[], entry=[0, 0])


GOOD, BAD = json.dumps(certificate()), changed(touching)
MEET = "the two enclosures meet"
STRANGE = "expected the keys schema version statement evidence, found []"


def check_json(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, int, dict[str, str]]:
    status = main(["check", *map(str, paths), "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data.keys() == {"accepted", "rejected", "version"}
    assert data["version"] == equinorm.__version__
    return status, data["accepted"], {one["place"]: one["reason"] for one in data["rejected"]}


def refused(capsys: pytest.CaptureFixture[str], *paths: Path | str) -> str:
    """The one line about bad input."""
    assert main(["check", *map(str, paths)]) == 2
    out, err = capsys.readouterr()
    *progress, line = err.splitlines()
    assert out == ""
    assert all(told.startswith("checking: ") for told in progress)
    assert line.startswith("equinorm: error: path=")
    assert line.isprintable()
    return line.removeprefix("equinorm: error: ")


def test_an_accepted_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.json").write_text(GOOD)
    assert main(["check", str(tmp_path / "one.json")]) == 0
    assert capsys.readouterr().out == "accepted 1, rejected 0\n"
    assert check_json(capsys, tmp_path / "one.json") == (0, 1, {})


def test_rejections_are_named_before_the_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text(f"{GOOD}\n{BAD}\n{GOOD}\n{{}}")  # the last line need not end
    assert main(["check", str(lines)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{lines}:2: rejected: {MEET}",
        f"{lines}:4: rejected: {STRANGE}",
        "accepted 2, rejected 2",
    ]
    assert check_json(capsys, lines) == (1, 2, {f"{lines}:2": MEET, f"{lines}:4": STRANGE})


def test_a_folder_stands_for_all_certificates_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inner" / "b.json").mkdir(parents=True)
    (tmp_path / "a.jsonl").write_text(f"{BAD}\n{GOOD}\n")
    (tmp_path / "inner" / "b.json" / "c.json").write_text(BAD)
    (tmp_path / "notes.txt").write_text("no certificate")
    (tmp_path / ".hidden").mkdir()
    for passed_over in (".d.json", ".hidden/d.json", MANIFEST):
        (tmp_path / passed_over).write_text("{}")
    (tmp_path / "inner" / "up").symlink_to("..")
    places = [f"{tmp_path}/a.jsonl:1", f"{tmp_path}/inner/b.json/c.json"]
    status, accepted, rejected = check_json(capsys, tmp_path)
    assert (status, accepted, list(rejected)) == (1, 1, places)
    assert check_json(capsys, tmp_path / MANIFEST) == (1, 0, {str(tmp_path / MANIFEST): STRANGE})


def test_the_manifest_that_is_passed_over_is_that_of_the_census() -> None:
    assert manifest.MANIFEST == MANIFEST


def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.json").write_text(GOOD)
    (tmp_path / "bad.json").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    shares = []
    found = equinorm.check("good.json", Path("bad.json"), progress=lambda state: shares.append(state.share))
    assert (found.accepted, [(one.place, one.reason) for one in found.rejected]) == (1, [("bad.json", MEET)])
    assert found.text() == f"bad.json: rejected: {MEET}\naccepted 1, rejected 1"
    assert shares == [0.5, 1.0]
    with pytest.raises(SpecificationError, match="path="):
        equinorm.check()


def test_limits_reject_one_certificate_and_spare_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text("\n".join([changed(slow), GOOD, changed(large), GOOD, GOOD]))
    start = time.monotonic()
    status, accepted, rejected = check_json(capsys, lines)
    assert (status, accepted) == (1, 3)
    assert rejected == {
        f"{lines}:1": "more than 5 seconds",
        f"{lines}:3": "more memory than one certificate may take",
    }
    assert time.monotonic() - start > 4.9


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts the body of a function ``verdict(text)`` in the place of the kernel's, which is copied for it."""
    room = tmp_path / "beside" / "proofs"
    shutil.copytree(HOUSE / "proofs" / "kernel", room / "kernel", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kernels, "COMMAND", (*kernels.COMMAND[:-1], str(room)))

    def put(body: str) -> None:
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (room / "kernel" / "checking.py").write_text(f"import os, signal, sys, time\n\ndef verdict(text):\n{lines}")

    return put


def test_memory_is_counted_for_each_certificate_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("held = [bytearray(100 << 20)]\nheld.append(held)")  # nobody's any more, but in a circle
    monkeypatch.setattr(kernels, "processors", lambda: 1)
    (tmp_path / "lines.jsonl").write_text("any\n" * 5)
    assert check_json(capsys, tmp_path / "lines.jsonl") == (0, 5, {})


def test_a_kernel_finds_nothing_but_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stand_in: Callable[[str], None]
) -> None:
    (tmp_path / "beside" / "theory").mkdir()
    (tmp_path / "beside" / "theory" / "__init__.py").touch()
    (tmp_path / "names.jsonl").write_text("fractions\ntheory\nnumpy\nequinorm\nproofs.kernel.terms\n")
    stand_in(
        "import importlib\n"
        "try:\n    importlib.import_module(text.strip())\n"
        "except ImportError as error:\n    return str(error)"
    )
    status, accepted, rejected = check_json(capsys, tmp_path / "names.jsonl")
    assert (status, accepted) == (1, 2)
    assert list(rejected.values()) == [f"No module named '{name}'" for name in ("theory", "numpy", "equinorm")]


def test_long_files_and_many_files_keep_all_processors_busy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("time.sleep(0.01)\nreturn str(os.getpid())")
    monkeypatch.setattr(kernels, "processors", lambda: 3)
    (tmp_path / "lines.jsonl").write_text(f"{GOOD}\n" * 60)
    (tmp_path / "many").mkdir()
    for number in range(60):
        (tmp_path / "many" / f"{number}.json").write_text(GOOD)
    for path in (tmp_path / "lines.jsonl", tmp_path / "many"):
        _, _, rejected = check_json(capsys, path)
        workers = list(rejected.values())
        assert len(workers) == 60
        assert len(set(workers)) == 3
        assert min(map(workers.count, workers)) >= 10


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("os._exit(3)", "the kernel ended at it, with status 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the kernel ended at it, with SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "more than 5 seconds"),
        ("raise OSError('a fault')", "the kernel failed: OSError: a fault"),
    ],
)
def test_a_kernel_that_ends_takes_one_certificate_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stand_in: Callable[[str], None], end: str, reason: str
) -> None:
    stand_in(f"if text.startswith('end'):\n    {end}")
    lines = tmp_path / "lines.jsonl"
    lines.write_text("fine\n" * 9 + "end\nend\n" + "fine\n" * 9)
    assert check_json(capsys, lines) == (1, 18, {f"{lines}:10": reason, f"{lines}:11": reason})


def test_a_kernel_that_cannot_start_is_a_fault(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], stand_in: Callable[[str], None]
) -> None:
    (tmp_path / "one.json").write_text(GOOD)
    stand_in("pass")
    shutil.rmtree(Path(kernels.COMMAND[-1]) / "kernel")
    assert main(["check", str(tmp_path / "one.json")]) == 70
    assert "RuntimeError: a kernel ended with status 1" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"no certificate", "a.json: expected a certificate in JSON; Expecting value"),
        ("a.json", b"", "a.json: expected a certificate in JSON; Expecting value"),
        ("a.json", GOOD.encode()[:-9], "a.json: expected a certificate in JSON; "),
        ("a.json", b"\xef\xbb\xbf" + GOOD.encode(), "a.json: expected a certificate in JSON; "),
        ("a.json", b'{"\xff": 1}', "a.json: expected a certificate in UTF-8 (invalid start byte)"),
        ("a.json", b'{"\xc3', "a.json: expected a certificate in UTF-8 (unexpected end of data)"),
        ("a.jsonl", GOOD.encode() + b"\n\n", "a.jsonl:2: expected a certificate in JSON; Expecting value"),
        ("a.jsonl", b"", "a.jsonl: expected one certificate on each line; the file is empty"),
        ("a.txt", b"text", "a.txt: expected a certificate in JSON; Expecting value"),
        ("a\n\x1b.json", b"text", "a\\n\\x1b.json: expected a certificate in JSON; Expecting value"),
        (os.fsdecode(b"\xff.json"), b"text", "\\udcff.json: expected a certificate in JSON; Expecting value"),
    ],
)
def test_what_is_no_json_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert refused(capsys, tmp_path / name).startswith(f"path={tmp_path}/{said}")


def test_json_of_another_kind_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "lines.jsonl"
    deep = "[" * 100_000 + "]" * 100_000
    twice = '{"schema": 1, "schema": 1}'
    lines.write_text("\n".join(["1", "null", "1.5", "9" * 40, twice, deep, f'"{"x" * 4_000_000}"']))
    status, accepted, rejected = check_json(capsys, lines)
    assert (status, accepted, len(rejected)) == (1, 0, 7)
    reasons = list(rejected.values())
    assert reasons[4:] == ["a key occurs twice", "nested too deeply", "more than 4000000 characters"]


def test_the_first_of_several_faults_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [GOOD] * 100
    lines[40] = lines[41] = lines[60] = "no JSON"
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert "/a.jsonl:41: expected" in refused(capsys, tmp_path)


def test_missing_paths_and_empty_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, tmp_path / "no").endswith("a folder of certificates; there is no such file")
    assert refused(capsys, "").endswith("there is no such file")
    assert refused(capsys, "\x00").startswith("path=\\x00: expected")
    none = f"path={tmp_path}: expected a folder with certificates in it; it holds no *.json and no *.jsonl"
    assert refused(capsys, tmp_path) == none
    (tmp_path / "notes.txt").write_text("no certificate")
    assert refused(capsys, tmp_path) == none


def test_no_path_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 2
    assert capsys.readouterr().err == "equinorm: error: Missing argument 'PATH...'; see equinorm check --help\n"


def test_a_link_may_not_lead_out_of_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "one.json").write_text(GOOD)
    folder = tmp_path / "out"  # the beginning of another folder's name is not that folder
    folder.mkdir()
    (folder / "own.json").write_text(GOOD)
    assert check_json(capsys, folder) == (0, 1, {})
    for name, target in (("link.json", "outside/one.json"), ("folder", "outside"), ("up", ".")):
        (folder / name).symlink_to(tmp_path / target)
        line = refused(capsys, folder)
        assert line == f"path={folder}/{name}: expected a file inside of {folder}; this link leads out of it"
        (folder / name).unlink()
    # Who names a link means what it leads to.
    (tmp_path / "named").symlink_to(folder)
    (folder / "link.json").symlink_to(tmp_path / "outside" / "one.json")
    assert check_json(capsys, folder / "link.json") == (0, 1, {})
    (folder / "link.json").unlink()
    assert check_json(capsys, tmp_path / "named") == (0, 1, {})


def test_a_file_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = tmp_path / "one.json"
    one.write_text(GOOD)
    for twice in ((one, one), (tmp_path, one), (one, tmp_path / ".." / tmp_path.name / "one.json")):
        assert ": expected each file once; it is named twice" in refused(capsys, *twice)
    (tmp_path / "two.json").symlink_to(one)
    assert refused(capsys, tmp_path).startswith(f"path={tmp_path}/two.json: expected each file once")


@pytest.mark.parametrize("inside", [False, True])
def test_pipes_and_devices_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], inside: bool) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    line = refused(capsys, tmp_path if inside else tmp_path / "pipe.json")
    assert line == f"path={tmp_path}/pipe.json: expected a regular file; this is a pipe, a device or a socket"
    (tmp_path / "pipe.json").unlink()
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(os.path.relpath(tmp_path / "socket.json"))
        assert "this is a pipe" in refused(capsys, tmp_path if inside else tmp_path / "socket.json")
    assert "this is a pipe" in refused(capsys, "/dev/null")


def test_an_unreadable_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loop = tmp_path / "loop.json"
    loop.symlink_to("loop.json")
    expected = f"path={loop}: expected a file that can be read (Too many levels of symbolic links)"
    assert refused(capsys, loop) == refused(capsys, tmp_path) == expected
    loop.unlink()
    loop.symlink_to("nowhere")
    assert refused(capsys, tmp_path).endswith("a file that can be read (No such file or directory)")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="to this user every file is readable")
def test_a_protected_file_or_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.json").write_text(GOOD)
    (tmp_path / "one.json").chmod(0)
    assert refused(capsys, tmp_path).endswith("one.json: expected a file that can be read (Permission denied)")
    (tmp_path / "one.json").chmod(0o600)
    (tmp_path / "inner").mkdir(mode=0)
    try:
        assert refused(capsys, tmp_path).endswith("inner: expected a folder that can be listed (Permission denied)")
    finally:
        (tmp_path / "inner").chmod(0o700)


def test_lines_are_found_across_the_pieces_that_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["é" * 5, "", "a\rb\u2028c", "d" * 20, "last"]
    text = "\n".join(lines)
    path = tmp_path / "lines.jsonl"
    path.write_text(text, encoding="utf-8", newline="")
    for piece in (1, 2, 7, 1000):
        monkeypatch.setattr("equinorm.inputs.certificates.PIECE", piece)
        for ending in ("", "\n"):
            path.write_text(text + ending, encoding="utf-8", newline="")
            content = path.read_bytes()
            found = find_certificates([path])
            assert [one.place for one in found] == [f"{path}:{number}" for number in range(1, 6)]
            parts = [content[one.start : one.start + one.length].decode() for one in found]
            assert [part.removesuffix("\n") for part in parts] == lines
            assert "".join(parts) == text + ending


@pytest.mark.parametrize("group", [True, False], ids=["to the process group", "to the command"])
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, group: bool) -> None:
    (tmp_path / "lines.jsonl").write_text(f"{changed(slow)}\n" * 50)
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "equinorm", "check", str(tmp_path)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not (workers := children(child.pid)) and time.monotonic() < until:
        time.sleep(0.05)
    assert workers
    (os.killpg if group else os.kill)(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, "", "equinorm: interrupted\n")
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    with pytest.raises(ProcessLookupError):
        os.killpg(child.pid, 0)


def children(pid: int) -> list[int]:
    """The processes that ``pid`` started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("this system does not list the children of a process")
    return [int(word) for word in listed.read_text().split()]
