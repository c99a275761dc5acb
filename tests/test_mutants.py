"""Every mutant is noticed, the checks pass without one, and the hunt itself can tell a survivor."""

from __future__ import annotations

import pytest

from tests.mutants import __main__ as command
from tests.mutants.cases import CASES, NO, YES, Case
from tests.mutants.changes import MUTANTS, RELATIONS, Mutant
from tests.mutants.checks import CHECKS, Check
from tests.mutants.hunt import hunt, report
from tests.theory.brute import FAILS_ABOVE, HOLDS_BELOW, measured


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_check_without_mutants(check: Check) -> None:
    check.run()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_of_a_case_is_measured(case: Case) -> None:
    for _, verdict in case.ask().verdicts:
        if not verdict.claim.grid.exact:
            continue
        error = measured(verdict.claim, 0)
        assert error is not None
        assert error > FAILS_ABOVE if case.allowed == (NO,) else error < HOLDS_BELOW


def test_no_mutant_survives() -> None:
    fates = hunt(MUTANTS, CHECKS)
    assert [fate.mutant.name for fate in fates if fate.killer is None] == []
    assert f"{len(MUTANTS)} mutants, {len(MUTANTS)} killed, 0 survive" in report(fates)


def test_a_survivor_is_shown_and_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "MUTANTS", (Mutant("harmless", lambda stack: None), RELATIONS[0]))
    monkeypatch.setattr(command, "CHECKS", CHECKS[:12])
    assert command.main() == 1
    shown = capsys.readouterr().out
    assert "NOTHING: it survives" in shown
    assert "2 mutants, 1 killed, 1 survive" in shown


def test_the_hunt_refuses_checks_that_fail_by_themselves() -> None:
    wrong = Case("wrong", {"grid": "5x5", "term": "x^2"}, (YES,))
    with pytest.raises(RuntimeError, match="without any mutant: wrong"):
        hunt(MUTANTS[:1], [Check("wrong", wrong.run)])


def test_a_mutant_leaves_nothing_behind() -> None:
    case = next(case for case in CASES if case.name == "square, 2L = N")
    before = case.ask().verdict
    for mutant in MUTANTS[:2]:
        with mutant.alive():
            assert case.ask().verdict == YES
        assert case.ask().verdict == before == NO
