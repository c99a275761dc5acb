"""Files and folders that appear complete or not at all, and never in the place of somebody else's."""

from __future__ import annotations

import errno
import os
import re
import signal
import threading
from pathlib import Path

import pytest

from equinorm.files import LOCK, MARKER, interrupts_held, replacing_file, replacing_folder, resumed_folder
from theory.spec.errors import SpecificationError

as_user = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="permissions bind neither root nor other systems"
)


def contents(folder: Path) -> dict[str, str]:
    return {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "table.csv"
    with replacing_file(target) as partial:
        assert (partial.suffix, partial.parent) == (".csv", target.parent)
        partial.write_text("1,2\n")
        assert not target.exists()
    assert contents(tmp_path) == {"deep/table.csv": "1,2\n"}


def test_a_failure_keeps_the_earlier_file(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing_file(target) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert contents(tmp_path) == {"table.csv": "old"}


@pytest.mark.parametrize(("written", "left"), [("", {"table.csv": "old"}), ("new", {"table.csv": "new"})])
def test_an_empty_file_is_not_put_in_place_where_that_is_asked(
    tmp_path: Path, written: str, left: dict[str, str]
) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with replacing_file(target, unless_empty=True) as partial:
        partial.write_text(written)
    assert contents(tmp_path) == left


def test_of_an_empty_file_no_new_folder_is_left(tmp_path: Path) -> None:
    with replacing_file(tmp_path / "deep" / "table.csv", unless_empty=True) as partial:
        assert partial.exists()
    assert not any(tmp_path.iterdir())


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    with replacing_file(link) as partial:
        partial.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_new_file_and_folder_have_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").write_text("")
    with replacing_folder(tmp_path / "ours") as partial, replacing_file(partial / "file") as file:
        file.write_text("")
    for name in (".", "file"):
        assert (tmp_path / "ours" / name).stat().st_mode == (tmp_path / "plain" / name).stat().st_mode


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder", "a folder"),
        ("file/below", "Not a directory|File exists"),
        ("nul\0", "null"),
        ("x" * 300, "File name too long"),
        ("loop", "[Ss]ymlink loop|symbolic links"),
    ],
)
def test_a_path_that_cannot_be_a_file_is_refused_before_any_work(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("somebody's")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SpecificationError, match=reason), replacing_file(tmp_path / name):
        pytest.fail("work began")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="this system has no /dev/null")
def test_a_device_is_not_replaced() -> None:
    with pytest.raises(SpecificationError, match="device"), replacing_file("/dev/null"):
        pytest.fail("work began")


@as_user
@pytest.mark.parametrize("manager", [replacing_file, replacing_folder])
def test_a_protected_place_is_refused_before_any_work(tmp_path: Path, manager: type) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SpecificationError, match="Permission denied"), manager(tmp_path / "out"):
        pytest.fail("work began")


def test_a_folder_appears_when_it_is_complete_and_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    for files in ({"a.txt": "1", "b/c.txt": "2"}, {"d.txt": "3"}):
        with replacing_folder(target) as partial:
            for name, text in files.items():
                (partial / name).parent.mkdir(exist_ok=True)
                (partial / name).write_text(text)
        found = contents(target)
        assert found.pop(MARKER).splitlines() == sorted(files)
        assert found == files
    assert sorted(path.name for path in target.parent.iterdir()) == ["out"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    with replacing_folder(tmp_path) as partial:
        (partial / "a.txt").write_text("1")
    assert set(contents(tmp_path)) == {"a.txt", MARKER}


def test_a_failure_keeps_the_earlier_folder(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with replacing_folder(target) as partial:
        (partial / "a.txt").write_text("1")
    before = contents(tmp_path)
    with pytest.raises(ZeroDivisionError), replacing_folder(target) as partial:
        (partial / "b.txt").write_text("half")
        raise ZeroDivisionError
    assert contents(tmp_path) == before


@pytest.mark.parametrize("manager", [replacing_file, replacing_folder])
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EFBIG])
def test_want_of_room_is_told_with_the_place(tmp_path: Path, manager: type, reason: int) -> None:
    place = tmp_path / "deep" / "out"
    with pytest.raises(SpecificationError) as raised, manager(place):
        raise OSError(reason, os.strerror(reason))
    assert str(raised.value) == (
        f"out={place}: expected room ({os.strerror(reason)}); make room, or choose another place"
    )
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError), manager(place):  # which may be about anything
        (tmp_path / "input").open()


def test_a_failure_leaves_no_new_parents(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "new" / "deep" / "out"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SpecificationError, match="one that equinorm wrote"), replacing_folder(tmp_path):
        pytest.fail("work began")
    assert contents(tmp_path) == {"thesis.tex": "years of work"}


def test_a_file_that_somebody_added_is_not_lost(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with replacing_folder(target) as partial:
        (partial / "a.txt").write_text("1")
    (target / "notes.txt").write_text("mine")
    with pytest.raises(SpecificationError, match=re.escape("not notes.txt")), replacing_folder(target):
        pytest.fail("work began")
    assert contents(target)["notes.txt"] == "mine"


def test_a_file_that_somebody_adds_during_the_work_is_not_lost(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(SpecificationError, match="one that equinorm wrote"), replacing_folder(target):
        target.mkdir()
        (target / "notes.txt").write_text("mine")
    assert contents(tmp_path) == {"out/notes.txt": "mine"}


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("somebody's")
    with pytest.raises(SpecificationError, match="this is a file"), replacing_folder(tmp_path / "out"):
        pytest.fail("work began")
    assert contents(tmp_path) == {"out": "somebody's"}


def test_the_folder_one_is_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    for place in (".", ".."):
        with pytest.raises(SpecificationError, match="you are in this one"), replacing_folder(place):
            pytest.fail("work began")


def test_held_interrupts_come_at_the_end_of_the_block() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        signal.raise_signal(signal.SIGINT)
        steps.append("the block went on")
    assert steps == ["the block went on"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_may_hold_interrupts_too() -> None:
    steps = []

    def work() -> None:
        with interrupts_held():
            steps.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert steps == ["done"]


class Killed(BaseException):
    """What comes in the place of ``kill -9``."""


@pytest.mark.parametrize("before", range(12))
def test_a_workshop_that_is_half_cleared_is_known_again(
    before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, remove = 0, os.unlink

    def killed(*arguments: object, **options: object) -> None:
        nonlocal removed
        if removed == before:
            raise Killed
        removed += 1
        remove(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched, pytest.raises(Killed), resumed_folder(tmp_path / "out", "part-*") as shop:
        for number in range(12):
            (shop.folder / f"part-{number}").touch()
        (shop.start_product() / "result").write_text("complete")
        patched.setattr("os.unlink", killed)
        shop.deliver()
    assert contents(tmp_path / "out") == {MARKER: "result\n", "result": "complete"}
    assert (tmp_path / "out.partial" / LOCK).exists()
    with resumed_folder(tmp_path / "out", "part-*") as shop:
        shop.discard()
    assert os.listdir(tmp_path) == ["out"]
