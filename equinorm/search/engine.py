"""Hypothesis at work: it draws trials, climbs towards larger violations, and shrinks the first one that is found.

The same question and seed give the same answer, in every folder and installation of the same versions.

References: MacIver and Donaldson (2020), Test-case reduction via test-case generation, ECOOP; Löscher and Sagonas
(2017), Targeted property-based testing, ISSTA.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, configuration, given, settings
from hypothesis.errors import Flaky, Unsatisfiable

from equinorm.progress import Listener, Progress
from equinorm.search.questions import Question
from equinorm.search.readings import Reading, read
from equinorm.search.trials import Trial, trials
from theory.spec.errors import SpecificationError, refuse

SMALLEST_SCORE, LARGEST_SCORE = 1e-6, 1e300

SHRINKING = 10
"""Trials in all after the first violation, in units of those that were allowed until then."""

MOST_SHRUNK = 2**24
"""Entries of all arrays that are tried while shrinking, at most; large ones shrink little and take long."""

AGAIN = 300
"""Examples of the second attempt, with whole numbers."""


class _Violation(Exception):
    """What Hypothesis shrinks."""


class _Enough(BaseException):
    """No more trials: what was found so far is the answer."""


class _Stop(BaseException):
    """An error that is none of the property's: it ends the search at once, and is not shrunk."""


class _Steps:
    """Tells a listener how far the search is, and then the shrinking, which mostly ends long before its last trial."""

    def __init__(self, max_examples: int, shrinking: int, listener: Listener | None = None) -> None:
        self.shrinking = shrinking
        self.tasks = (
            Progress("hunting", max_examples, listener, count=max_examples, noun="examples"),
            Progress("shrinking", shrinking, listener, count=shrinking, noun="examples"),
        )

    def step(self, shrinking: bool) -> None:
        """One more trial."""
        task = self.tasks[shrinking]
        if shrinking and task.done == 0:
            task.start = time.monotonic()
        task.step(1)


@dataclass
class Search:
    """What a search has seen so far.

    ``until_found`` is the number of trials up to the first violation; ``smallest`` the one it was shrunk to, with its
    reading; ``largest`` the trial with the largest error in units of its bound, violation or not.
    """

    examples: int = 0
    until_found: int | None = None
    smallest: tuple[Trial, Reading] | None = None
    largest: tuple[Trial, Reading] | None = None
    trouble: SpecificationError | None = field(default=None, repr=False)
    progress: _Steps = field(default_factory=lambda: _Steps(1, 1), repr=False, compare=False)


def search(
    question: Question, max_examples: int, seed: int, *, shrink: bool = True, listener: Listener | None = None
) -> Search:
    """Look for a violation in at most ``max_examples`` trials, and shrink the first in SHRINKING times as many.

    An array with a structure does not shrink. Where only such a one was found, whole numbers are tried once more.

    Raises:
        SpecificationError: what a target does wrong, or a function that does not return the same when asked again.
    """
    found = Search(progress=_Steps(max_examples, _shrinking(question, max_examples), listener))
    _run(found, question, max_examples, seed, shrink, plain=False)
    if shrink and found.smallest is not None and found.smallest[0].structure:
        _run(found, question, min(max_examples, AGAIN), seed, shrink, plain=True)
    if found.largest is not None:
        trial, reading = found.largest
        found.largest = trial, read(question, trial) or reading
    return found


def _shrinking(question: Question, max_examples: int) -> int:
    """How many trials shrinking may take."""
    return min(SHRINKING * max_examples, max(max_examples, MOST_SHRUNK // prod(question.shapes[-1])))


def _run(found: Search, question: Question, max_examples: int, seed: int, shrink: bool, plain: bool) -> None:
    def one(trial: Trial) -> None:
        try:
            reading = read(question, trial, quick=True)
        except SpecificationError as error:
            found.trouble = error
            raise _Stop from None
        hypothesis.assume(reading is not None)
        assert reading is not None
        found.examples += 1
        found.progress.step(found.until_found is not None)
        if found.largest is None or reading.ratio > found.largest[1].ratio:
            found.largest = trial, reading
        hypothesis.target(math.log10(min(max(reading.ratio, SMALLEST_SCORE), LARGEST_SCORE)))
        if reading.violates:
            found.until_found = found.until_found or found.examples
            found.smallest = trial, reading
        if found.until_found is not None and found.examples - found.until_found >= found.progress.shrinking:
            raise _Enough
        if reading.violates:
            raise _Violation

    phases = (Phase.generate, Phase.target, *([Phase.shrink] if shrink else []))
    quiet: dict[str, Any] = {"database": None, "deadline": None, "verbosity": Verbosity.quiet, "print_blob": False}
    chosen = settings(
        max_examples=max_examples,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        **quiet,
    )
    with _no_folder():
        try:
            hypothesis.seed(seed)(chosen(given(trials(question, plain))(one)))()
        except (_Violation, _Enough, Unsatisfiable):
            pass
        except AssertionError as error:
            # Of Ctrl-C before its first example Hypothesis only says that it has not begun.
            if isinstance(error.__context__, KeyboardInterrupt):
                raise error.__context__ from None
            raise
        except _Stop:
            assert found.trouble is not None
            raise found.trouble from None
        except Flaky:
            expected = "a function of the array alone"
            raise refuse(
                f"{question.kind}={question.name}", expected, "asked again it returned something else"
            ) from None


@contextmanager
def _no_folder() -> Iterator[None]:
    """Keep Hypothesis from leaving a folder where the user stands."""
    if getattr(configuration, "__hypothesis_home_directory", None) is not None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="equinorm-") as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(None)
