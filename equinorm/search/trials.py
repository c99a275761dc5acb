"""One experiment: an array, parameters, epsilon and displacements; and how Hypothesis draws it.

All numbers but three choices come from one string of bytes, where 0 is the simplest: the coefficient 0, the parameter
1, no displacement. So an experiment is drawn in a millisecond and shrinks byte by byte. The string is longer than 50
bytes and the choices are small because Hypothesis mixes constants that it finds in modules at hand into what it draws
(not longer, not smaller than that), and what is drawn here must depend on the seed alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from equinorm.search.bases import WINDOWS, Basis, analyze, bases_of, ones, synthesize
from equinorm.search.questions import DENSE, Question, Shape
from equinorm.search.structured import NUMBERS, STRUCTURES, structured
from equinorm.search.subjects import shapes_of_parameters
from equinorm.strategies.layers import EPSILONS
from theory.spec.actions import ActionKind

Floats = np.ndarray[Any, np.dtype[np.float64]]
Table = tuple[tuple[Fraction, ...], ...]

LONGEST_CONSTANT = 50
CORNER = 2
"""A parameter is drawn on so many entries of each of its axes, and is 1 on the others."""

_SIGNED = [sign * value for value in range(1, 65) for sign in (1, -1)]
COEFFICIENTS = np.asarray([0.0] * 128 + [float(value) for value in _SIGNED])
"""By byte: half of them 0, then 1, -1, 2, -2, …."""

BASES = np.asarray([0.0] * 192 + [float(value) for value in _SIGNED[:64]])
"""What is added to all entries, by byte."""

PARAMETERS = np.asarray([1.0] * 128 + [2.0, -1.0, 3.0, 0.5, -2.0, 5.0, 0.25, 7.0] * 16)

TRANSLATIONS = tuple(map(Fraction, ("0", "1/2", "1", "1/3", "1/4", "3/2", "2/5", "2", "7/3")))
LARGEST_SHIFT = 8


@dataclass(frozen=True, eq=False)
class Trial:
    """An experiment: ``coefficients`` of the array over ``bases``, or ``None`` where the array is given alone.

    ``structure`` is the kind of the array, empty for whole numbers. ``displacements`` has a row for all samples or one
    for each, and a column for each moving axis.
    """

    x: Floats
    displacements: Table
    parameters: tuple[Floats, ...]
    eps: Fraction
    bases: tuple[Basis, ...] = ()
    coefficients: Floats | None = None
    structure: str = ""

    @property
    def shape(self) -> Shape:
        """The shape of the array."""
        return tuple(self.x.shape)

    @property
    def table(self) -> Floats:
        """The displacements in floating point."""
        return np.asarray([[float(t) for t in row] for row in self.displacements])


def trial_of(
    coefficients: Floats,
    bases: tuple[Basis, ...],
    displacements: Table,
    parameters: tuple[Floats, ...],
    eps: Fraction,
) -> Trial:
    """The trial of the array with these coefficients."""
    return Trial(synthesize(bases, coefficients), displacements, parameters, eps, bases, coefficients)


@st.composite
def trials(draw: Callable[[st.SearchStrategy[Any]], Any], question: Question, plain: bool = False) -> Trial:
    """Trials of a question; the simplest is an array of zeros that does not move.

    Every second array is one of whole numbers over a basis, and all are if ``plain``.
    """
    shape = question.shapes[draw(st.integers(0, len(question.shapes) - 1))]
    eps = question.eps or EPSILONS[draw(st.integers(0, len(EPSILONS) - 1))]
    kind = 0 if plain else draw(st.integers(0, 2 * len(STRUCTURES) - 1))
    bases, shapes = bases_of(question, shape), shapes_of_parameters(question.subject, shape)
    # The same byte means the same in every shape, so that shapes shrink while the rest stays as it is.
    columns = len(question.places)
    counts = [1, CORNER * columns, NUMBERS, *[CORNER ** len(shape)] * len(shapes), prod(WINDOWS)]
    wanted = max(sum(counts), LONGEST_CONSTANT + 1)
    numbers = np.frombuffer(draw(st.binary(min_size=wanted, max_size=wanted)), dtype=np.uint8)
    base, moved, chosen, *middle, last = np.split(numbers, np.cumsum(counts)[:-1])
    parameters = tuple(_parameter(own, part) for own, part in zip(shapes, middle, strict=True))
    displacements = _displacements(question, shape, moved.reshape(CORNER, columns))
    coefficients = _corner(COEFFICIENTS[last], WINDOWS, np.zeros([len(basis.profiles) for basis in bases]))
    if prod(shape) <= DENSE and BASES[base[0]] != 0:
        # Of one sign, so that what is only defined on positive arrays is defined on some.
        coefficients = np.copysign(coefficients, BASES[base[0]]) + BASES[base[0]] * ones(bases)
    if kind >= len(STRUCTURES):
        structure = STRUCTURES[kind - len(STRUCTURES)]
        x = structured(structure, question, shape, list(map(int, chosen)))
        if prod(shape) > DENSE:
            return Trial(x, displacements, parameters, eps, structure=structure)
        found = trial_of(analyze(bases, x), bases, displacements, parameters, eps)
        return replace(found, structure=structure)
    return trial_of(coefficients, bases, displacements, parameters, eps)


def _corner(values: Floats, corner: Shape, rest: Floats) -> Floats:
    """``rest`` with ``values`` put in at its corner; the last value comes first, being the first to become 0."""
    kept = tuple(slice(0, min(size, count)) for size, count in zip(rest.shape, corner, strict=True))
    rest[kept] = values[: prod(corner)][::-1].reshape(corner)[kept]
    return rest


def _parameter(shape: Shape, numbers: np.ndarray[Any, Any]) -> Floats:
    return _corner(PARAMETERS[numbers], (CORNER,) * len(shape), np.ones(shape))


def _displacements(question: Question, shape: Shape, numbers: np.ndarray[Any, Any]) -> Table:
    """Beyond the first samples all rest; the remainder of a byte chooses a displacement."""
    rows = question.rows(shape)
    found = [
        tuple(
            _displacement(question, shape[place], int(number))
            for place, number in zip(question.places, row, strict=True)
        )
        for row in numbers[: min(rows, CORNER)]
    ]
    still = (Fraction(0),) * len(question.places)
    return (*found, *[still] * (rows - len(found)))


def _displacement(question: Question, size: int, number: int) -> Fraction:
    if question.action.kind is ActionKind.SHIFT:
        return Fraction(number % min(size, LARGEST_SHIFT))
    return TRANSLATIONS[number % len(TRANSLATIONS)] if size > 1 else Fraction(0)
