"""Faults of the surroundings: each is one line and status 2, leaves nothing half-written, and the work goes on."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import equinorm
from equinorm.experiment import unit
from equinorm.files import write_durably
from numerics.experiment.maps import measure_map
from numerics.experiment.passes import ArrayPasses
from numerics.resnet.initialization import he_state
from tests.command import environment
from tests.equinorm.runs import CROP, arguments, contents, draw_pictures, measure_command, parts, undisturbed
from theory.spec.errors import SpecificationError


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("faults") / "pictures", 4)


@pytest.fixture(scope="module")
def expected(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return undisturbed(pictures, tmp_path_factory.mktemp("expected") / "out", batch_size=1)


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from equinorm.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(("limit", "kept"), [(5_000, 0), (60_000, 4)])
def test_a_full_disk_is_one_line_and_the_parts_stay(
    limit: int, kept: int, pictures: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """The smaller limit stops the manifest, the larger one the joined table only."""
    pytest.importorskip("resource", reason="limits are POSIX's")
    assert len(expected["results.csv"]) > 60_000
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIMITED, str(limit), *arguments(pictures, out, batch_size=1)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("measuring: ")]
    assert (done.returncode, done.stdout) == (2, "")
    reason = os.strerror(errno.EFBIG)
    assert lines[-1] == (
        f"equinorm: error: out={out}: expected a place that can be written ({reason}); "
        "make room; the same command again goes on"
    )
    assert len(lines) == 1 + (kept > 0)
    assert len(parts(out)) == kept
    assert [path.name for path in tmp_path.iterdir()] == (["out.partial"] if kept else [])
    again = measure_command(pictures, out, batch_size=1)
    assert again.returncode == 0, again.stderr
    assert (f"{kept} of 4 batches were done before" in again.stderr) == (kept > 0)
    assert contents(out) == expected


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_file_that_cannot_be_completed_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "part.unfinished").symlink_to("/dev/full")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_durably(tmp_path / "part", b"bytes")
    assert list(tmp_path.iterdir()) == []


class Removed:
    """Takes ``path`` away when a batch is kept."""

    def __init__(self, path: Path, out: Path) -> None:
        self.path, self.out = path, out
        self.elsewhere = path.with_name(f".{path.name}")

    def __call__(self, _: object) -> None:
        if parts(self.out) and self.path.exists():
            self.path.rename(self.elsewhere)


def test_a_picture_removed_meanwhile_ends_the_run_and_is_named(tmp_path: Path) -> None:
    pictures, out, heard = draw_pictures(tmp_path / "pictures", 4), tmp_path / "out", []
    remover = Removed(pictures / "003.png", out)
    with pytest.raises(SpecificationError) as raised:
        equinorm.measure([pictures], crop=CROP, batch_size=1, out=out, progress=remover, notice=heard.append)
    assert str(raised.value) == (
        f"images={pictures / '003.png'}: expected a picture that stays as it is while the run lasts; "
        "it was removed; put it back and start the same command again"
    )
    assert heard == [f"3 of 4 batches are kept in {tmp_path / 'out.partial'}; the same command goes on"]
    remover.elsewhere.rename(pictures / "003.png")
    found = equinorm.measure([pictures], crop=CROP, batch_size=1, out=out, notice=heard.append)
    assert heard[1] == "3 of 4 batches were done before"
    assert found.facts["rows"] == 4 * 20 * 11 * 2


def test_a_file_that_was_never_a_picture_is_skipped(tmp_path: Path) -> None:
    pictures = draw_pictures(tmp_path / "pictures", 1)
    (pictures / "link.png").symlink_to(tmp_path / "nowhere")
    found = equinorm.measure([pictures], crop=CROP)
    assert [Path(picture["name"]).name for picture in found.facts["images"]["skipped"]] == ["link.png"]


def weights(path: Path, **changes: float) -> Path:
    """He's weights with some tensors multiplied."""
    state = he_state(0)
    np.savez(path, **{name: value * changes.get(name.replace(".", "_"), 1.0) for name, value in state.items()})
    return path


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_infinite_weights_are_refused_by_name(value: float, pictures: Path, tmp_path: Path) -> None:
    state = he_state(0)
    state["layer1.0.conv1.weight"][0, 0, 0, 0] = value
    np.savez(tmp_path / "weights.npz", **state)
    done = measure_command(pictures, tmp_path / "out", "--weights", str(tmp_path / "weights.npz"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "layer1.0.conv1.weight" in done.stderr


def test_maps_that_overflow_are_refused_by_position_and_nothing_stays(pictures: Path, tmp_path: Path) -> None:
    weights(tmp_path / "weights.npz", layer1_0_conv1_weight=1e37)
    done = measure_command(pictures, tmp_path / "out", "--weights", str(tmp_path / "weights.npz"))
    lines = [line for line in done.stderr.splitlines() if not line.startswith("measuring: ")]
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.partition(": expected")[0] for line in lines] == ["equinorm: error: map=layer1.0.bn1"]
    assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]


def test_channels_without_variance_have_no_error_and_spoil_no_mean(pictures: Path, tmp_path: Path) -> None:
    state = he_state(0)
    for name in ("conv1.weight", "layer3.1.conv2.weight"):
        state[name][::2] = 0
    state["layer4.0.conv1.weight"][:] = 0  # a map of zeros
    np.savez(tmp_path / "weights.npz", **state)
    done = measure_command(pictures, tmp_path / "out", "--weights", str(tmp_path / "weights.npz"), "--json")
    assert done.returncode == 0, done.stderr
    for group in json.loads(done.stdout)["summary"]:
        for metric in ("cosine_error", "relative_l2", "relative_maximum"):
            assert group[metric]["mean"] is not None
    rows = [
        row
        for row in equinorm.measure([pictures], crop=CROP, weights=tmp_path / "weights.npz").table.to_pylist()
        if row["position"] == "layer4.0.bn1" and row["initialization"] == "default"
    ]
    assert rows
    assert {row["relative_l2"] for row in rows} == {0.0}


class OutOfMemoryError(MemoryError):
    """As CuPy and PyTorch call theirs."""


def test_a_device_without_memory_gets_one_map_at_a_time(
    pictures: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory while the network's own maps are there too, it is tried again without them."""
    failed: list[str] = []

    def measure(x: Any, source: Any, *rest: Any, **more: Any) -> Any:
        if source.position.startswith("layer2") and source.position not in failed and len(failed) < 3:
            failed.append(source.position)
            raise OutOfMemoryError("Out of memory allocating 1,073,741,824 bytes")
        return measure_map(x, source, *rest, **more)

    monkeypatch.setattr(unit, "measure_map", measure)
    monkeypatch.setattr(unit, "batch_norm_inputs", counted := Counted(unit.batch_norm_inputs))
    failed += ["none", "none"]
    equinorm.measure([pictures], crop=CROP, batch_size=1, out=tmp_path / "out")
    assert failed[2:] == ["layer2.0.bn1"]
    assert counted.calls == 4 + 1
    assert contents(tmp_path / "out") == expected


def test_a_device_without_memory_gets_fewer_samples_at_a_time(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest: list[int] = []

    class Short(ArrayPasses):
        """Has memory for one sample."""

        def moments(self, x: Any, *rest: Any, **more: Any) -> Any:
            if len(x) > 1:
                raise OutOfMemoryError("Out of memory allocating 1,073,741,824 bytes")
            largest.append(len(x))
            return super().moments(x, *rest, **more)

    equinorm.measure([pictures], crop=CROP, batch_size=3, out=tmp_path / "whole")
    monkeypatch.setattr(unit, "passes_of", lambda _: Short())
    equinorm.measure([pictures], crop=CROP, batch_size=3, out=tmp_path / "out")
    assert set(largest) == {1}
    rows, whole = (
        list(csv.reader((tmp_path / name / "results.csv").read_text().splitlines())) for name in ("out", "whole")
    )
    assert len(rows) == len(whole) > 1000
    for row, other in zip(rows, whole, strict=True):
        for value, expected in zip(row, other, strict=True):
            if value != expected:  # sums of other lengths round otherwise
                assert math.isclose(float(value), float(expected), rel_tol=1e-2, abs_tol=1e-6)


class Counted:
    """A function that knows how often it was called."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *given: Any) -> Any:
        self.calls += 1
        return self.function(*given)


def test_a_device_that_stays_without_memory_is_one_line_and_the_parts_stay(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def measure(x: Any, source: Any, *rest: Any, **more: Any) -> Any:
        if source.batch == 2:
            raise OutOfMemoryError("Out of memory allocating 1,073,741,824 bytes")
        return measure_map(x, source, *rest, **more)

    monkeypatch.setattr(unit, "measure_map", measure)
    with pytest.raises(SpecificationError) as raised:
        equinorm.measure([pictures], crop=CROP, batch_size=1, out=tmp_path / "out", notice=heard.append)
    assert str(raised.value).startswith("batch-size=1: expected maps at crop 33 that fit into the memory of numpy ")
    assert str(raised.value).endswith("; choose a smaller batch-size")
    assert len(parts(tmp_path / "out")) == 2
    assert heard[0].startswith("2 of 4 batches are kept")


def test_another_error_is_not_taken_for_want_of_memory(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*_: Any, **more: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(unit, "measure_map", measure)
    with pytest.raises(ZeroDivisionError):
        equinorm.measure([pictures], crop=CROP)


def test_a_part_that_vanishes_while_all_are_joined_is_one_line(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def listen(_: object) -> None:
        found = parts(out)
        if len(found) == 3:
            found[0].unlink(missing_ok=True)

    with pytest.raises(SpecificationError, match="parts that nobody changes; start the same command again"):
        equinorm.measure([pictures], crop=CROP, batch_size=1, out=out, progress=listen)
    assert not out.exists()
    assert equinorm.measure([pictures], crop=CROP, batch_size=1, out=out).facts["rows"] == 4 * 20 * 11 * 2
