"""Witnesses: an input, parameters and a displacement at which a term is not equivariant, found and made certain.

The search goes from simple to generic: no input at all (a bias that varies), one wave packet in one entry, one in each
of two samples, and sums of several; parameters constant, then varying. Packets hold the frequencies at fault and stay in the
domain. Both sides are evaluated with error bounds (:mod:`theory.calculus.evaluate`); a witness counts only if the two
values are certainly different, first in floats, then in long floats for the faint defects of narrow bands.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from theory.calculus.boards import Board, board_of
from theory.calculus.displace import displaced
from theory.calculus.evaluate import FLOATS, Arithmetic, Assignment, Ball, Number, Undefined, evaluate, long_floats
from theory.calculus.profiles import Part, Profile
from theory.calculus.setting import Dimension, Setting
from theory.calculus.simplify import Occurrence
from theory.spec.terms import Term, walk

CONSTANT = Profile("constant")
GENERIC_TRIES = 4
PARTS_OF_GENERIC = 8
LIFT = 40


@dataclass(frozen=True)
class Trial:
    """What is tried: the parts of the input, how parameters vary, epsilon and the displacement.

    ``variation`` 0 sets every parameter to 1; 1 makes the i-th one 2 + i at its first entry, and -1 the negative of
    that; a larger number is the seed of small random integers.
    """

    parts: tuple[Part, ...]
    variation: int
    eps: Fraction
    displacement: Fraction


@dataclass(frozen=True)
class Witness:
    """A trial on exact sizes at which the two sides differ, and where they do.

    ``entry`` is a place of the output array; ``moved_then_layer`` is term(T x) there and ``layer_then_moved`` is T term(x);
    neither is further than ``error`` from its exact value. Only the first entry of the axis ``only`` moves, if given.
    """

    trial: Trial
    axis: str
    only: str | None
    sizes: tuple[int, ...]
    entry: tuple[int, ...]
    moved_then_layer: float
    layer_then_moved: float
    error: float


def parameter_value(occurrence: Occurrence, cell: tuple[int, ...], names: str, variation: int) -> int:
    """The entry of a parameter at a cell, a small integer."""
    if variation == 0:
        return 1
    places = tuple(place for name, place in zip(names, cell, strict=True) if name in occurrence.axes)
    if abs(variation) == 1:
        return variation * (1 if any(places) else 2 + occurrence.index)
    # A seed of its own for every entry, so that it does not depend on how many entries the board has.
    return random.Random(f"{variation}/{occurrence.index}/{places}").randint(-3, 3)


@lru_cache(maxsize=2048)
def occurrences(term: Term) -> tuple[Occurrence, ...]:
    """The parameters of a numbered term, each once, by number."""
    found = {node.index: node for node in walk(term) if isinstance(node, Occurrence)}
    return tuple(found[index] for index in sorted(found))


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


def compare(term: Term, trial: Trial, setting: Setting, board: Board, arithmetic: Arithmetic) -> Witness | None:
    """The witness that a trial is, at the entry where the two sides differ most; ``None`` if they may be equal."""
    only = next(iter(setting.separate), None)
    axis = setting.moving.name
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
    return Witness(
        trial=trial,
        axis=axis,
        only=only,
        sizes=board.sizes,
        entry=board.cells[place],
        moved_then_layer=float(left.values[place]),
        layer_then_moved=float(right.values[place]),
        # The values are rounded to a float on the way out.
        error=float(error) + math.ulp(max(abs(float(left.values[place])), abs(float(right.values[place])))),
    )


def refined(term: Term, witness: Witness, setting: Setting) -> Witness:
    """The same witness with its two values evaluated in long floats."""
    found = compare(term, witness.trial, setting, board_of(setting, witness.sizes), long_floats())
    return found or witness


def _packets(dimension: Dimension, size: int, moving: bool) -> tuple[Profile, ...]:
    """The profiles to try along one axis, simplest first, all within the domain."""
    if not dimension.restricted:
        return (Profile("entry", 0),)
    limit = 0 if dimension.limit is None else dimension.limit.at(_member(dimension, size))
    if limit == 0:
        return (CONSTANT,)
    if dimension.limit is not None and dimension.size.parity == 0 and limit == (size - 1) // 2:
        return (Profile("pair", 0),) if moving else (Profile("pair", 0), CONSTANT)
    waves = (Profile("cosine", limit), Profile("cosine", 1)) if moving else (Profile("cosine", 1), CONSTANT)
    return tuple(dict.fromkeys(waves))


def _member(dimension: Dimension, size: int) -> int:
    step = dimension.size.step
    return (size - dimension.size.least) // step if step else 0


def _simple_inputs(setting: Setting, sizes: tuple[int, ...]) -> Iterator[tuple[Part, ...]]:
    """One packet in one entry; one in each of the first two entries of the axis that moves apart."""
    options = [_packets(d, n, d.name == setting.moving.name) for d, n in zip(setting.dimensions, sizes, strict=True)]
    for choice in range(max(map(len, options))):
        profiles = tuple(option[min(choice, len(option) - 1)] for option in options)
        yield (Part(Fraction(1), profiles),)
        for place, dimension in enumerate(setting.dimensions):
            if dimension.name in setting.separate and sizes[place] > 1:
                second = (*profiles[:place], Profile("entry", 1), *profiles[place + 1 :])
                yield (Part(Fraction(1), profiles), Part(Fraction(1), second))


def _generic_input(setting: Setting, sizes: tuple[int, ...], seed: int) -> tuple[Part, ...]:
    """Several packets at random places with small random amplitudes."""
    draw = random.Random(seed)
    parts = []
    for _ in range(PARTS_OF_GENERIC):
        profiles = []
        for dimension, size in zip(setting.dimensions, sizes, strict=True):
            (kind, *_rest) = _packets(dimension, size, dimension.name == setting.moving.name)
            if kind.kind == "cosine":
                wave = Profile(draw.choice(("cosine", "sine")), draw.randint(1, kind.number))
                kind = draw.choice((CONSTANT, wave, wave))
            elif kind.kind != "constant":
                # On a folded axis only the first two entries have cells of their own.
                whole = size <= 3 or dimension.name == setting.moving.name
                kind = Profile(kind.kind, draw.randrange(size if whole else 2 if kind.kind == "entry" else 1))
            profiles.append(kind)
        parts.append(Part(Fraction(draw.choice((-3, -2, -1, 1, 2, 3))), tuple(profiles)))
    return tuple(parts)


def _displacements(setting: Setting) -> tuple[Fraction, ...]:
    """One sample generates all shifts; half a sample can be blind on three samples, so a third stands beside it."""
    return (Fraction(1),) if setting.shifts else (Fraction(1, 2), Fraction(1, 3))


def simple_trials(term: Term, setting: Setting, sizes: tuple[int, ...], eps: Fraction) -> Iterator[Trial]:
    """No input, then single packets; parameters constant, then varying."""
    occurring = occurrences(term)
    if any(setting.moving.name in occurrence.axes for occurrence in occurring):
        yield Trial((), 1, eps, Fraction(1))
        for simple in _simple_inputs(setting, sizes):
            yield Trial(simple, 1, eps, Fraction(1))
    for variation in (0, 1) if occurring else (0,):
        for simple in _simple_inputs(setting, sizes):
            for t in _displacements(setting):
                yield Trial(simple, variation, eps, t)


def generic_trials(term: Term, setting: Setting, sizes: tuple[int, ...], eps: Fraction) -> Iterator[Trial]:
    """Sums of several packets with parameters drawn at random."""
    displacements, occurring = _displacements(setting), occurrences(term)
    for seed in range(2, 2 + GENERIC_TRIES):
        generic = _generic_input(setting, sizes, seed)
        for value in (eps, Fraction(1)):
            for t in displacements:
                yield Trial(generic, seed if occurring else 0, value, t)
        # A large constant on top makes roots of odd terms defined, and so does its negative.
        for sign in (1, -1):
            lift = Part(Fraction(sign * LIFT), (CONSTANT,) * len(sizes))
            for t in displacements:
                yield Trial((*generic, lift), seed % 2, eps, t)
        if occurring:
            for t in displacements:
                yield Trial(generic, -1, eps, t)


def find_simple_witness(term: Term, setting: Setting, sizes: tuple[int, ...], eps: Fraction) -> Witness | None:
    """The first simple trial at which a numbered term is certainly not equivariant, looking in floats only."""
    board = board_of(setting, sizes)
    found = (compare(term, trial, setting, board, FLOATS) for trial in simple_trials(term, setting, sizes, eps))
    return next((witness for witness in found if witness is not None), None)


def find_witness(term: Term, setting: Setting, sizes: tuple[int, ...], eps: Fraction) -> Witness | None:
    """The first trial at which a numbered term is certainly not equivariant on a grid of these sizes."""
    board = board_of(setting, sizes)
    tried = [*simple_trials(term, setting, sizes, eps), *generic_trials(term, setting, sizes, eps)]
    for arithmetic in (FLOATS, long_floats()):
        for trial in tried:
            found = compare(term, trial, setting, board, arithmetic)
            if found is not None:
                return found
    return None
