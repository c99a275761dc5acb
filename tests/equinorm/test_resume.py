"""A run that ends at any moment goes on where it was, gives the same bytes, and mixes nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import equinorm
from equinorm.experiment.parts import MANIFEST
from equinorm.files import LOCK, UNFINISHED
from numerics.resnet.initialization import he_state
from tests.command import eventually, interrupt, started_command
from tests.equinorm.runs import CROP, arguments, contents, draw_pictures, measure_command, parts, undisturbed
from theory.spec.errors import SpecificationError

KILLS = 100 if settings().max_examples > 1000 else 5
BATCHES = 4


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("resume") / "pictures", 2 * BATCHES)


@pytest.fixture(scope="module")
def expected(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return undisturbed(pictures, tmp_path_factory.mktemp("expected") / "out", batch_size=2)


MOMENTS = ("work", "start", "work", "join", "work")
MOMENT_LENGTHS = {"start": 1.5, "work": 0.3, "join": 0.03}
"""Seconds after the beginning of each within which the kill comes, at random."""


def reached(moment: str, before: int, out: Path) -> bool:
    """Whether the run has come to the moment: its start, a part more than ``before``, or the joining."""
    if moment == "join":
        return (out.with_name("out.partial") / "complete").exists()
    return moment == "start" or len(parts(out)) > before


class Stopped(Exception):
    """Stands for whatever ends a run."""


def stop_after(batches: int, pictures: Path, out: Path, **options: int) -> None:
    """Run until so many batches are kept."""

    def listen(_: object) -> None:
        if len(parts(out)) == batches:
            raise Stopped

    with pytest.raises(Stopped):
        equinorm.measure([pictures], **{"crop": CROP, "batch_size": 2, **options}, out=out, progress=listen)
    assert len(parts(out)) == batches
    assert not out.exists()


@pytest.fixture(scope="module")
def stopped(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where three of four batches are kept."""
    out = tmp_path_factory.mktemp("stopped") / "out"
    stop_after(3, pictures, out)
    return out.with_name("out.partial")


@pytest.fixture
def out(stopped: Path, tmp_path: Path) -> Path:
    """The same, for one test."""
    shutil.copytree(stopped, tmp_path / "out.partial")
    return tmp_path / "out"


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_killed_at_random_moments_it_ends_with_the_same_bytes(
    pictures: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    out, draw, kills, kept = tmp_path / "out", random.Random(20805), 0, set()
    while kills < KILLS:
        moment, before = MOMENTS[kills % len(MOMENTS)], len(parts(out))
        with started_command(*arguments(pictures, out)) as child:
            while child.poll() is None and not reached(moment, before, out):
                time.sleep(0.001)
            time.sleep(draw.uniform(0, MOMENT_LENGTHS[moment]))
            child.send_signal(signal.SIGKILL)
            child.communicate()
        assert child.returncode in (-signal.SIGKILL, 0)
        if child.returncode:
            kills += 1
            kept.add(len(parts(out)))
            assert not out.exists() or contents(out) == expected
        if out.exists():
            assert contents(out) == expected
            if child.returncode == 0:
                assert not out.with_name("out.partial").exists()
                shutil.rmtree(out)
    assert len(kept) > 1
    done = measure_command(pictures, out)
    assert done.returncode == 0, done.stderr
    assert contents(out) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(os.name != "posix", reason="process groups are those of POSIX")
@pytest.mark.parametrize("more", [(), ("--workers", "2")])
def test_ctrl_c_keeps_what_was_done(
    more: tuple[str, ...], pictures: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with started_command(*arguments(pictures, out, *more)) as child:
        eventually(lambda: parts(out) or child.poll() is not None)
        stdout, stderr = interrupt(child)
    lines = [line for line in stderr.splitlines() if not line.startswith("measuring: ")]
    assert (child.returncode, stdout) == (130, "")
    assert lines == [
        f"{len(parts(out))} of 4 batches are kept in {out.with_name('out.partial')}; the same command goes on",
        "equinorm: interrupted",
    ]
    assert measure_command(pictures, out).returncode == 0
    assert contents(out) == expected


def test_what_was_done_is_not_done_again(
    pictures: Path, expected: dict[str, bytes], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    measured = []
    original = equinorm.experiment.workforce.measure_unit  # type: ignore[attr-defined]

    def count(setting, backend, unit, *rest):  # type: ignore[no-untyped-def]
        measured.append(unit.number)
        return original(setting, backend, unit, *rest)

    monkeypatch.setattr("equinorm.experiment.workforce.measure_unit", count)
    monkeypatch.setattr("equinorm.experiment.run.calibrated", lambda *_: pytest.fail("calibrated again"))
    equinorm.measure([pictures], crop=CROP, batch_size=2, out=out, notice=heard.append)
    assert measured == [3]
    assert heard == ["3 of 4 batches were done before"]
    assert contents(out) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": 34}, "crop (33, now 34)"),
        ({"seed": 1}, "seed (0, now 1)"),
        ({"batch_size": 1}, "batch-size (2, now 1)"),
        ({"dtype": "float64"}, "dtype (float32, now float64)"),
        ({"nyquist": "symmetric"}, "nyquist (one-sided, now symmetric)"),
    ],
)
def test_another_option_is_refused_and_named(
    options: dict[str, object], message: str, pictures: Path, out: Path
) -> None:
    kept = {path.name: path.read_bytes() for path in out.with_name("out.partial").iterdir()}
    said: list[str] = []
    with pytest.raises(SpecificationError) as raised:
        equinorm.measure([pictures], **{"crop": CROP, "batch_size": 2, **options}, out=out, notice=said.append)  # type: ignore[arg-type]
    assert f"what differs: {message}; give that command again, remove that folder" in str(raised.value)
    assert said == []  # not that this command goes on with the parts of the other
    assert "\n" not in str(raised.value)
    assert {path.name: path.read_bytes() for path in out.with_name("out.partial").iterdir()} == kept


@pytest.mark.parametrize("change", ["more", "larger", "touched", "renamed"])
def test_changed_pictures_are_refused_and_named(change: str, tmp_path: Path) -> None:
    pictures, out = draw_pictures(tmp_path / "pictures", 3), tmp_path / "out"
    stop_after(1, pictures, out)
    first = pictures / "000.png"
    if change == "more":
        (pictures / "003.png").write_bytes(first.read_bytes())
    elif change == "larger":
        first.write_bytes(first.read_bytes() + b"\0")
    elif change == "renamed":
        first.rename(pictures / "0.png")
    else:
        os.utime(first, ns=(0, 0))
    expected = {
        "more": "pictures: number (3, now 4)",
        "larger": "pictures: names and sizes",
        "renamed": "pictures: names and sizes",
        "touched": "pictures: times of their last changes",
    }
    with pytest.raises(SpecificationError) as raised:
        equinorm.measure([pictures], crop=CROP, batch_size=2, out=out)
    assert f"what differs: {expected[change]}" in str(raised.value)


def test_other_weights_are_refused_and_named(pictures: Path, out: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.npz"
    np.savez(weights, **he_state(3))
    with pytest.raises(SpecificationError, match=r"what differs: weights: kind \(he, now file\)"):
        equinorm.measure([pictures], crop=CROP, batch_size=2, weights=weights, out=out)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_part_is_measured_again_and_named(
    damage: str, pictures: Path, expected: dict[str, bytes], out: Path
) -> None:
    heard: list[str] = []
    second = parts(out)[1]
    data = second.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 16
    other = parts(out)[0].read_bytes()
    second.write_bytes({"cut": data[:-7], "flipped": bytes(flipped), "empty": b"", "other": other}[damage])
    equinorm.measure([pictures], crop=CROP, batch_size=2, out=out, notice=heard.append)
    assert heard[0].startswith(f"{second.name} was damaged")
    assert heard[1] == "2 of 4 batches were done before"
    assert contents(out) == expected


def test_a_damaged_manifest_and_leftovers_of_a_kill_cost_no_batch(
    pictures: Path, expected: dict[str, bytes], out: Path
) -> None:
    heard: list[str] = []
    folder = out.with_name("out.partial")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["question"]["options"]["seed"] = 1
    (folder / MANIFEST).write_text(json.dumps(manifest))
    (folder / f"batch-00000003-0.parquet{UNFINISHED}").write_bytes(b"PAR1")
    (folder / "complete").mkdir()
    (folder / "complete" / "results.parquet").write_bytes(b"PAR1")
    equinorm.measure([pictures], crop=CROP, batch_size=2, out=out, notice=heard.append)
    assert heard == [f"{MANIFEST} was damaged: written again", "3 of 4 batches were done before"]
    assert contents(out) == expected
    assert not folder.exists()


def test_a_complete_result_is_left_as_it_is_unless_something_is_newer(
    expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, out, heard = draw_pictures(tmp_path / "pictures", 2), tmp_path / "out", []

    def again(**options: int) -> list[str]:
        heard.clear()
        equinorm.measure([pictures], **{"crop": CROP, "batch_size": 2, **options}, out=out, notice=heard.append)
        return list(heard)

    assert again() == []
    first = contents(out)
    assert "already" in again()[0]
    assert contents(out) == first
    (out / "results.csv").write_bytes(first["results.csv"][:-1])
    assert again() == []
    assert contents(out) == first
    now = time.time() + 5
    os.utime(pictures / "000.png", (now, now))
    assert again() == []
    assert again(seed=1) == []
    assert contents(out) != first


@pytest.mark.parametrize("cleared", ["nothing", "manifest"])
def test_a_kill_after_the_delivery_leaves_nothing_to_do(
    cleared: str, pictures: Path, expected: dict[str, bytes], out: Path
) -> None:
    folder, heard = out.with_name("out.partial"), []
    shutil.copytree(folder, kept := out.with_name("kept"))
    equinorm.measure([pictures], crop=CROP, batch_size=2, out=out)
    shutil.copytree(kept, folder)
    if cleared == "manifest":
        (folder / MANIFEST).unlink()
    equinorm.measure([pictures], crop=CROP, batch_size=2, out=out, notice=heard.append)
    assert "already" in heard[0]
    assert not folder.exists()
    assert contents(out) == expected


def test_a_result_among_the_pictures_is_none_of_them(tmp_path: Path) -> None:
    pictures = draw_pictures(tmp_path / "pictures", 3)
    expected = undisturbed(pictures, tmp_path / "out", batch_size=2)
    out = pictures / "out"
    stop_after(1, pictures, out)
    equinorm.measure([pictures], crop=CROP, batch_size=2, out=out)
    assert contents(out) == expected
    heard: list[str] = []
    equinorm.measure([pictures], crop=CROP, batch_size=2, out=out, notice=heard.append)
    assert heard == [f"{out} holds the complete result of this command already; remove it to measure again"]


def test_parts_of_another_command_survive_a_look_at_the_result(pictures: Path, out: Path) -> None:
    folder = out.with_name("out.partial")
    shutil.copytree(folder, kept := out.with_name("kept"))
    shutil.rmtree(folder)
    equinorm.measure([pictures], crop=CROP, batch_size=2, seed=5, out=out)
    shutil.copytree(kept, folder)
    before = parts(out)
    equinorm.measure([pictures], crop=CROP, batch_size=2, seed=5, out=out)
    assert parts(out) == before != []


def test_two_runs_do_not_write_the_same_folder(pictures: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="locks are POSIX's")
    out = tmp_path / "out"

    def listen(_: object) -> None:
        with pytest.raises(SpecificationError, match="no other run"):
            equinorm.measure([pictures], crop=CROP, batch_size=2, out=out)
        raise Stopped

    with pytest.raises(Stopped):
        equinorm.measure([pictures], crop=CROP, batch_size=2, out=out, progress=listen)


def test_a_stranger_called_partial_is_left_alone(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out.partial"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(SpecificationError, match="choose another name"):
        equinorm.measure([pictures], crop=CROP, out=tmp_path / "out")
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


def test_an_exchange_that_was_cut_in_two_is_undone(pictures: Path, tmp_path: Path) -> None:
    """Between the two renames of an exchange a kill leaves neither the old nor the new result in place."""
    folder = tmp_path / "out.partial"
    (folder / "earlier").mkdir(parents=True)
    (folder / LOCK).touch()
    (folder / "earlier" / "old.txt").write_text("a result")
    with pytest.raises(SpecificationError, match="seed"):
        equinorm.measure([pictures], crop=CROP, out=tmp_path / "out", weights="missing.npz", seed=-1)
    with pytest.raises(SpecificationError, match="weights"):
        equinorm.measure([pictures], crop=CROP, out=tmp_path / "out", weights="missing.npz")
    assert (tmp_path / "out" / "old.txt").read_text() == "a result"
