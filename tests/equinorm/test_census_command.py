"""``equinorm census``: what it prints and keeps, its refusals, and an interruption in the middle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

import equinorm
from equinorm.cli.main import main
from equinorm.files import MARKER
from proofs.census.certify import Undecided
from proofs.census.manifest import MANIFEST, read, spelled
from proofs.census.run import Group, census_of
from tests.command import eventually, interrupt, run_command, started_command
from tests.proofs import test_census_run
from theory.spec.errors import SpecificationError

NAMES = [f"translation-common-H-{arrays}.jsonl" for arrays in ("even-all", "even-nyquist-free", "odd-all")]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command asks about three blocks of 125 layers."""
    monkeypatch.setattr("proofs.census.run.blocks", test_census_run.small_blocks)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# What it prints and keeps.


@pytest.mark.usefixtures("small")
def test_a_census_is_printed_and_kept_and_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "census"
    assert main(["census", "--axes", "H", "--out", str(out)]) == 0
    text, err = capsys.readouterr()
    assert err.splitlines()[0] == "census: 0 %"
    assert err.splitlines()[-1].startswith("census: 100 %")
    assert text.splitlines()[-1] == "3 blocks, 375 statements, none undecided, 375 accepted"
    first = contents(out)
    assert sorted(first) == sorted([MARKER, MANIFEST, *NAMES])
    entries = read(out / MANIFEST)
    assert first[MANIFEST] == spelled(entries).encode()
    for entry in entries:
        assert f"equivariant iff {entry.condition}   [{entry.equivariant} of 125 layers]" in text
        assert f"certificates: 125 of 125 accepted, sha256 {entry.sha256[:16]}…" in text

    assert main(["census", "--axes", "H", "--out", str(out), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert contents(out) == first
    assert [file.name for file in out.parent.iterdir()] == ["census"]
    assert data == {"blocks": [entry.document() for entry in entries], "version": equinorm.__version__}
    for block in data["blocks"]:
        assert (block["action"], block["scope"], block["axes"], block["layers"]) == ("translation", "common", "H", 125)
        assert isinstance(block["condition"], str)
    arrays = [(block["grid"], block["domain"]) for block in data["blocks"]]
    assert arrays == [("odd", "all"), ("even", "all"), ("even", "nyquist-free")]


def test_help_names_every_option() -> None:
    done = run_command("census", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("--axes", "H|W|HW", "--out", "DIR", "--json", "certify"):
        assert word in done.stdout


# Refusals, before any work.


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is a failure."""

    def work(*_: object) -> Iterable[object]:
        pytest.fail("the census began")

    monkeypatch.setattr("proofs.census.run.ask_all", work)


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("axes", ["Q", "WH", "BC", "", "h"])
def test_other_axes_are_refused(axes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["census", "--axes", axes, "--out", str(tmp_path / "census")]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"equinorm: error: axes={axes}: expected one of H, W, HW\n")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SpecificationError, match="expected one of H, W, HW"):
        equinorm.census(axes)


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("stranger", ["mine.txt", "shift-common-H-odd-all.jsonl", MANIFEST])
def test_a_folder_of_somebody_else_is_refused(
    stranger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / stranger).write_text("keep me")
    assert main(["census", "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"equinorm: error: out={tmp_path}: expected a new folder or one that equinorm wrote")
    assert err.count("\n") == 1
    assert contents(tmp_path) == {stranger: b"keep me"}


@pytest.mark.usefixtures("idle")
def test_a_folder_to_which_somebody_added_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    assert main(["census", "--out", str(tmp_path)]) == 2
    assert "not notes.txt; move that file away" in capsys.readouterr().err
    assert contents(tmp_path) == before


@pytest.mark.usefixtures("idle")
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "census"
    place.write_text("keep me")
    assert main(["census", "--out", str(place)]) == 2
    expected = f"equinorm: error: out={place}: expected a folder; this is a file; choose another name\n"
    assert capsys.readouterr() == ("", expected)
    assert contents(tmp_path) == {"census": b"keep me"}


# A census that fails.


def with_a_wrong_enclosure(group: Group) -> object:
    """A group of which one certificate is wrong; a function of a module, so that a child finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proofs.census.run.certified", test_census_run.wrong_lines)
        return census_of(group)


def without_a_verdict(_: Group) -> object:
    """A group with a layer that is not decided."""
    raise Undecided("x * x: no verdict,\nor none that can be written")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("function", "reason", "existing"),
    [
        (with_a_wrong_enclosure, f"{NAMES[-1]}:", True),
        (without_a_verdict, "x * x: no verdict, or none that can be written\n", False),
    ],
)
def test_a_census_that_fails_is_one_line_and_keeps_nothing(
    function: object,
    reason: str,
    existing: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("proofs.census.run.census_of", function)
    if existing:
        kept(tmp_path / "census")
    before = contents(tmp_path)
    assert main(["census", "--axes", "H", "--out", str(tmp_path / "census"), "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    progress, line = err.splitlines()
    assert progress == "census: 0 %"
    assert f"{line}\n".startswith(f"equinorm: error: {reason}")
    assert contents(tmp_path) == before
    assert (tmp_path / "census").exists() == existing


# An interruption.


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are listed in /proc")
@pytest.mark.parametrize("existing", [False, True])
def test_an_interrupt_leaves_the_old_folder_or_none_and_no_process(existing: bool, tmp_path: Path) -> None:
    place = tmp_path / "census"
    if existing:
        kept(place)
    before = contents(tmp_path)
    mark = f"census-of-{tmp_path.name}-{os.getpid()}"

    def written() -> bool:
        assert child.poll() is None
        return any(file.stat().st_size for file in tmp_path.glob(".census.*/*.jsonl"))

    with started_command("census", "--axes", "H", "--out", str(place), EQUINORM_MARK=mark) as child:
        # Before the first certificate, and after it.
        assert not existing or eventually(written)
        assert child.stderr is not None
        assert child.stderr.readline() == "census: 0 %\n"
        assert len(list(tmp_path.glob(".census.*"))) == 1, "the place is taken before the work"
        assert not existing or len(processes(mark)) >= 2
        out, errors = interrupt(child)
    assert (child.returncode, out, errors) == (130, "", "equinorm: interrupted\n")
    assert contents(tmp_path) == before
    assert [file.name for file in tmp_path.iterdir()] == (["census"] if existing else [])
    assert eventually(lambda: not processes(mark), 30)


def processes(mark: str) -> list[int]:
    """The processes in whose environment a mark stands."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = entry.read_bytes().split(b"\0")
        except OSError:  # it has ended, or is somebody else's
            continue
        if f"EQUINORM_MARK={mark}".encode() in variables:
            found.append(int(entry.parent.name))
    return found


def kept(folder: Path) -> None:
    """A folder that an earlier census wrote."""
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text("of an earlier run")
    (folder / MARKER).write_text(f"{MANIFEST}\n")
