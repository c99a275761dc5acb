"""What a hunt found: for a terminal, and as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equinorm.search.engine import Search
from equinorm.search.exact import Confirmation
from equinorm.search.files import versions
from equinorm.search.questions import Question, Shape
from equinorm.search.readings import Reading
from equinorm.search.subjects import Unknown
from equinorm.search.telling import error_text, trial_lines
from equinorm.search.trials import Trial
from numerics.rounding import NARROW
from theory.spec.layers import Normalization


@dataclass(frozen=True)
class Hunted:
    """What was looked for, and what was found.

    ``confirmation`` is ``None`` where there is no counterexample; ``left_out`` are shapes that the target does
    not take.
    """

    question: Question
    seed: int
    search: Search
    confirmation: Confirmation | None
    left_out: tuple[Shape, ...] = ()
    out: Path | None = None

    @property
    def found(self) -> bool:
        """True if there is a counterexample."""
        return self.search.smallest is not None

    @property
    def precision(self) -> str:
        """In what the function computes, where that was found out by asking it."""
        subject = self.question.subject
        if not isinstance(subject, Unknown) or subject.unit <= 2.0**-53:
            return "float64"
        bits = round(-math.log2(subject.unit))
        return NARROW.get(bits, f"{bits} bits")

    def document(self) -> dict[str, Any]:
        """The answer as plain data."""
        found = None
        if self.search.smallest is not None and self.confirmation is not None:
            trial, reading = self.search.smallest
            found = {
                **trial_document(trial),
                **reading_document(reading),
                "confirmed_exactly": self.confirmation.exact,
                "reason": self.confirmation.reason,
                "certificate": self.confirmation.certificate,
            }
        largest = self.search.largest
        return {
            **self.question.document(),
            "found": self.found,
            "examples": self.search.examples,
            "until_found": self.search.until_found,
            "counterexample": found,
            "largest": None if largest is None else reading_document(largest[1]),
            "precision": self.precision,
            "left_out": [list(shape) for shape in self.left_out],
            "seed": self.seed,
            "out": None if self.out is None else str(self.out),
            "versions": versions(),
        }

    def text(self) -> str:
        """The answer for a terminal."""
        name = str(self.question.subject) if isinstance(self.question.subject, Normalization) else self.question.name
        lines = [f"{self.question.kind}: {name}", f"claim: {self.question.text()}"]
        if self.left_out:
            lines.append(f"left out, because the target does not take them: {len(self.left_out)} shapes")
        if isinstance(self.question.subject, Unknown):
            lines.append(f"precision seen inside: {self.precision}")
        if self.search.smallest is None:
            if self.search.largest is not None:
                lines.append(f"largest error seen: {error_text(self.search.largest[1])}")
            return "\n".join([*lines, f"none found in {self.search.examples} examples"])
        assert self.confirmation is not None
        trial, reading = self.search.smallest
        lines += ["", "counterexample:", *(f"  {line}" for line in trial_lines(self.question, trial, reading))]
        if self.confirmation.exact:
            lines.append("  confirmed exactly: the kernel accepts it as a certificate")
        else:
            lines.append(f"  in floating point only ({self.confirmation.reason}), clear of rounding")
        if self.search.largest is not None:
            lines += ["", f"largest violation seen: {error_text(self.search.largest[1])}"]
        lines.append(f"found at example {self.search.until_found}, {self.search.examples} in all; seed {self.seed}")
        if self.out is not None:
            lines.append(f"kept in {self.out}")
        return "\n".join(lines)


def trial_document(trial: Trial) -> dict[str, Any]:
    """What is put in, as plain data."""
    return {
        "shape": list(trial.shape),
        "x": trial.x.tolist(),
        "parameters": [values.tolist() for values in trial.parameters],
        "eps": str(trial.eps),
        "displacements": [[str(t) for t in row] for row in trial.displacements],
    }


def reading_document(reading: Reading) -> dict[str, Any]:
    """What comes out, as plain data; ``None`` for what is infinite, as an error relative to 0 is."""
    found = {
        "relative_l2": math.inf if reading.against_zero else reading.error,
        "rounding_bound": math.inf if reading.against_zero else reading.bound,
        "l2": reading.size,
        "in_bounds": reading.ratio,
        "moved_then_layer": reading.moved_then_layer,
        "layer_then_moved": reading.layer_then_moved,
    }
    finite = {name: value if math.isfinite(value) else None for name, value in found.items()}
    return {**finite, "entry": list(reading.entry)}
