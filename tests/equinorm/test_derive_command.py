"""``equinorm derive``: what it prints, as text, as LaTeX and as data."""

from __future__ import annotations

import json

import pytest

import equinorm
from equinorm.cli.main import main
from theory.decision.formulas import evaluate
from theory.decision.notation import parse
from theory.spec.errors import SpecificationError

ONE_QUESTION = ("derive", "--action", "shift", "--scope", "common", "--axes", "H")


def test_the_data_of_a_theorem_stand_for_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ONE_QUESTION, "--json"]) == 0
    out, err = capsys.readouterr()
    assert "deriving: 100 %" in err
    data = json.loads(out)
    assert data["version"] == equinorm.__version__
    theorems = data["theorems"]
    grids = [(t["grid"], t["domain"], t["setting"]) for t in theorems]
    assert grids == [
        (grid, domain, setting)
        for grid, domain in (("odd", "all"), ("even", "all"), ("even", "nyquist-free"))
        for setting in ("paper", "all")
    ]
    for theorem in theorems:
        assert (theorem["action"], theorem["scope"], theorem["axes"]) == ("shift", "common", "H")
        assert theorem["layers"] == (3840 if theorem["setting"] == "paper" else 4913)
        assert parse(theorem["condition"]) == parse(theorem["ascii"])
        assert evaluate(parse(theorem["condition"]), {"aH": False})
        assert not evaluate(parse(theorem["condition"]), {"aH": True})
        assert theorem["latex"] == r"\lnot a_{\mathrm{H}}"


def test_text_and_latex_name_table_and_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list(ONE_QUESTION)) == 0
    text = capsys.readouterr().out
    assert "equivariant iff ¬aH   [2601 of 4913 layers, every row checked]" in text
    assert "odd grids; even grids, all real arrays; even grids, Nyquist-free arrays" in text
    assert main([*ONE_QUESTION, "--latex"]) == 0
    latex = capsys.readouterr().out
    assert latex.count(r"\begin{theorem}") == latex.count(r"\end{theorem}") == 2
    assert r"\[ \lnot a_{\mathrm{H}} \]" in latex


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["--action", "rotation"], "action=rotation"),
        (["--scope", "batch"], "scope=batch"),
        (["--axes", "C"], "axes=C"),
        (["--latex", "--json"], "--latex and --json"),
    ],
)
def test_wrong_words_are_named_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], given: str
) -> None:
    assert main(["derive", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"equinorm: error: {given}: expected ")
    assert err.count("\n") == 1


def test_the_verb_finds_one_theorem_and_misses_another() -> None:
    with pytest.raises(SpecificationError, match="axes=X"):
        equinorm.derive(axes="X")
