"""A counterexample in words: small arrays are printed whole, large ones by the entries that are not as the rest."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from equinorm.search.questions import Question
from equinorm.search.readings import Reading
from equinorm.search.subjects import term_text
from equinorm.search.trials import Trial
from theory.spec.axes import BCHW
from theory.spec.layers import Normalization, Statistics

Floats = np.ndarray[Any, np.dtype[np.float64]]

PRINTED = 80
"""An array of at most so many entries is printed whole."""

LISTED = 12
"""Of a larger one at most so many entries are listed."""


def number(value: float) -> str:
    """A value in as few digits as say it, or in nine."""
    return f"{value:.9g}"


def array_lines(name: str, values: Floats) -> list[str]:
    """An array, headed by its name and shape."""
    shape = " x ".join(map(str, values.shape))
    distinct, counts = np.unique(values, return_counts=True)
    common = float(distinct[int(np.argmax(counts))])
    if len(distinct) == 1:
        return [f"{name}: {number(common)} everywhere ({shape})"]
    others = np.argwhere(values != common)
    if values.size <= PRINTED and len(others) > 2:
        text = np.array2string(
            values,
            max_line_width=110,
            formatter={"float_kind": lambda value: number(float(value))},
            threshold=PRINTED + 1,
        )
        return [f"{name} ({shape}):", *(f"  {line}" for line in text.splitlines() if line)]
    listed = ", ".join(f"{number(float(values[tuple(place)]))} at {_place(place)}" for place in others[:LISTED])
    more = f", and {len(others) - LISTED} more" if len(others) > LISTED else ""
    return [f"{name} ({shape}): {listed}{more}; else {number(common)}"]


def _place(place: Sequence[int]) -> str:
    return f"[{','.join(str(int(n)) for n in place)}]"


def displacement_text(question: Question, displacements: Sequence[Sequence[Fraction]]) -> str:
    """How far which sample moves along which axis."""
    names = [BCHW.names[place] for place in question.places]
    found = []
    for sample, row in enumerate(displacements):
        moved = [f"{t} along {name}" for t, name in zip(row, names, strict=True) if t]
        if moved:
            found.append((f"sample {sample} by " if len(displacements) > 1 else "") + " and ".join(moved))
    if not found:
        return "none"
    still = sum(not any(row) for row in displacements)
    return "; ".join(found) + (f"; {still} at rest" if still else "")


def parameter_names(question: Question, count: int) -> tuple[str, ...]:
    """What the parameters are called, in their order."""
    subject = question.subject
    if not isinstance(subject, Normalization):
        return tuple(f"parameter {place}" for place in range(count))
    steps = []
    if subject.statistics is Statistics.RUNNING:
        steps = [("running mean", subject.center), ("running deviation", subject.scale)]
    steps += [("gain", subject.affine), ("bias", subject.affine)]
    return tuple(name for name, axes in steps if axes is not None)


def uses_eps(question: Question) -> bool:
    """True where epsilon matters to the values."""
    return "eps" in (term_text(question.subject) or "")


def trial_lines(question: Question, trial: Trial, reading: Reading) -> list[str]:
    """The counterexample: what is put in, and the two values where both sides differ most."""
    lines = array_lines("x", trial.x)
    for name, values in zip(parameter_names(question, len(trial.parameters)), trial.parameters, strict=True):
        lines += array_lines(name, values)
    if uses_eps(question):
        lines.append(f"eps: {trial.eps}")
    lines.append(f"displacement: {displacement_text(question, trial.displacements)} (in samples)")
    first, second = number(reading.moved_then_layer), number(reading.layer_then_moved)
    if first == second:
        first, second = repr(reading.moved_then_layer), repr(reading.layer_then_moved)
    lines.append(f"at {_place(reading.entry)}: moved, then f: {first}; f, then moved: {second}")
    lines.append(error_text(reading))
    return lines


def error_text(reading: Reading) -> str:
    """The error, relative and in units of what rounding may make; as it is where it is relative to 0."""
    if reading.against_zero:
        limit = reading.bound * reading.size
        return (
            f"f, then moved, is 0 throughout; L2 error {reading.size:.3g}, {reading.ratio:.3g} times the rounding "
            f"bound {limit:.3g}"
        )
    return f"relative L2 error {reading.error:.3g}, {reading.ratio:.3g} times the rounding bound {reading.bound:.3g}"
