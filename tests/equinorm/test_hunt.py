"""The verb ``hunt`` and its command: what it finds, what it says when it finds nothing, and what it does not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import equinorm
from equinorm.cli.main import main
from equinorm.hunting import MOST_EXAMPLES, SEED
from proofs.kernel.checking import verdict as refusal
from tests.command import environment, eventually, interrupt, run_command, run_python, started_command
from theory.spec.errors import SpecificationError

Capture = pytest.CaptureFixture[str]


def hunt(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """Status and the two streams."""
    status = main(["hunt", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def answer(capsys: Capture, *arguments: str) -> dict[str, Any]:
    """The one object that ``--json`` prints."""
    status, out, err = hunt(capsys, *arguments, "--json")
    found = json.loads(out)
    assert err == ""
    assert status == int(found["found"])
    assert isinstance(found, dict)
    return found


def test_a_counterexample_is_small_and_exact(capsys: Capture) -> None:
    found = answer(capsys, "--layer", "LayerNorm-C")
    example = found["counterexample"]
    assert example["shape"] == [2, 2, 3, 3]
    flat = [value for sample in example["x"] for channel in sample for row in channel for value in row]
    assert sorted(flat) == [0.0] * 35 + [1.0]
    assert sum(t != "0" for row in example["displacements"] for t in row) == 1
    assert example["confirmed_exactly"] is True
    assert refusal(json.dumps(example["certificate"])) is None
    assert example["moved_then_layer"] != example["layer_then_moved"]
    assert found["largest"]["in_bounds"] >= example["in_bounds"] > 1e6
    assert found["until_found"] <= found["examples"]


def test_none_found_is_all_that_is_said(capsys: Capture) -> None:
    status, out, err = hunt(capsys, "--layer", "LayerNorm-AF", "--grid", "odd", "--max-examples", "40")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "none found in 40 examples"
    found = answer(capsys, "--layer", "LayerNorm-AF", "--grid", "odd", "--max-examples", "40")
    assert (found["counterexample"], found["examples"]) == (None, 40)


def test_what_is_defined_nowhere_has_no_examples(capsys: Capture) -> None:
    status, out, _ = hunt(capsys, "--term", "rsqrt(-x^2)", "--max-examples", "20")
    assert status == 0
    assert out.splitlines()[-1] == "none found in 0 examples"


@pytest.mark.parametrize(
    "question",
    [
        ["--layer", "InstanceNorm"],  # even grids are among those drawn by default
        ["--layer", "BatchNorm", "--grid", "even", "--scope", "per-sample"],
        ["--center", "B", "--action", "shift", "--scope", "per-sample"],
        ["--scale", "BC", "--action", "shift", "--scope", "per-sample", "--grid", "even", "--nyquist", "project"],
        ["--layer", "norm[center=HW, affine=HW, statistics=running]", "--action", "shift"],
        ["--layer", "LayerNorm-C", "--domain", "2", "--grid", "7x7", "--eps", "1"],
        ["--layer", "LayerNorm-C", "--domain", "nyquist-free", "--grid", "even"],
        ["--term", "x^2", "--domain", "1"],
        ["--term", "x*rsqrt(x^2 + eps)", "--grid", "1x3"],
        ["--term", "rsqrt(x)", "--grid", "1x3"],
        ["--term", "par(H)*x", "--action", "shift"],
    ],
    ids=" ".join,
)
def test_what_is_not_equivariant_is_refuted_exactly(question: list[str], capsys: Capture) -> None:
    example = answer(capsys, *question)["counterexample"]
    assert example is not None
    assert example["confirmed_exactly"], example["reason"]


@pytest.mark.parametrize(
    "question",
    [
        ["--layer", "InstanceNorm", "--grid", "odd"],
        ["--layer", "InstanceNorm", "--nyquist", "project"],
        ["--layer", "BatchNorm", "--scope", "per-sample", "--domain", "nyquist-free"],
        ["--term", "mean(x^4, HW)", "--grid", "5x5", "--domain", "1"],
        ["--term", "rsqrt(x^2 + 1)^2*(x^2 + 1)"],
        ["--layer", "norm[scale=empty, center=empty, affine=C]"],
    ],
    ids=" ".join,
)
def test_what_is_equivariant_is_not_refuted(question: list[str], capsys: Capture) -> None:
    found = answer(capsys, *question, "--max-examples", "60")
    assert found["counterexample"] is None
    assert found["examples"] == 60


def test_the_published_policy_is_measured(capsys: Capture) -> None:
    example = answer(capsys, "--layer", "LayerNorm-AF", "--nyquist", "one-sided", "--grid", "4x4")["counterexample"]
    assert not example["confirmed_exactly"]
    assert "one-sided" in example["reason"]
    found = answer(capsys, "--layer", "LayerNorm-C", "--nyquist", "one-sided", "--grid", "3x4")
    assert found["counterexample"]["confirmed_exactly"]  # on odd rows all policies with cos(pi t) agree


def test_the_same_seed_gives_the_same_answer_and_another_need_not() -> None:
    first, again, other = (equinorm.hunt("LayerNorm-CHW", action="shift", seed=seed) for seed in (1, 1, 2))
    assert first.document() == again.document()
    assert first.found
    assert other.found
    assert other.search.largest is not None
    assert first.search.largest is not None
    assert first.search.largest[1] != other.search.largest[1]


def test_epsilon_is_the_one_that_was_given() -> None:
    for found in (equinorm.hunt("LayerNorm-C", eps="1/7"), equinorm.hunt("norm[scale=C, eps=1/7]")):
        assert found.search.smallest is not None
        assert str(found.search.smallest[0].eps) == "1/7"


def test_a_large_array_is_told_by_its_entries(capsys: Capture) -> None:
    _, out, _ = hunt(capsys, "--layer", "LayerNorm-C", "--grid", "32x32", "--batch", "1", "--channels", "2")
    assert "x (1 x 2 x 32 x 32): 1 at [0,0,0,0]; else 0" in out
    assert "confirmed exactly" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no function: expected one of --layer, --term, --target"),
        (["--layer", "LayerNorm"], "layer=LayerNorm: expected one of BatchNorm"),
        (["--layer", "BatchNorm", "--term", "x"], "--layer and --term: expected one of --layer, --term, --target"),
        (
            ["--layer", "BatchNorm", "--target", "a:b"],
            "--target and --layer: expected one of --layer, --term, --target",
        ),
        (["--target", "a:b", "--eps", "1"], "eps=1: expected no --eps beside --target; nothing is known"),
        (
            ["--target", "a:b", "--statistics", "running"],
            "statistics=running: expected no --statistics beside --target",
        ),
        (["--center", "C", "--scale", "C", "--term", "x"], "--term and --center: expected one of --layer, --term"),
        (["--target", "numpy"], "target=numpy: expected module:function"),
        (["--layer", "BatchNorm", "--max-examples", "0"], "max_examples=0: expected a whole number from 1"),
        (["--layer", "BatchNorm", "--max-examples", "-5"], "max_examples=-5: expected a whole number from 1"),
        (["--layer", "BatchNorm", "--max-examples", str(MOST_EXAMPLES + 1)], "max_examples=1000001: expected"),
        (["--layer", "BatchNorm", "--seed", "-1"], "seed=-1: expected a whole number from 0 up"),
        (["--layer", "BatchNorm", "--timeout", "0"], "timeout=0: expected a positive, finite number of seconds"),
        (["--layer", "BatchNorm", "--timeout", "nan"], "timeout=nan: expected a positive, finite number of seconds"),
        (["--layer", "BatchNorm", "--timeout", "inf"], "timeout=inf: expected a positive, finite number of seconds"),
        (["--layer", "BatchNorm", "--grid", "1000000000x3"], "grid=1000000000x3: expected sizes from 1 to"),
        (["--layer", "BatchNorm", "--domain", "99999999999"], "domain=99999999999: expected a band K with 2K <"),
        (["--layer", "BatchNorm", "--grid", "3x3", "--domain", "2"], "domain=2: expected a band K with 2K < H=3"),
        (["--layer", "BatchNorm", "--grid", "512x512", "--channels", "9000"], "arrays of shape (2, 9000, 512, 512)"),
        (["--layer", "BatchNorm", "--axes", "C"], "axes=C: expected H, W or HW"),
        (["--layer", "BatchNorm", "--nyquist", "none"], "nyquist=none: expected one of symmetric"),
        (["--term", "x +"], "term=x +: expected"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "nothing",
)
def test_bad_input_is_one_line(arguments: list[str], said: str, capsys: Capture) -> None:
    status, out, err = hunt(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"equinorm: error: {said}")


def test_a_place_that_cannot_be_written_is_found_before_the_search(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("")
    status, out, err = hunt(capsys, "--layer", "LayerNorm-C", "--out", str(tmp_path / "file" / "a.json"))
    assert (status, out) == (2, "")
    assert err.startswith("equinorm: error: out=")


def test_where_nothing_is_found_no_file_is_written(tmp_path: Path, capsys: Capture) -> None:
    old = tmp_path / "old.json"
    old.write_text("kept")
    for out in (tmp_path / "new" / "a.json", old):
        status, _, err = hunt(
            capsys, "--layer", "InstanceNorm", "--grid", "3x3", "--max-examples", "5", "--out", str(out)
        )
        assert (status, err) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    assert old.read_text() == "kept"


def test_the_hunt_does_not_ask_the_calculus() -> None:
    script = (
        "import sys, equinorm\n"
        "found = equinorm.hunt('LayerNorm-C', grid='3x3')\n"
        "assert found.confirmation.exact\n"
        "assert not equinorm.hunt(term='x^3', axes='H', grid='5x5', domain='0', max_examples=9).found\n"
        "names = ('theory.calculus', 'theory.decision', 'theory.derivations', 'proofs.emit', 'sympy')\n"
        "print([name for name in sys.modules if name.startswith(names)])"
    )
    done = run_python("-c", script)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_command_leaves_nothing_behind_where_the_user_stands(tmp_path: Path) -> None:
    question = ["--layer", "LayerNorm-AF", "--grid", "3x3", "--max-examples", "30"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "equinorm", "hunt", *question],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


DRAWN = """
import hashlib, sys
sys.path.insert(0, {folder!r})
{loaded}
import equinorm
from equinorm.search import engine
digest, read = hashlib.sha256(), engine.read

def recorded(question, trial, **options):
    digest.update(repr((trial.x.tolist(), trial.displacements, trial.eps, trial.structure)).encode())
    return read(question, trial, **options)

engine.read = recorded
equinorm.hunt("InstanceNorm", grid="odd", max_examples=30)
print(digest.hexdigest())
"""
"""Prints what all trials of a hunt come to."""


def test_what_is_drawn_depends_on_the_seed_and_not_on_what_is_loaded(tmp_path: Path) -> None:
    """Hypothesis draws numbers and bytes that it finds in modules of the user's own, unless they cannot be meant."""
    numbers, texts = list(range(101, 900)), [bytes([n]) * n for n in range(1, 51)]
    (tmp_path / "constants.py").write_text(f"NUMBERS = {numbers}\nTEXTS = {texts}\n")
    found = [
        run_python("-c", DRAWN.format(folder=str(tmp_path), loaded=loaded), HYPOTHESIS_STORAGE_DIRECTORY=str(tmp_path))
        for loaded in ("", "import constants")
    ]
    assert [done.stderr for done in found] == ["", ""]
    assert found[0].stdout == found[1].stdout
    assert len(found[0].stdout) == 65


def test_an_interrupt_ends_the_search(tmp_path: Path) -> None:
    place = tmp_path / "sub" / "a.json"
    question = ["--layer", "InstanceNorm", "--grid", "odd", "--max-examples", "1000000", "--out", str(place)]
    with started_command("hunt", *question) as child:
        eventually(place.parent.exists)
        out, err = interrupt(child)
    assert (child.returncode, out) == (130, "")
    assert err.endswith("equinorm: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_before_the_first_example_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hypothesis.core.ConjectureRunner", interrupted)
    with pytest.raises(KeyboardInterrupt):
        equinorm.hunt("InstanceNorm", grid="3x3", max_examples=5)


def test_the_help_says_which_seed_is_taken(capsys: Capture) -> None:
    assert main(["hunt", "--help"]) == 0
    assert f"Default: {SEED}" in " ".join(capsys.readouterr().out.split())


def test_help_and_a_process_of_its_own() -> None:
    done = run_command("hunt", "--term", "x^2", "--grid", "3x3", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["counterexample"]["confirmed_exactly"] is True


def test_the_verb_refuses_as_the_command_does() -> None:
    with pytest.raises(SpecificationError, match="max_examples=0"):
        equinorm.hunt("LayerNorm-C", max_examples=0)
