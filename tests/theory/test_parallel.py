"""Questions asked in child processes: in order, with their errors, and with no child left behind."""

from __future__ import annotations

import math
import os
import signal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.command import run_python
from theory.decision.parallel import ChildEnded, ask_all

SCRIPT = "import equinorm; print(len(equinorm.derive('shift', 'common', axes='H', workers=2).theorems))"


def test_answers_come_in_the_order_of_the_questions() -> None:
    questions = [Fraction(k, 7) for k in range(20)]
    assert list(ask_all(math.floor, questions, workers=3)) == [(q, math.floor(q)) for q in questions]


def test_an_error_in_a_child_is_raised_here() -> None:
    answered = ask_all(math.sqrt, [4.0, -1.0, 9.0], workers=2)
    assert next(answered) == (4.0, 2.0)
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        list(answered)


def test_a_child_that_dies_is_named() -> None:
    with pytest.raises(ChildEnded, match="status"):
        list(ask_all(os._exit, [3, 4], workers=2))


def test_leaving_early_ends_the_children() -> None:
    answered = ask_all(os.getpgid, [0, 0, 0, 0], workers=2)
    _, group = next(answered)
    assert group != os.getpgid(0)
    answered.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, signal.SIG_DFL)


def test_a_script_without_a_guard_may_ask(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = run_python(str(script))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "6"
