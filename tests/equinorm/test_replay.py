"""Counterexamples in files: the same bit by bit when read, nothing else accepted, shown again on other libraries."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import equinorm
from equinorm.cli.main import main
from equinorm.questions import Words, read_subject
from equinorm.search.files import KEYS, LARGEST_FILE, SCHEMA, Kept, read_kept, written
from equinorm.search.questions import read_question
from equinorm.search.readings import Reading
from equinorm.search.trials import Trial, trials
from numerics.backends import available_backends
from tests.command import run_command
from theory.spec.errors import SpecificationError

Capture = pytest.CaptureFixture[str]

WORDS = Words(layer="norm[center=BH, scale=C, affine=CW]", scope="per-sample", domain="nyquist-free")
QUESTION = read_question(WORDS, read_subject(WORDS), "layer", str(WORDS.layer), None)
FOUND = equinorm.hunt("LayerNorm-C", grid="3x3")


def kept_text() -> str:
    assert FOUND.search.smallest is not None
    return written(FOUND.question, *FOUND.search.smallest, 7, 12)


def replay(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    status = main(["replay", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def refused(path: Path, text: str) -> str:
    """What is said about a file with this text, in one line."""
    path.write_text(text)
    with pytest.raises(SpecificationError) as error:
        read_kept(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_counterexample_is_found_kept_and_shown_again(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "new folder" / "a.json"
    assert main(["hunt", "--term", "x^2", "--grid", "3x5", "--seed", "4", "--out", str(path)]) == 1
    assert capsys.readouterr().out.endswith(f"kept in {path}\n")
    status, out, err = replay(capsys, str(path))
    assert (status, err) == (1, "")
    assert out.endswith("it shows again\n")
    status, out, _ = replay(capsys, str(path), "--json")
    found = json.loads(out)
    assert (status, found["shows"], found["term"], found["recorded"]["seed"]) == (1, True, "x^2", 4)
    assert found["now"]["moved_then_layer"] == found["recorded"]["moved_then_layer"]
    assert found["recorded"]["versions"] == found["versions"]


@given(trials(QUESTION), st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**70))
def test_what_is_read_is_what_was_written(trial: Trial, value: float, seed: int) -> None:
    reading = Reading(1.0, 1.0, 1.0, 1.0, (0, 1, 2, 1), value, -value)
    text = written(QUESTION, trial, reading, seed, 3)
    assert text.isascii()
    found = _read(text)
    assert np.array_equal(found.trial.x, trial.x)
    assert all(map(np.array_equal, found.trial.parameters, trial.parameters))
    assert (found.trial.displacements, found.trial.eps) == (trial.displacements, trial.eps)
    assert (found.entry, found.moved_then_layer, found.seed) == ((0, 1, 2, 1), value, seed)
    shaped = replace(found.question, shapes=QUESTION.shapes, eps=None)
    assert shaped == QUESTION
    assert written(found.question, found.trial, reading, seed, 3) == text


def _read(text: str) -> Kept:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kept.json"
        path.write_text(text)
        return read_kept(path)


@given(st.integers(0, len(kept_text()) - 2))
def test_what_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(SpecificationError, match="expected a file that `equinorm hunt --out` wrote"):
        _read(kept_text()[:length])


@given(st.data())
def test_a_piece_that_was_replaced_is_named_or_harmless(data: st.DataObject) -> None:
    """Whatever stands in its place: one line, or a counterexample that can be computed."""
    document = json.loads(kept_text())
    key = data.draw(st.sampled_from(sorted(KEYS)))
    junk = st.recursive(
        st.none() | st.booleans() | st.integers(-2, 2**40) | st.floats(allow_nan=False) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    )
    document[key] = data.draw(junk)
    if document == json.loads(kept_text()):
        return
    try:
        _read(json.dumps(document))
    except SpecificationError as error:
        said = str(error)
    else:
        said = key
    assert "\n" not in said
    assert said != key or key in ("seed", "examples", "versions")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"version":1', '"version":2', "version=2, which this equinorm does not read"),
        (SCHEMA, "another", "schema='another' where 'equinorm counterexample' belongs"),
        ('"seed":7', '"seed":7,"seeds":7', "it has the unknown seeds"),
        ('"seed":7,', "", "it misses seed"),
        ('"seed":7', '"seed":7,"seed":7', "a key occurs twice"),
        ('"seed":7', '"seed":NaN', "the number NaN"),
        ("LayerNorm-C", "Layer", "the claim: layer=Layer: expected one of BatchNorm"),
        ('"kind":"layer"', '"kind":"model"', "the claim is not a claim"),
        ('"shape":[2,2,3,3]', '"shape":[2,2,3,4]', "x is not an array of four axes"),
        ('"0x1.0000000000000p+0"', '"1"', "is not an array of four axes"),
        ('"0x1.0000000000000p+0"', '"nan"', "is not an array of four axes"),
        ('"eps":"1/100000"', '"eps":"0"', "eps: eps=0: expected a positive number"),
        ('[["0","1/2"]]', '[["0","1/2","0"]]', "displacements in another shape than (1, 2)"),
        ('[["0","1/2"]]', '[["0",0.5]]', "displacements is not rows of fractions"),
        ('"action":"translation"', '"action":"shift"', "a shift by no whole number of samples"),
        ('"scope":"common"', '"scope":"per-sample"', "displacements in another shape than (2, 2)"),
        ('"shape":[1,2,1,1]', '"shape":[1,1,2,1]', "parameters of shapes [(1, 1, 2, 1)"),
        ('"entry":[0,', '"entry":[2,', "of an array of shape (2, 2, 3, 3)"),
    ],
)
def test_each_edit_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in kept_text()
    assert said in refused(tmp_path / "a.json", kept_text().replace(old, new, 1))


def test_all_faults_are_named_in_one_line(tmp_path: Path) -> None:
    text = kept_text().replace('"eps":"1/100000"', '"eps":"-1"').replace('"scope":"common"', '"scope":"all"')
    said = refused(tmp_path / "a.json", text.replace('"seed":7', '"seed":-7'))
    for part in ("eps=-1", "seed is not a whole number", "scope=all"):
        assert part in said


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "3", '"text"', "[" * 100_000, '{"schema":[]}'])
def test_other_json_is_no_counterexample(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path / "a.json", text).startswith(f"path={tmp_path}/a.json: expected ")


def test_files_that_are_none(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "missing", tmp_path / "bytes"):
        status, out, err = replay(capsys, str(path))
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"equinorm: error: path={path}: expected a file")


@pytest.mark.skipif(os.name != "posix", reason="pipes with names and /dev are those of POSIX")
def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    """In a process of its own, since what goes wrong here goes wrong by not returning."""
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path / "pipe")):
        done = run_command("replay", path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"equinorm: error: path={path}: expected a regular file")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(SpecificationError, match="expected a file of at most"):
        read_kept(tmp_path / "large")


def test_what_does_not_show_again_says_so(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "a.json"
    path.write_text(kept_text().replace('[["0","1/2"]]', '[["0","3"]]'))
    status, out, _ = replay(capsys, str(path))
    assert status == 0
    assert out.splitlines()[-1].startswith("it does not show")
    path.write_text(kept_text().replace("LayerNorm-C", "norm[center=C, scale=CHW, affine=C]"))
    assert not equinorm.replay(path).shows


@pytest.mark.parametrize("name", ["numpy", "torch", "cupy"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_shows_on_every_library(tmp_path: Path, name: str, dtype: str) -> None:
    backend = next(backend for backend in available_backends() if backend.name == name)
    if not backend.usable:
        pytest.skip(backend.reason)
    path = tmp_path / "a.json"
    path.write_text(kept_text())
    found = equinorm.replay(path, backend=name, dtype=dtype)
    assert found.shows
    assert found.reading is not None
    assert found.reading.unit == (2.0**-53 if dtype == "float64" else 2.0**-24)
    assert f"computed on {name}" in found.text()


def test_a_target_is_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    (tmp_path / "replayed.py").write_text("import numpy as np\n\n\ndef clip(x):\n    return np.clip(x, -0.5, 0.5)\n")
    monkeypatch.chdir(tmp_path)
    assert main(["hunt", "--target", "replayed:clip", "--grid", "3x3", "--out", "a.json"]) == 1
    capsys.readouterr()
    status, out, err = replay(capsys, "a.json")
    assert (status, err) == (1, "")
    assert out.endswith("it shows again\n")
    status, out, err = replay(capsys, "a.json", "--backend", "cupy")
    assert (status, out) == (2, "")
    (tmp_path / "replayed.py").write_text("def clip(x):\n    return 2 * x\n")
    assert replay(capsys, "a.json")[0] == 0


def test_a_target_is_given_tensors_where_torch_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    pytest.importorskip("torch", reason="torch, of the extra 'torch', is missing")
    source = "def double(x):\n    return 2 * x if hasattr(x, 'detach') else x.clip(-0.5, 0.5)\n"
    (tmp_path / "either.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    assert main(["hunt", "--target", "either:double", "--grid", "3x3", "--out", "a.json"]) == 1
    capsys.readouterr()
    assert replay(capsys, "a.json")[0] == 1
    status, out, err = replay(capsys, "a.json", "--backend", "torch")
    assert (status, err) == (0, "")
    assert "computed on torch" in out
    assert "on cpu in float64" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dtype", "float16"], "dtype=float16: expected float32 or float64"),
        (["--backend", "jax"], "backend=jax: expected one of numpy, numba, torch, cupy"),
    ],
)
def test_bad_options(tmp_path: Path, arguments: list[str], said: str, capsys: Capture) -> None:
    (tmp_path / "a.json").write_text(kept_text())
    status, out, err = replay(capsys, str(tmp_path / "a.json"), *arguments)
    assert (status, out, err) == (2, "", f"equinorm: error: {said}\n")
