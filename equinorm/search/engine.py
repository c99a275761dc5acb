"""Hypothesis at work: it draws trials, climbs towards larger violations, and shrinks the first one that is found.

The same question and seed give the same answer, in every folder and installation of the same versions.

References: MacIver and Donaldson (2020), Test-case reduction via test-case generation, ECOOP; Löscher and Sagonas
(2017), Targeted property-based testing, ISSTA.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, configuration, given, settings
from hypothesis.errors import Flaky, Unsatisfiable

from equinorm.search.questions import Question
from equinorm.search.readings import Reading, read
from equinorm.search.trials import Trial, trials
from theory.spec.errors import SpecificationError, refuse

SMALLEST_SCORE, LARGEST_SCORE = 1e-6, 1e300

AGAIN = 300
"""Examples of the second attempt, with whole numbers."""


class _Violation(Exception):
    """What Hypothesis shrinks."""


class _Stop(BaseException):
    """An error that is none of the property's: it ends the search at once, and is not shrunk."""


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


def search(question: Question, max_examples: int, seed: int, *, shrink: bool = True) -> Search:
    """Look for a violation in at most ``max_examples`` trials, and shrink the first.

    An array with a structure does not shrink. Where only such a one was found, whole numbers are tried once more.

    Raises:
        SpecificationError: what a target does wrong, or a function that does not return the same when asked again.
    """
    found = Search()
    _run(found, question, max_examples, seed, shrink, plain=False)
    if shrink and found.smallest is not None and found.smallest[0].structure:
        _run(found, question, min(max_examples, AGAIN), seed, shrink, plain=True)
    if found.largest is not None:
        trial, reading = found.largest
        found.largest = trial, read(question, trial) or reading
    return found


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
        if found.largest is None or reading.ratio > found.largest[1].ratio:
            found.largest = trial, reading
        hypothesis.target(math.log10(min(max(reading.ratio, SMALLEST_SCORE), LARGEST_SCORE)))
        if reading.violates:
            found.until_found = found.until_found or found.examples
            found.smallest = trial, reading
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
        except (_Violation, Unsatisfiable):
            pass
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
