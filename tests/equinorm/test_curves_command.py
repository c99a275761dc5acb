"""The command ``plot``: its streams, its files, inputs of one's own, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import equinorm
from equinorm.cli.errors import Status
from equinorm.cli.main import main
from equinorm.cli.paper import paper
from equinorm.plotting import plot
from equinorm.report.curves.files import names
from tests.command import run_command
from theory.spec.errors import SpecificationError

SMALL = ["--grid", "6x6", "--batch", "1", "--channels", "2"]

Capture = pytest.CaptureFixture[str]


def maps(*shape: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(0)).standard_normal(shape)


def test_the_command_in_a_process_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "charts"
    done = run_command("plot", "--layer", "LayerNorm-AF", *SMALL, "--out", str(out))
    assert done.returncode == Status.DONE
    assert "predicted up to 2; errors within rounding up to 2" in done.stdout
    assert {path.name for path in out.iterdir()} == {*names(), ".equinorm"}
    assert "Warning" not in done.stderr


def test_json_holds_every_number_and_is_what_python_gives(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "charts"
    assert main(["plot", "--term", "x^2", *SMALL, "--json", "--seed", "3", "--out", str(out)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["subject"], found["seed"], found["shape"], found["input"]) == ("x^2", 3, [1, 2, 6, 6], "noise")
    assert found["threshold"] == {"predicted": "1", "first_refuted": "2", "settled": True, "seen": "1"}
    assert found["files"] == list(names())
    again = equinorm.plot(term="x^2", grid="6x6", batch=1, channels=2, seed=3)
    expected = {**found, "out": None, "files": []}
    assert json.loads(json.dumps(again.document())) == expected
    written = json.loads((out / "curves.json").read_text(encoding="utf-8"))
    (subject,) = written["subjects"]
    assert {key: found[key] for key in subject} == subject
    assert set(written["charts"]) == {"spectrum", "displacement", "size", "band"}


def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    read = []
    for name in ("first", "second"):
        plot("InstanceNorm", grid="5x4", batch=1, channels=1, out=tmp_path / name)
        read.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert read[0] == read[1]


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_maps_of_ones_own(suffix: str, dtype: str, tmp_path: Path) -> None:
    values = maps(1, 2, 5, 5).astype(dtype)
    path = tmp_path / f"mine{suffix}"
    {
        ".npy": lambda: np.save(path, values),
        ".npz": lambda: np.savez(path, x=values),
        ".safetensors": lambda: save_file({"x": values}, path),
    }[suffix]()
    found = plot("InstanceNorm", input=path)
    np.testing.assert_array_equal(found.seen.input.given, values.astype(np.float64))
    assert found.seen.input.name == path.name
    assert (found.panel.threshold.said, found.panel.seen) == ("every band", 2)


def test_one_map_is_a_batch_of_one(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", maps(2, 4, 5))
    found = plot("LayerNorm-C", input=tmp_path / "mine.npy", axes="W", dtype="float32")
    assert found.seen.input.given.shape == (1, 2, 4, 5)
    assert found.seen.input.sizes == (2, 3, 4, 5)
    assert found.panel.displacement.above[8]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": "LayerNorm-Z"}, "layer=LayerNorm-Z"),
        ({"layer": None}, "no function"),
        ({"term": "x"}, "--layer and --term"),
        ({"grid": "odd"}, "grid=odd"),
        ({"grid": "600x4"}, "grid=600x4"),
        ({"batch": 0}, "batch=0"),
        ({"batch": 10**6, "grid": "500x500"}, "input of shape"),
        ({"domain": "3"}, "domain=3"),
        ({"domain": "wide"}, "domain=wide"),
        ({"nyquist": "one-sided"}, "nyquist=one-sided"),
        ({"axes": "C"}, "axes=C"),
        ({"scope": "apart"}, "scope=apart"),
        ({"dtype": "float16"}, "dtype=float16"),
        ({"seed": -1}, "seed=-1"),
        ({"input": "missing.npy"}, "input=missing.npy"),
        ({"input": "mine.txt"}, "input=mine.txt"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_any_file_is_written(change, message, tmp_path: Path) -> None:
    given = {"layer": "InstanceNorm", "grid": "6x6", "out": tmp_path / "charts", **change}
    if "input" in change:
        del given["grid"]
    with pytest.raises(SpecificationError, match=message):
        plot(**given)
    assert list(tmp_path.iterdir()) == []


def test_maps_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    bad = maps(1, 2, 3, 4)
    bad[0, 1, 2, 3] = np.nan
    for arrays, message in (
        ({"x": bad}, r"there is nan at \(B, C, H, W\) = \(0, 1, 2, 3\)"),
        ({"x": maps(1, 2, 3, 4), "y": maps(1, 2, 3, 4)}, "holds 2"),
        ({"x": maps(3, 4)}, "3, 4"),
        ({"x": np.ones((1, 1, 2, 2), dtype=int)}, "float"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(SpecificationError, match=message):
            plot("InstanceNorm", input=path)
    with pytest.raises(SpecificationError, match="grid=3x3"):
        plot("InstanceNorm", input=path, grid="3x3")


@pytest.mark.parametrize(("largest", "dtype"), [(1e300, "float64"), (1e300, "float32"), (1e30, "float32")])
def test_numbers_whose_squares_overflow_are_refused(largest: float, dtype: str, tmp_path: Path) -> None:
    np.save(tmp_path / "large.npy", np.full((1, 1, 2, 2), largest))
    with pytest.raises(SpecificationError, match=f"squares are finite in {dtype}"):
        plot("InstanceNorm", input=tmp_path / "large.npy", dtype=dtype, out=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["large.npy"]


def test_one_line_for_bad_input(tmp_path: Path, capsys: Capture) -> None:
    status = main(
        ["plot", "--layer", "InstanceNorm", "--input", str(tmp_path / "no.npy"), "--out", str(tmp_path / "x")]
    )
    shown = capsys.readouterr()
    assert (status, shown.out) == (Status.BAD_INPUT, "")
    assert shown.err.count("\n") == 1


def test_a_report_is_quick_or_full(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match="--quick and --full"):
        paper(tmp_path / "paper", quick=True, full=True)
    assert list(tmp_path.iterdir()) == []
