"""What ``equinorm check`` refuses to read: bad input is named in one line, and nothing hangs."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from equinorm.cli.main import main
from equinorm.inputs.certificates import find_certificates
from tests.equinorm.certificates import GOOD, check_json, refused


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
    assert capsys.readouterr().err == "equinorm: error: Missing argument 'PATH'; see equinorm check --help\n"


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
def test_pipes_and_devices_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    os.mkfifo(tmp_path / "pipe.json")
    line = refused(capsys, tmp_path if inside else tmp_path / "pipe.json")
    assert line == f"path={tmp_path}/pipe.json: expected a regular file; this is a pipe, a device or a socket"
    (tmp_path / "pipe.json").unlink()
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket.json")
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
