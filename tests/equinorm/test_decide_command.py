"""The command ``equinorm decide`` from its words to its two streams and its status."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import equinorm
from equinorm.cli.main import main
from tests.command import run_command
from tests.equinorm.test_report_tables import balanced, compiles
from tests.proofs.replay import differs
from theory.spec.catalogue import CATALOGUE
from theory.spec.errors import SpecificationError
from theory.spec.syntax import parse

KEYS = [
    "layer",
    "term",
    "action",
    "scope",
    "axes",
    "grid",
    "batch",
    "channels",
    "domain",
    "nyquist",
    "verdict",
    "evidence",
    "reason",
    "version",
]
"""What the object holds at least."""

OPEN = ["--term", "rsqrt(x^2 + 1)^2*(x^2 + 1)", "--grid", "1x3", "--batch", "1", "--channels", "1"]
"""It is 1, but that takes algebra of roots, of which the rules know nothing."""

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    status = main(["decide", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def answer(capsys: Capture, *arguments: str) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    status, out, err = run(capsys, *arguments, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_the_command_in_a_process_of_its_own() -> None:
    done = run_command("decide", "--layer", "LayerNorm-AF", "--grid", "5x7", "--json", "--expect", "equivariant")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["verdict"] == "equivariant"
    done = run_command("decide", "--layer", "BatchNorm", "--nyquist", "one-sided")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("equinorm: error: nyquist=one-sided")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_json_of_the_published_layers(name: str, capsys: Capture) -> None:
    found = answer(capsys, "--layer", name, "--grid", "5x7", "--batch", "2", "--channels", "3", "--scope", "per-sample")
    assert set(KEYS) <= set(found)
    spelled = {key: found[key] for key in ("action", "scope", "axes", "grid", "batch", "channels", "domain", "nyquist")}
    assert spelled == {
        "action": "translation",
        "scope": "per-sample",
        "axes": "HW",
        "grid": "5x7",
        "batch": 2,
        "channels": 3,
        "domain": "all",
        "nyquist": "symmetric",
    }
    assert found["version"] == equinorm.__version__
    assert found["verdict"] in ("equivariant", "not_equivariant")
    assert found["evidence"]["kind"] == ("proof" if found["verdict"] == "equivariant" else "counterexample")
    assert found["evidence"]["content"]["grid"] == "5x7"
    assert found["reason"]
    # What was printed can be asked again.
    again = answer(capsys, "--term", found["term"], "--grid", "5x7", "--batch", "2", "--channels", "3")
    assert again["layer"] is None
    assert again["term"] == found["term"]
    layer = answer(capsys, "--layer", found["layer"], "--grid", "5x7", "--scope", "per-sample")
    assert layer["verdict"] == found["verdict"]


def test_json_says_what_was_left_out(capsys: Capture) -> None:
    found = answer(capsys, "--layer", "InstanceNorm")
    assert (found["grid"], found["batch"], found["channels"]) == (None, None, None)
    assert Fraction(found["eps"]) > 0


def test_a_counterexample_can_be_replayed_from_the_printed_object(capsys: Capture) -> None:
    found = answer(capsys, "--layer", "LayerNorm-C", "--grid", "3x5", "--batch", "1", "--channels", "2")
    assert differs(found["evidence"]["content"]["witness"], found["term"])


@pytest.mark.parametrize(
    "words",
    [
        ["--layer", "LayerNorm-AF"],
        ["--layer", "norm[center=C, scale=CHW, affine=C]"],
        ["--center", "C", "--scale", "CHW", "--affine", "C"],
        ["--center", "C", "--scale", "WHC", "--affine", "C"],
        ["--term", "(x - mean(x,C)) * rsqrt(mean((x - mean(x,C))^2, CHW) + eps) * par(C) + par(C)"],
    ],
)
def test_the_ways_to_name_a_layer(words: list[str], capsys: Capture) -> None:
    found = answer(capsys, *words, "--grid", "odd")
    assert found["verdict"] == "equivariant"
    assert parse(found["term"]) == parse("(x - mean(x, C))*rsqrt(mean((x - mean(x, C))^2, CHW) + eps)*par(C) + par(C)")


def test_a_step_left_out_is_absent_and_not_empty(capsys: Capture) -> None:
    absent = answer(capsys, "--scale", "HW", "--grid", "odd")
    assert absent == answer(capsys, "--center", "absent", "--scale", "HW", "--affine", "absent", "--grid", "odd")
    empty = answer(capsys, "--center", "empty", "--scale", "HW", "--grid", "odd")
    assert (absent["layer"], empty["layer"]) == ("norm[scale=HW]", "norm[center=empty, scale=HW]")


def test_both_families_where_the_grid_is_left_out(capsys: Capture) -> None:
    found = answer(capsys, "--layer", "InstanceNorm")
    assert found["verdict"] == "not_equivariant"
    assert [each["verdict"] for each in found["by_grid"]] == ["equivariant", "not_equivariant"]
    assert "on even grids not_equivariant" in found["reason"]
    assert found["evidence"]["content"]["grid"] == "even"
    both = answer(capsys, "--layer", "InstanceNorm", "--action", "shift")
    assert both["verdict"] == "equivariant"
    assert [family["grid"] for family in both["evidence"]["content"]["families"]] == ["odd", "even"]
    status, out, _ = run(capsys, "--layer", "InstanceNorm")
    assert status == 0
    assert "odd grids: equivariant" in out
    assert "even grids: not_equivariant" in out


def test_one_family(capsys: Capture) -> None:
    verdicts = [answer(capsys, "--layer", "BatchNorm", "--grid", family)["verdict"] for family in ("odd", "even")]
    assert verdicts == ["equivariant", "not_equivariant"]


def test_project_answers_for_nyquist_free_arrays_and_says_so(capsys: Capture) -> None:
    found = answer(capsys, "--layer", "InstanceNorm", "--grid", "even", "--nyquist", "project")
    assert (found["verdict"], found["nyquist"], found["domain"]) == ("equivariant", "project", "nyquist-free")
    _, out, _ = run(capsys, "--layer", "InstanceNorm", "--grid", "even", "--nyquist", "project")
    assert "Nyquist-free arrays" in out
    assert "project" in out
    free = answer(capsys, "--layer", "InstanceNorm", "--grid", "even", "--domain", "nyquist-free")
    assert (free["verdict"], free["nyquist"]) == ("equivariant", "symmetric")


def test_options_reach_the_claim(capsys: Capture) -> None:
    """Each option changes a verdict."""

    def verdict(*words: str) -> str:
        return str(answer(capsys, *words)["verdict"])

    yes, no = "equivariant", "not_equivariant"
    layer_c = ("--layer", "LayerNorm-C", "--grid", "5x7")
    assert verdict(*layer_c) == no
    assert verdict(*layer_c, "--action", "shift") == yes
    assert verdict(*layer_c, "--domain", "0") == yes
    assert verdict(*layer_c, "--action", "shift", "--statistics", "running") == no
    rows = ("--layer", "norm[scale=H]", "--grid", "5x7")
    assert verdict(*rows) == verdict(*rows, "--axes", "W") == no
    assert verdict(*rows, "--axes", "H") == yes
    samples = ("--center", "B", "--grid", "5x7", "--scope", "per-sample")
    assert verdict(*samples) == no
    assert verdict(*samples, "--batch", "1") == yes
    channels = ("--scale", "C", "--center", "C", "--grid", "5x7")
    assert verdict(*channels) == no
    assert verdict(*channels, "--channels", "1") == yes
    assert verdict("--term", "mean(x^4, HW)", "--grid", "5x7", "--domain", "1") == yes
    assert verdict("--term", "mean(x^4, HW)", "--grid", "5x7", "--domain", "2") == no


def test_epsilon(capsys: Capture) -> None:
    words = ("--layer", "LayerNorm-C", "--grid", "1x3", "--batch", "1")
    assert answer(capsys, *words, "--eps", "1/2")["eps"] == "1/2"
    found = answer(capsys, *words, "--eps", "1e-3")
    assert found["eps"] == "1/1000"
    assert "eps=1/1000" in found["layer"]


def test_beyond_64_numbers_the_smallest_grid_is_shown(capsys: Capture) -> None:
    content = answer(capsys, "--layer", "LayerNorm-C", "--grid", "5x7")["evidence"]["content"]
    assert "x" not in content["witness"]
    assert content["witness"]["sizes"] == {"B": 2, "C": 2, "H": 5, "W": 7}
    assert content["smallest_grid"]["sizes"] == {"B": 2, "C": 2, "H": 3, "W": 3}
    assert len(content["smallest_grid"]["x"]["entries"]) == 36
    assert content["fault"]["frequencies"] == [2, 2, 2]
    _, out, _ = run(capsys, "--layer", "LayerNorm-C", "--grid", "5x7")
    assert "frequencies 2 + 2 + 2 = 6, which looks like 1 on 5 samples" in out
    assert "smallest grid of the same parities" in out
    even = answer(capsys, "--layer", "LayerNorm-C", "--grid", "6x7")["evidence"]["content"]
    assert even["smallest_grid"]["sizes"] == {"B": 2, "C": 2, "H": 4, "W": 3}
    small = answer(capsys, "--layer", "LayerNorm-C", "--grid", "3x4", "--batch", "1", "--channels", "2")
    assert "smallest_grid" not in small["evidence"]["content"]
    assert "x" in small["evidence"]["content"]["witness"]


def test_the_proof_tree_is_printed(capsys: Capture) -> None:
    status, out, err = run(capsys, "--layer", "BatchNorm", "--grid", "odd")
    assert (status, err) == (0, "")
    assert out.startswith("verdict: equivariant\n")
    assert "Proof along H" in out
    assert "L < N with L = N-1" in out
    assert "\x1b" not in out


def test_latex_says_what_the_terminal_says_and_compiles(capsys: Capture, tmp_path: Path) -> None:
    asked = {
        "proof.tex": ["--layer", "LayerNorm-AF", "--grid", "odd"],
        "both.tex": ["--layer", "InstanceNorm"],
        "counterexample.tex": ["--layer", "LayerNorm-CHW", "--action", "shift", "--grid", "5x7"],
        "waves.tex": ["--term", "x*rsqrt(x^2 + 1)*par(C) - 1/2", "--domain", "1", "--grid", "7x8"],
        "apart.tex": ["--center", "B", "--scope", "per-sample", "--grid", "64x65", "--domain", "nyquist-free"],
        "unknown.tex": OPEN,
    }
    for name, words in asked.items():
        status, plain, _ = run(capsys, *words)
        found, out, err = run(capsys, *words, "--latex")
        assert (found, err) == (status, "")
        assert balanced(out)
        assert out.startswith("% Evidence: written by equinorm. Compile this file by itself")
        headings = [line for line in plain.splitlines() if line.startswith(("odd grids", "even grids", "grid "))]
        said = re.findall(r"\\paragraph\{(.*)\.\}", out)
        assert [line.lower() for line in said] == [line.replace("_", " ").lower() for line in headings]
        assert out.count(r"\begin{align*}") == sum("not_equivariant" in line for line in headings)
        (tmp_path / name).write_text(out, encoding="utf-8")
    compiles(tmp_path, *asked)


def test_latex_and_json_exclude_each_other(capsys: Capture) -> None:
    status, out, err = run(capsys, "--layer", "BatchNorm", "--latex", "--json")
    assert (status, out) == (2, "")
    assert err == "equinorm: error: --latex and --json: expected one of them\n"


def test_statuses(capsys: Capture) -> None:
    words = ("--layer", "LayerNorm-C", "--grid", "5x7")
    assert run(capsys, *words)[0] == 0
    assert run(capsys, *words, "--expect", "not_equivariant")[0] == 0
    status, out, err = run(capsys, *words, "--expect", "equivariant")
    assert (status, err) == (1, "")
    assert out.startswith("verdict: not_equivariant")
    assert run(capsys, *words, "--expect", "unknown")[0] == 1


def test_unknown_has_a_status_of_its_own(capsys: Capture) -> None:
    status, out, err = run(capsys, *OPEN, "--json")
    assert (status, err) == (3, "")
    found = json.loads(out)
    assert found["verdict"] == "unknown"
    assert found["evidence"] is None
    assert "no counterexample was found" in found["reason"]
    assert run(capsys, *OPEN, "--expect", "unknown")[0] == 0
    assert run(capsys, *OPEN, "--expect", "equivariant")[0] == 1


LAYER = ["--layer", "BatchNorm"]

REFUSED = [
    ([], "no function: expected one of --layer, --term, or the steps"),
    (["--center", "X"], "center=X: expected letters of BCHW, or `empty`; 'X' is no axis"),
    (["--center", "c"], "center=c: expected letters of BCHW, or `empty`; write C"),
    (["--scale", "HWH"], "scale=HWH: expected letters of BCHW, or `empty`; H is there twice"),
    (["--center", ""], "center='': expected letters of BCHW"),
    (["--affine", "none"], "affine=none: expected `absent` (no such step) or `empty` (a step over no axes)"),
    ([*LAYER, "--center", "C"], "--layer and --center: expected one of"),
    ([*LAYER, "--center", "absent"], "--layer and --center: expected one of"),
    ([*LAYER, "--term", "x"], "--layer and --term: expected one of"),
    (["--term", "x", "--scale", "C"], "--term and --scale: expected one of"),
    (["--term", "x", "--statistics", "running"], "statistics=running: expected no --statistics beside --term"),
    (["--layer", "norm[scale=C, eps=1]", "--eps", "2"], "eps=2: expected eps once"),
    (["--layer", "batchnorm"], "layer=batchnorm: expected one of BatchNorm,"),
    (["--layer", "norm[center=none]"], "center=none: expected `absent`"),
    (["--layer", "norm[centre=C]"], "layer=norm[centre=C]: expected norm[center=AXES"),
    ([*LAYER, "--axes", "C"], "axes=C: expected H, W or HW; only spatial axes move"),
    ([*LAYER, "--axes", "empty"], "axes=empty: expected H, W or HW"),
    ([*LAYER, "--axes", "h"], "axes=h: expected letters of BCHW, or `empty`; write H"),
    ([*LAYER, "--action", "rotation"], "action=rotation: expected one of shift, translation"),
    ([*LAYER, "--scope", "per_sample"], "scope=per_sample: expected one of common, per-sample"),
    ([*LAYER, "--nyquist", "none"], "nyquist=none: expected one of symmetric, project, one-sided"),
    ([*LAYER, "--statistics", "frozen"], "statistics=frozen: expected `batch` or `running`"),
    ([*LAYER, "--grid", "0x5"], "grid=0x5: expected sizes from 1 to 512"),
    ([*LAYER, "--grid", "5"], "grid=5: expected two sizes such as 5x7, or `odd`, or `even`"),
    ([*LAYER, "--grid", "5x7x9"], "grid=5x7x9: expected two sizes"),
    ([*LAYER, "--grid", "-5x7"], "grid=-5x7: expected two sizes"),
    ([*LAYER, "--grid", "513x4"], "grid=513x4: expected sizes from 1 to 512"),
    ([*LAYER, "--grid", "99999999999x4"], "grid=99999999999x4: expected sizes from 1 to"),
    ([*LAYER, "--batch", "0"], "batch=0: expected a whole number from 1 to 1000000"),
    ([*LAYER, "--channels", "-3"], "channels=-3: expected a whole number from 1 to 1000000"),
    ([*LAYER, "--batch", "1000001"], "batch=1000001: expected a whole number from 1 to 1000000"),
    ([*LAYER, "--batch", "many"], "--batch"),
    ([*LAYER, "--eps", "0"], "eps=0: expected a positive number"),
    ([*LAYER, "--eps", "-1e-5"], "eps=-1e-5: expected a positive number"),
    ([*LAYER, "--eps", "1/0"], "eps=1/0: expected a positive number"),
    ([*LAYER, "--eps", "nan"], "eps=nan: expected a positive number"),
    ([*LAYER, "--domain", "9", "--grid", "5x7"], "domain=9: expected a band K with 2K < H=5"),
    ([*LAYER, "--domain", "3", "--grid", "7x6"], "domain=3: expected a band K with 2K < W=6"),
    ([*LAYER, "--domain", "-1"], "domain=-1: expected `all`, `nyquist-free`, or a band K >= 0"),
    ([*LAYER, "--domain", "256"], "domain=256: expected a band K with 2K < 512"),
    ([*LAYER, "--expect", "yes"], "expect=yes: expected one of equivariant, not_equivariant, unknown"),
    (
        ["--term", ""],
        "term=: expected x, eps, a number, par(AXES), mean(TERM, AXES), rsqrt(TERM) or `(`; at character 1",
    ),
    (["--term", "x + * 2"], "at character 5 stands '* 2'"),
    (["--term", "mean(x, Q)"], "at character 9"),
    (["--term", "x^65"], "at character 3 stands '65'"),
    (["--term", "x / 2"], "at character 3 stands '/ 2'"),
    (["--term", "x y"], "at character 3 stands 'y'"),
    (["--term", "(x"], "at character 3 stands the end"),
    ([*LAYER, "--unheard-of"], "No such option: --unheard-of"),
    ([*LAYER, "more"], "unexpected extra argument"),
    (["--layer"], "requires an argument"),
]


@pytest.mark.parametrize(
    ("words", "line"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_bad_input_is_one_line(words: list[str], line: str, capsys: Capture) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert err.startswith("equinorm: error: ")
    assert err.count("\n") == 1
    assert line in err
    assert run(capsys, *words, "--json")[:2] == (2, "")


def test_one_sided_is_refused_with_the_reason(capsys: Capture) -> None:
    status, out, err = run(capsys, *LAYER, "--nyquist", "one-sided", "--grid", "5x5")
    assert (status, out) == (2, "")
    assert "no product of one operator per axis" in err
    assert "measured" in err


@settings(max_examples=60)
@given(st.text(alphabet="xmeanpr(),^+*-0123/ BCHWepsqt.\n\0é", max_size=20))
@example("mean(x, CC)")
@example("((((")
@example("1/0")
@example("9" * 19 + "^9")
@example("((((9^64)^64)^64)^64)^64")
@example("*".join(["(" + "9" * 39 + "^64)"] * 9))
@example("0." + "1" * 1001)
def test_any_text_is_a_term_or_one_line(text: str) -> None:
    """Reading never fails in another way."""
    try:
        term = parse(text)
    except SpecificationError as error:
        line = str(error)
    else:
        line = ""
        assert parse(str(term)) == term
    assert line == "" or line.startswith(("term=", "a number of"))


@pytest.mark.parametrize(
    ("option", "value"),
    [("batch", 2.5), ("batch", True), ("channels", "2"), ("eps", 1e-5), ("grid", (5, 7)), ("domain", 1)],
)
def test_the_verb_names_values_of_another_kind(option: str, value: object) -> None:
    with pytest.raises(SpecificationError, match=f"{option}="):
        equinorm.decide("BatchNorm", **{option: value})  # type: ignore[arg-type]
