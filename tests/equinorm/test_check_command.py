"""``equinorm check``: what is accepted and rejected, the limits, and processes that leave nothing behind."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import equinorm
from equinorm import kernels
from equinorm.cli.main import main
from equinorm.inputs.certificates import MANIFEST
from proofs.census import manifest
from tests.command import HOUSE, eventually, interrupt, started_python
from tests.equinorm.certificates import BAD, GOOD, MEET, STRANGE, changed, check_json, large, slow
from theory.spec.errors import SpecificationError


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


@pytest.mark.parametrize("group", [True, False], ids=["to the process group", "to the command"])
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, group: bool) -> None:
    (tmp_path / "lines.jsonl").write_text(f"{changed(slow)}\n" * 50)

    def busy() -> list[int]:
        found = children(child.pid)
        return found if all(map(is_busy, found)) else []

    with started_python("-W", "error", "-m", "equinorm", "check", str(tmp_path)) as child:
        workers = eventually(busy)
        out, err = interrupt(child, group=group)
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


def is_busy(pid: int) -> bool:
    """True once a process has used more time than starting takes: then Python would tell of an interrupt."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") > 0.3
