"""The verb ``replay``: a counterexample that was found, computed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from equinorm.search.answers import reading_document, trial_document
from equinorm.search.files import Kept, read_kept, versions
from equinorm.search.opened import opened
from equinorm.search.questions import Question
from equinorm.search.readings import CLEAR, Reading, read
from equinorm.search.subjects import Unknown
from equinorm.search.telling import array_lines, displacement_text, number, trial_lines
from equinorm.search.trials import Trial
from equinorm.targets import open_target
from numerics.backends import DTYPES, load_backend
from theory.spec.errors import refuse


@dataclass(frozen=True)
class Replayed:
    """A counterexample from a file, computed again: what it shows now, and on what."""

    path: str
    kept: Kept
    backend: str
    dtype: str
    reading: Reading | None

    @property
    def shows(self) -> bool:
        """True if rounding does not explain the error now either."""
        return self.reading is not None and self.reading.violates

    def document(self) -> dict[str, Any]:
        """The answer as plain data."""
        kept = self.kept
        return {
            **kept.question.document(),
            "shows": self.shows,
            **trial_document(kept.trial),
            "recorded": {
                "entry": list(kept.entry),
                "moved_then_layer": kept.moved_then_layer,
                "layer_then_moved": kept.layer_then_moved,
                "seed": kept.seed,
                "versions": dict(kept.versions),
            },
            "now": None if self.reading is None else reading_document(self.reading),
            "backend": self.backend,
            "dtype": self.dtype,
            "versions": versions(),
        }

    def text(self) -> str:
        """The answer for a terminal."""
        kept, question = self.kept, self.kept.question
        lines = [f"{question.kind}: {question.name}", f"claim: {question.text()}", ""]
        if self.reading is None:
            lines += array_lines("x", kept.trial.x)
            lines.append(f"displacement: {displacement_text(question, kept.trial.displacements)} (in samples)")
            return "\n".join([*lines, f"on {self.backend} in {self.dtype} a side is not defined", "it does not show"])
        lines += trial_lines(question, kept.trial, self.reading)
        was = f"{number(kept.moved_then_layer)} and {number(kept.layer_then_moved)}"
        lines += [f"recorded at {list(kept.entry)}: {was}", f"computed on {self.backend} in {self.dtype}"]
        verdict = "it shows again" if self.shows else f"it does not show: within {CLEAR:g} times the rounding bound"
        return "\n".join([*lines, verdict])


def replay(path: str | Path, *, backend: str = "numpy", dtype: str = "float64", timeout: float = 30.0) -> Replayed:
    """Compute both sides of a counterexample from a file of :func:`hunt` again.

    Args:
        path: the file.
        backend: ``numpy``, ``torch`` or ``cupy``. A target is given tensors on the CPU with ``torch``; NumPy arrays or,
            where it takes none, tensors with ``numpy``; and nothing with ``cupy``.
        dtype: ``float32`` or ``float64``.
        timeout: seconds for each call of a target.

    Raises:
        SpecificationError: a file that is not what ``hunt`` writes, with all that is wrong with it.
    """
    if dtype not in DTYPES:
        raise refuse(f"dtype={dtype}", " or ".join(DTYPES))
    kept = read_kept(path)
    library = load_backend(backend)
    with _runnable(kept.question, backend, timeout) as question:
        if isinstance(question.subject, Unknown):  # which gets its tensors in its own process, on the CPU
            library, own = replace(library, device="cpu") if backend == "torch" else library, None
        else:
            own = library
        reading = read(question, _cast(kept.trial, dtype), own)
    return Replayed(str(path), kept, str(library), dtype, reading)


def _cast(trial: Trial, dtype: str) -> Trial:
    parameters = tuple(values.astype(dtype) for values in trial.parameters)
    return replace(trial, x=trial.x.astype(dtype), parameters=parameters)


@contextmanager
def _runnable(question: Question, backend: str, timeout: float) -> Iterator[Question]:
    if not isinstance(question.subject, Unknown):
        yield question
        return
    if backend not in ("numpy", "torch"):
        raise refuse(f"backend={backend}", "numpy or torch for a target", "no others are made for one")
    with open_target(question.name, timeout, tensors=backend == "torch") as target:
        yield opened(question, target)[0]
