"""What a failure says: the layer, the action, the three metrics against the bound, and a minimal example."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from equinorm.testing.libraries import Floats
from equinorm.testing.question import Question
from equinorm.testing.subject import Subject
from equinorm.testing.trials import into
from numerics.bounds import GENERIC_VIOLATION
from numerics.equivariance import Measurement, both_sides
from numerics.minimal import Example
from numerics.translations import Table
from theory.spec.actions import ActionKind, NyquistPolicy, Scope

MOST_ENTRIES = 8


def describe_action(question: Question) -> str:
    """The action in words: kind, scope, axes, shape, Nyquist policy and domain."""
    motion = question.motion
    moves = "each sample by its own displacement" if question.scope is Scope.PER_SAMPLE else "all samples alike"
    parts = [
        f"{motion.kind.value}, {question.scope.value} ({moves})",
        f"along axes {_tuple(motion.axes)} of {_tuple(question.shape)}",
    ]
    if motion.kind is ActionKind.TRANSLATION:
        meaning = {
            NyquistPolicy.SYMMETRIC: "N/2 of an even axis times cos(pi t)",
            NyquistPolicy.ONE_SIDED: "N/2 of an even axis as in the published experiment",
            NyquistPolicy.PROJECT: "arrays without N/2 of an even axis",
        }[motion.policy]
        parts.append(f"Nyquist policy {motion.policy.value} ({meaning})")
    band = question.domain.band
    parts.append(f"domain {question.domain}" if band is None else f"domain: band {band} along these axes")
    return "; ".join(parts)


def metrics(measurement: Measurement, question: Question) -> str:
    """The three errors of the worst sample, and what they are held against."""
    worst = measurement.worst
    errors = {
        "relative L2": measurement.relative_l2,
        "relative maximum": measurement.relative_maximum,
        "1 - cosine": measurement.cosine,
    }
    shown = ", ".join(f"{name} {values[worst]:.3g}" for name, values in errors.items())
    limit = f"rounding explains a relative L2 of {measurement.bound[worst]:.2g} (unit {measurement.unit:.2g})"
    if question.tolerance is not None:
        limit += f"; the tolerance is {question.tolerance:g}"
    return f"{shown}; {limit}"


def not_equivariant(
    subject: Subject, question: Question, kind: str, displacements: Table, measurement: Measurement, example: Example
) -> str:
    """The text of the failure."""
    lines = [
        f"{subject.name} is not equivariant under {question.motion.kind.value}s",
        f"  action: {describe_action(question)}",
        f"  layer: {subject.describe()}",
        f"  measured: {metrics(measurement, question)}",
        f"    on {kind}, seed {question.seed}, sample {measurement.worst} moved by "
        f"{_vector(displacements[min(measurement.worst, len(displacements) - 1)])}",
        "  minimal example:",
        *(f"    {line}" for line in _example(subject, question, example)),
    ]
    return "\n".join(lines)


def undecided(subject: Subject, question: Question, measurement: Measurement) -> str:
    """The text of the failure of numbers to tell."""
    hidden = GENERIC_VIOLATION if question.tolerance is None else question.tolerance
    remedies = ["a larger tolerance=" if question.tolerance is not None else "give tolerance="]
    if subject.way.dtype != "float64":
        remedies.insert(0, "let the layer compute in float64")
    lines = [
        f"{subject.name}: the precision is too low to tell whether it is equivariant under "
        f"{question.motion.kind.value}s; this is no failure of equivariance",
        f"  action: {describe_action(question)}",
        f"  layer: {subject.describe()}",
        f"  measured: {metrics(measurement, question)}",
        f"  a violation of {hidden:g} could hide in the rounding; {', or '.join(remedies)}",
    ]
    return "\n".join(lines)


def _example(subject: Subject, question: Question, example: Example) -> list[str]:
    x = into(question.domain, example.x, question.motion.axes)
    sides = both_sides(subject, x, example.displacements, question.motion)
    found, expected = (np.asarray(side) for side in (sides.moved_then_layer, sides.layer_then_moved))
    place = tuple(map(int, np.unravel_index(int(np.argmax(np.abs(found - expected))), found.shape)))
    first, second = _apart(float(found[place]), float(expected[place]))
    projected = "" if x is example.x else f", projected onto the domain {question.domain}"
    return [
        f"x = {_entries(example.x)}{projected}",
        f"moved: {_moves(example.displacements, question)}",
        f"at {_tuple(place)}: layer(moved x) = {first}, moved layer(x) = {second}",
    ]


def _entries(x: Floats) -> str:
    """An array, by its entries that are not 0 if these are few."""
    places = np.argwhere(x)
    if not len(places):
        return "0 everywhere"
    kept = [f"x[{', '.join(map(str, place))}] = {_number(float(x[tuple(place)]))}" for place in places[:MOST_ENTRIES]]
    if len(places) > MOST_ENTRIES:
        return f"{len(places)} entries that are not 0 (the attribute `example` of this error): {', '.join(kept)}, …"
    return f"0 but {', '.join(kept)}"


def _moves(displacements: Table, question: Question) -> str:
    if question.scope is Scope.COMMON or question.shape[0] == 1:
        return f"all samples by {_vector(displacements[0])}"
    moving = [number for number, row in enumerate(displacements) if row.any()]
    if not moving:
        return "no sample"
    moves = ", ".join(f"sample {number} by {_vector(displacements[number])}" for number in moving)
    return moves if len(moving) == len(displacements) else f"{moves}, no other"


def _vector(row: Floats) -> str:
    return f"({', '.join(_number(float(value)) for value in row)}{',' if len(row) == 1 else ''})"


def _number(value: float) -> str:
    """A simple fraction as such, anything else in six digits."""
    simple = Fraction(value).limit_denominator(16)
    return str(simple) if float(simple) == value else f"{value:.6g}"


def _apart(first: float, second: float) -> tuple[str, str]:
    """Both numbers with as many digits as it takes to see the difference."""
    for digits in (6, 10, 17):
        shown = f"{first:.{digits}g}", f"{second:.{digits}g}"
        if shown[0] != shown[1]:
            break
    return shown


def _tuple(values: tuple[int, ...]) -> str:
    return str(tuple(values))
