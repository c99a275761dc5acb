"""Rounding or defect: a trial as a certificate of a counterexample, which the kernel checks in exact arithmetic.

Every number of a trial is rational. The kernel evaluates both sides in enclosures; what the certificate states of them
is taken from floating point and widened to a quarter of the gap between the two, so the kernel need not believe any of
it. It knows displacements along one axis, of all samples or of the first one. A trial that does more is taken apart:
T is a product of such steps, and where f(T x) is not T f(x), one of the steps fails at what the others made of x.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np

from equinorm.search.bases import analyze
from equinorm.search.questions import DENSE, Question
from equinorm.search.readings import Reading, move, read, sides
from equinorm.search.subjects import term_text
from equinorm.search.trials import CORNER, Table, Trial, trial_of
from proofs.kernel.checking import SCHEMA, VERSION
from proofs.kernel.checking import verdict as refusal
from theory.spec.actions import Scope
from theory.spec.axes import BCHW, Axis, AxisKind

Floats = np.ndarray[Any, np.dtype[np.float64]]
Document = dict[str, Any]

BITS = (128, 256, 1024)
MOST_LISTED = 600
"""On a shape of at most so many entries each has a cell of its own."""


@dataclass(frozen=True)
class Confirmation:
    """A certificate that the kernel accepted, or the reason why there is none."""

    certificate: Document | None
    reason: str = ""

    @property
    def exact(self) -> bool:
        """True if the violation is proved."""
        return self.certificate is not None


def confirm(question: Question, trial: Trial) -> Confirmation:
    """Ask the kernel whether a trial is a counterexample."""
    text = term_text(question.subject)
    if text is None:
        return Confirmation(None, "of a target only values are known")
    if not question.certifiable(trial.shape):
        return Confirmation(None, "the kernel does not know the policy one-sided")
    if trial.coefficients is None:
        return Confirmation(None, "the array is too large for a certificate")
    found = single_step(question, trial)
    if found is None:
        return Confirmation(None, "no single step of the displacement shows the violation")
    step, reading = found
    if len(_parts(step)) > DENSE:
        return Confirmation(None, "the array is too large for a certificate")
    reason: str | None = None
    for bits in BITS:
        document = _certificate(question, text, step, reading, bits)
        reason = refusal(json.dumps(document))
        if reason is None:
            return Confirmation(document)
    return Confirmation(None, f"the kernel: {reason}")


def single_step(question: Question, trial: Trial) -> tuple[Trial, Reading] | None:
    """The step of a trial with the largest violation, as a trial whose first sample, or all of them, move."""
    found, current = [], trial
    rows, columns = len(trial.displacements), len(trial.displacements[0])
    for row, column in product(range(rows), range(columns)):
        t = trial.displacements[row][column]
        if t == 0:
            continue
        table = _table(rows, columns, row, column, t)
        one = _swapped(replace(current, displacements=table), question, row)
        reading = read(question, one)
        if reading is not None and reading.violates:
            found.append((one, reading))
        moved = move(question, replace(current, displacements=table), current.x)
        coefficients = analyze(trial.bases, moved)
        arguments = (trial.bases, trial.displacements, trial.parameters, trial.eps)
        current = trial_of(coefficients, *arguments)
    return max(found, key=lambda each: each[1].ratio, default=None)


def _table(rows: int, columns: int, row: int, column: int, t: Fraction) -> Table:
    return tuple(tuple(t if (r, c) == (row, column) else Fraction(0) for c in range(columns)) for r in range(rows))


def _swapped(trial: Trial, question: Question, row: int) -> Trial:
    """The trial with sample ``row`` and the first one exchanged, in the parameters as well."""
    if row == 0:
        return trial
    order = [row if n == 0 else 0 if n == row else n for n in range(trial.shape[0])]
    table = tuple(trial.displacements[n] for n in order)
    own = tuple(value[order] if len(value) > 1 else value for value in trial.parameters)
    assert trial.coefficients is not None
    if trial.coefficients.shape[0] < len(order):  # the samples beyond the corner are 0
        order = order[: trial.coefficients.shape[0]]
    return trial_of(trial.coefficients[order], trial.bases, table, own, trial.eps)


def _certificate(question: Question, text: str, trial: Trial, reading: Reading, bits: int) -> Document:
    (row,) = [row for row in trial.displacements if any(row)]
    (column,) = [column for column, t in enumerate(row) if t]
    moving = question.places[column]
    apart = question.action.scope is Scope.PER_SAMPLE and trial.shape[0] > 1
    cells = _cells(trial, moving)
    entry, left, right = _entry(question, trial, reading, cells)
    quarter = abs(Fraction(left) - Fraction(right)) / 4
    stated = [[str(Fraction(value) - quarter), str(Fraction(value) + quarter)] for value in (left, right)]
    example = {
        "sizes": list(trial.shape),
        "instance": {
            "axis": BCHW.names[moving],
            "moves": "first sample" if apart else "all",
            "cells": list(cells),
            "input": _parts(trial),
            "parameters": [_values(value, cells) for value in trial.parameters],
            "eps": str(trial.eps),
            "entry": list(entry),
        },
        "displacement": {"samples": str(row[column])},
        "bits": bits,
        "moved_then_layer": stated[0],
        "layer_then_moved": stated[1],
    }
    evidence = {"kind": "counterexample", "example": example}
    return {"schema": SCHEMA, "version": VERSION, "statement": _statement(question, text, trial), "evidence": evidence}


def _statement(question: Question, text: str, trial: Trial) -> Document:
    def kind(axis: Axis) -> str:
        return "spatial" if axis.kind is AxisKind.SPATIAL else "sample" if axis.sample else "index"

    band = question.domain.band
    return {
        "term": text,
        "axes": [
            {"name": axis.name, "kind": kind(axis), "size": [size, 0]}
            for axis, size in zip(BCHW, trial.shape, strict=True)
        ],
        "action": question.action.kind.value,
        "scope": question.action.scope.value,
        "moving": "".join(BCHW.names[place] for place in question.places),
        "domain": str(question.domain) if band is None else band,
        "claim": "not equivariant",
    }


def _cells(trial: Trial, moving: int) -> tuple[int, ...]:
    """How many entries of each axis have cells of their own: on large arrays, those that differ from the rest."""
    if prod(trial.shape) <= MOST_LISTED:
        return trial.shape
    assert trial.coefficients is not None
    used = np.nonzero(trial.coefficients)
    found = []
    for place, (size, basis) in enumerate(zip(trial.shape, trial.bases, strict=True)):
        waves = not basis.profiles[0].startswith(("entry", "pair"))
        reach = int(used[place].max(initial=0)) + 2
        found.append(size if waves or place == moving else min(size, max(reach, CORNER)))
    return tuple(found)


def _entry(question: Question, trial: Trial, reading: Reading, cells: tuple[int, ...]) -> tuple[Any, float, float]:
    """The entry at which the sides are compared: where they differ most, among those that have a cell."""
    found = sides(question, trial)
    kept = tuple(slice(0, count) for count in cells)
    left, right = found.moved_then_layer[kept], found.layer_then_moved[kept]
    place = tuple(int(n) for n in np.unravel_index(int(np.argmax(np.abs(left - right))), left.shape))
    return place, float(left[place]), float(right[place])


def _parts(trial: Trial) -> list[Document]:
    assert trial.coefficients is not None
    return [
        {
            "amplitude": str(Fraction(float(trial.coefficients[tuple(place)]))),
            "profiles": [basis.profiles[n] for basis, n in zip(trial.bases, place, strict=True)],
        }
        for place in np.argwhere(trial.coefficients)
    ]


def _values(values: Floats, cells: tuple[int, ...]) -> list[str]:
    """A parameter over the cells of its axes, the common one of the rest last; a single value for a constant one."""
    kept = values[tuple(slice(0, min(size, count + 1)) for size, count in zip(values.shape, cells, strict=True))]
    found = [str(Fraction(float(value))) for value in kept.ravel()]
    return found[:1] if len(set(found)) == 1 else found
