"""Witnesses: an input, parameters and a displacement at which a term is not equivariant, made certain.

Both sides are evaluated with error bounds (:mod:`theory.calculus.evaluate`); a witness counts only if the two values
are certainly different, first in floats, then in long floats for the faint defects of narrow bands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from theory.calculus.boards import Board, board_of
from theory.calculus.displace import displaced
from theory.calculus.evaluate import FLOATS, Arithmetic, Assignment, Ball, Number, Undefined, evaluate, long_floats
from theory.calculus.profiles import Part
from theory.calculus.setting import Setting
from theory.calculus.simplify import Occurrence
from theory.calculus.trials import Trial, generic_trials, occurrences, parameter_value, simple_trials
from theory.spec.terms import Term

FAINT_TRIES = 6
CELLS, LONG_CELLS = 300_000, 20_000

LAST_DIGIT = Decimal("1e-57")
"""Long floats print 59 significant digits; this is a bound of the relative error that leaves."""


@dataclass(frozen=True)
class Witness:
    """A trial on exact sizes at which the two sides differ, and where they do.

    ``entry`` is a place of the output array; ``moved_then_layer`` is term(T x) there and ``layer_then_moved`` is
    T term(x); neither is further than ``error`` from its exact value, and they are further than twice that apart. They
    are decimals of many digits where floats could not tell them apart. Only the first entry of the axis ``only``
    moves, if given.
    """

    trial: Trial
    axis: str
    only: str | None
    sizes: tuple[int, ...]
    entry: tuple[int, ...]
    moved_then_layer: float | Decimal
    layer_then_moved: float | Decimal
    error: float | Decimal


def input_values(parts: tuple[Part, ...], board: Board, arithmetic: Arithmetic) -> Ball:
    """The array that the parts add up to on a board."""
    total: list[Number] = [arithmetic.number(Fraction(0))] * len(board.cells)
    exact = True
    for part in parts:
        lines = []
        for profile, size, length in zip(part.profiles, board.sizes, board.shape, strict=True):
            line = []
            for n in range(length):
                value = profile.at(n, size)
                turns = profile.turns(n, size)
                if value is None and turns is not None:
                    exact = False
                    line.append(arithmetic.cosine(turns))
                else:
                    line.append(arithmetic.number(value if value is not None else Fraction(0)))
            lines.append(line)
        amplitude = arithmetic.number(part.amplitude)
        for place, cell in enumerate(board.cells):
            value = amplitude
            for line, n in zip(lines, cell, strict=True):
                value = value * line[n]
            total[place] += value
    ball = Ball(total, 0)
    reach = sum((abs(part.amplitude) for part in parts), Fraction(0))
    return ball if exact else Ball(total, 16 * len(parts) * arithmetic.unit * arithmetic.number(reach))


@lru_cache(maxsize=2048)
def _parameter_array(occurrence: Occurrence, variation: int, board: Board, arithmetic: Arithmetic) -> list[Number]:
    """A parameter on all cells of a board; the same few recur for thousands of terms."""
    values = (parameter_value(occurrence, cell, board.names, variation) for cell in board.cells)
    return [arithmetic.number(Fraction(value)) for value in values]


def _written(first: Number, second: Number, error: Number) -> tuple[float | Decimal, float | Decimal, float | Decimal]:
    """Two values and their error as floats, or as long decimals if floats would make the values alike or infinite."""
    floats = float(first), float(second)
    if isinstance(first, float):
        return *floats, float(error)
    largest = max(map(abs, floats))
    if math.isfinite(largest):
        rounded = float(error) + math.ulp(largest)
        if abs(floats[0] - floats[1]) > 2 * rounded:
            return *floats, rounded
    # What the arithmetic prints is right to its own unit.
    decimals = Decimal(str(first)), Decimal(str(second))
    return *decimals, Decimal(str(error)) + LAST_DIGIT * max(map(abs, decimals))


def compare(
    term: Term,
    trial: Trial,
    setting: Setting,
    sizes: tuple[int, ...],
    arithmetic: Arithmetic,
    board: Board | None = None,
) -> Witness | None:
    """The witness that a trial is, at the entry where the two sides differ most; ``None`` if they may be equal.

    The board is one on which the input and the parameters are constant in every cell; by default, the usual one.
    """
    only = next(iter(setting.separate), None)
    axis = setting.moving.name
    if board is None:
        board = board_of(setting, sizes, trial.waves("".join(d.name for d in setting.dimensions)))
    x = input_values(trial.parts, board, arithmetic)
    parameters = tuple(_parameter_array(o, trial.variation, board, arithmetic) for o in occurrences(term))
    eps = arithmetic.number(trial.eps)
    try:
        moved = displaced(x, trial.displacement, only, board, axis, arithmetic)
        left = evaluate(term, Assignment(moved, parameters, eps), board, arithmetic)
        still = evaluate(term, Assignment(x, parameters, eps), board, arithmetic)
    except Undefined:
        return None
    right = displaced(still, trial.displacement, only, board, axis, arithmetic)
    error = left.radius + right.radius
    gap, place = max((abs(a - b), i) for i, (a, b) in enumerate(zip(left.values, right.values, strict=True)))
    if not gap > 2 * error:
        return None
    first, second, error = _written(left.values[place], right.values[place], error)
    return Witness(
        trial=trial,
        axis=axis,
        only=only,
        sizes=board.sizes,
        entry=board.cells[place],
        moved_then_layer=first,
        layer_then_moved=second,
        error=error,
    )


def refined(term: Term, witness: Witness, setting: Setting) -> Witness:
    """The same witness with its two values evaluated in long floats."""
    found = compare(term, witness.trial, setting, witness.sizes, long_floats())
    return found or witness


def _first(
    term: Term,
    trials: Iterable[Trial],
    setting: Setting,
    sizes: tuple[int, ...],
    arithmetic: Arithmetic,
) -> Witness | None:
    """The first trial that is a witness, of those whose board is not too large for the arithmetic."""
    names = "".join(d.name for d in setting.dimensions)
    limit = CELLS if arithmetic is FLOATS else LONG_CELLS
    for trial in trials:
        if math.prod(board_of(setting, sizes, trial.waves(names)).shape) <= limit:
            found = compare(term, trial, setting, sizes, arithmetic)
            if found is not None:
                return found
    return None


def find_simple_witness(term: Term, setting: Setting, sizes: tuple[int, ...], eps: Fraction) -> Witness | None:
    """The first simple trial at which a numbered term is certainly not equivariant, looking in floats only."""
    return _first(term, simple_trials(term, setting, sizes, eps), setting, sizes, FLOATS)


def find_witness(term: Term, setting: Setting, sizes: tuple[int, ...], eps: Fraction) -> Witness | None:
    """The first trial at which a numbered term is certainly not equivariant on a grid of these sizes.

    Long floats are slow, and a grid may be large, so every arithmetic has a limit to the cells that it works on.
    """
    simple = tuple(simple_trials(term, setting, sizes, eps))
    generic = tuple(generic_trials(term, setting, sizes, eps))
    # What is too faint for floats shows at a simple input or the first few generic ones, or not at all.
    stages = (
        (FLOATS, simple),
        (long_floats(), simple),
        (FLOATS, generic),
        (long_floats(), generic[:FAINT_TRIES]),
    )
    found = (_first(term, trials, setting, sizes, arithmetic) for arithmetic, trials in stages)
    return next((witness for witness in found if witness is not None), None)
