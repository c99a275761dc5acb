"""The verb and the command ``identify``: answers, statuses, verdicts, and targets that are not fit."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import equinorm
from equinorm.cli.main import main
from equinorm.deciding import decide
from equinorm.identifying import identify
from tests.command import eventually, interrupt, run_command, started_command
from theory.spec.errors import SpecificationError
from theory.spec.layers import parse_layer

Capture = pytest.CaptureFixture[str]
Array = np.ndarray[Any, Any]

MINE = """
import numpy as np

def center(x, axes):
    return x - x.mean(axis=axes, keepdims=True)

def norm(c, axes, eps=1e-5):
    return c / np.sqrt((c * c).mean(axis=axes, keepdims=True) + eps)

def layer_norm_af(x):
    print("called")
    return norm(center(x, 1), (1, 2, 3)) * np.arange(1, 5.0).reshape(4, 1, 1) - 1

def rms_norm(x):
    return norm(x, -1, 1e-6)

def local_response(x):
    return x / (1 + sum(np.roll(x * x, k, axis=1) for k in (-1, 0, 1))) ** 0.75

def needs_8(x):
    if x.shape[1] != 8:
        raise ValueError("8 channels, please")
    return norm(x, 1)

def random(x):
    return x + np.random.normal()

def bad(x):
    return x / 0 * 0

def slow(x):
    while True: pass
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capfd: Capture, *arguments: str) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    status = main(["identify", *arguments])
    shown = capfd.readouterr()
    return status, shown.out, shown.err


def test_the_command_answers_with_one_object(capfd: Capture) -> None:
    status, out, err = run(capfd, "--target", "mine:layer_norm_af", "--json")
    assert status == 0
    assert set(err.split()) == {"called"}  # what the target prints is on standard error
    found = json.loads(out)
    assert found["layer"] == "norm[center=C, scale=CHW, affine=C]"
    assert found["identified"] is True
    assert found["verdicts"] == {"shift": "equivariant", "translation": "not_equivariant"}
    for action in ("shift", "translation"):
        expected = decide("LayerNorm-AF", action=action).document()
        assert found["decisions"][action] == expected
    by_grid = {each["grid"]: each["verdict"] for each in found["decisions"]["translation"]["by_grid"]}
    assert by_grid == {"odd": "equivariant", "even": "not_equivariant"}
    # The verdict is about the function itself: its own values on 5 x 7 say the same.
    assert {each["judgement"] for each in found["measured"].values()} == {"within"}
    assert found["check"]["error"] < found["check"]["bound"]
    assert all(each["evidence"] for each in found["findings"])
    assert {each["part"] for each in found["findings"]} >= {"center", "scale", "affine", "epsilon", "gain", "bias"}
    assert found["version"] == equinorm.__version__


def test_the_text_names_the_layer_the_evidence_and_both_verdicts(capfd: Capture) -> None:
    status, out, _ = run(capfd, "--target", "mine:rms_norm", "--shape", "2x3x4x5")
    assert status == 0
    assert "layer:  norm[scale=W, eps=1/1000000]" in out
    for words in ("evidence", "scale: W", "place of epsilon: inside the root", "shifts: equivariant", "2x3x4x5"):
        assert words in out
    assert "translations: not_equivariant" in out
    assert "translation: off by" in out
    assert ", above the rounding bound" in out


def test_what_cannot_be_told_has_status_3(capfd: Capture) -> None:
    status, out, _ = run(capfd, "--target", "mine:local_response")
    assert status == 3
    assert "layer:  unknown" in out
    assert "what does not fit: " in out
    assert "(groups or a window)" in out
    status, out, _ = run(capfd, "--target", "mine:local_response", "--json")
    found = json.loads(out)
    assert (status, found["identified"], found["layer"], found["verdicts"]) == (3, False, None, {})
    assert found["misfit"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "missing:f"), "there is no module missing"),
        (("--target", "mine"), "target=mine: expected module:function"),
        (("--target", "mine:needs_8"), "8 channels, please; its shape here is 3x4x5x7, choose another with --shape"),
        (("--target", "mine:random"), "it is random"),
        (("--target", "mine:bad"), "it returns NaN"),
        (("--target", "mine:slow", "--timeout", "1"), "an answer within 1 s"),
        (("--target", "mine:rms_norm", "--timeout", "0"), "timeout=0"),
        (("--target", "mine:rms_norm", "--seed", "-1"), "seed=-1"),
        (("--target", "mine:rms_norm", "--shape", "3x4x5"), "shape=3x4x5"),
        (("--target", "mine:rms_norm", "--shape", "1x1x1x1"), "shape=1x1x1x1"),
        (("--target", "mine:rms_norm", "--shape", "99x99x99x99"), "shape=99x99x99x99"),
        ((), "Missing option"),
    ],
)
def test_bad_input_is_one_line_and_status_2(capfd: Capture, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run(capfd, *arguments)
    assert (status, out) == (2, "")
    (line,) = [line for line in err.splitlines() if "RuntimeWarning" not in line and not line.startswith(" ")]
    assert line.startswith("equinorm: error: ")
    assert said in line


def test_the_right_shape_helps(capfd: Capture) -> None:
    status, out, _ = run(capfd, "--target", "mine:needs_8", "--shape", "2x8x3x5", "--json")
    assert (status, json.loads(out)["layer"]) == (0, "norm[scale=C]")


def test_the_command_in_a_process_of_its_own() -> None:
    done = run_command("identify", "--target", "mine:rms_norm", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["layer"] == "norm[scale=W, eps=1/1000000]"


@pytest.mark.skipif(os.name != "posix", reason="process groups are those of POSIX")
def test_ctrl_c_ends_the_target_too(folder: Path) -> None:
    (folder / "stuck.py").write_text(
        "import os\ndef f(x):\n    open('pid', 'w').write(str(os.getpid()))\n    while True: pass"
    )
    pid = folder / "pid"
    with started_command("identify", "--target", "stuck:f") as child:
        eventually(lambda: pid.exists() and pid.read_text())
        stdout, stderr = interrupt(child)
    assert (child.returncode, stdout, stderr) == (130, "", "equinorm: interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def rms(x: Array) -> Array:
    return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-6)


@pytest.mark.parametrize(
    ("function", "layer", "term", "shifts"),
    [
        (rms, "norm[scale=C, eps=1/1000000]", True, "equivariant"),
        (lambda x: x / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5), None, True, "equivariant"),
        (lambda x: x / (np.sqrt((x * x).mean(axis=1, keepdims=True)) + 1e-6), None, True, "equivariant"),
        (lambda x: np.maximum(rms(x), 0), None, False, None),
        (lambda x: x / (abs(x).mean(axis=1, keepdims=True) + 1e-6), None, False, None),
        (lambda x: x * np.arange(1, 8), "norm[affine=W]", True, "not_equivariant"),
    ],
)
def test_functions_are_decided_by_layer_or_by_term(
    function: Callable[[Array], Array], layer: str | None, term: bool, shifts: str | None
) -> None:
    found = identify(function)
    assert found.identified
    assert found.layer == layer
    assert (found.term is not None) is term
    assert found.document()["verdicts"].get("shift") == shifts
    json.dumps(found.document(), allow_nan=False)
    assert found.text()
    if layer is None:
        assert parse_layer(found.document()["nearest_layer"]).scale == frozenset("C")
        assert "outside of the language" in found.text()


def test_a_term_is_decided_with_its_own_epsilon() -> None:
    found = identify(lambda x: x / np.sqrt(x.var(axis=1, keepdims=True) + 0.25))
    assert {each["eps"] for each in found.document()["decisions"].values()} == {"1/4"}


def test_other_seeds_and_shapes_give_the_same_answer() -> None:
    answers = {identify(rms, seed=seed, shape=shape).layer for seed in (1, 2) for shape in ("2x3x5x4", "5x7x3x3")}
    assert answers == {"norm[scale=C, eps=1/1000000]"}


def test_faults_of_functions() -> None:
    with pytest.raises(SpecificationError, match="it takes"):
        identify(lambda x: x.mean(axis=1))
    with pytest.raises(SpecificationError, match="modifies"):
        identify(lambda x: np.multiply(x, 2, out=x))
