"""Trials: the inputs, parameters and displacements at which a witness is looked for, from simple to generic.

No input at all (for a bias that varies), one wave packet in one entry, one in each of two samples, then sums of many;
parameters constant, then varying. Packets hold the frequencies at fault and stay in the domain: a single entry holds
every frequency, a pair all but the Nyquist bin, and where the domain is a band the waves of its edge are taken.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product

from theory.calculus.displace import Displacement
from theory.calculus.profiles import Part, Profile
from theory.calculus.setting import Dimension, Setting
from theory.calculus.simplify import Occurrence
from theory.spec.axes import AxisSet
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
    displacement: Displacement

    def waves(self, names: str) -> AxisSet:
        """The axes along which the input has a wave, whose samples all differ."""
        profiles = [profile for part in self.parts for profile in zip(names, part.profiles, strict=True)]
        return frozenset(name for name, profile in profiles if profile.kind in ("cosine", "sine"))


def parameter_value(occurrence: Occurrence, cell: tuple[int, ...], names: str, variation: int) -> int:
    """The entry of a parameter at a cell, a small integer."""
    if variation == 0:
        return 1
    places = tuple(place for name, place in zip(names, cell, strict=True) if name in occurrence.axes)
    if abs(variation) == 1:
        return variation * (1 if any(places) else 2 + occurrence.index)
    # A seed of its own for every entry, so that it does not depend on how many entries the board has.
    return random.Random(f"{variation}/{occurrence.index}/{places}").randint(-3, 3)


@lru_cache(maxsize=16_384)
def occurrences(term: Term) -> tuple[Occurrence, ...]:
    """The parameters of a numbered term, each once, by number."""
    found = {node.index: node for node in walk(term) if isinstance(node, Occurrence)}
    return tuple(found[index] for index in sorted(found))


def _packets(dimension: Dimension, size: int, moving: bool) -> tuple[Profile, ...]:
    """The profiles to try along one axis, simplest first, all within the domain."""
    if not dimension.restricted:
        return (Profile("entry", 0),)
    limit = _limit(dimension, size)
    if limit == 0:
        return (CONSTANT,)
    if dimension.without_nyquist:
        return (Profile("pair", 0),) if moving else (Profile("pair", 0), CONSTANT)
    # Constant first along the other axes: it is a wave as well, and the board can then be folded.
    waves = (Profile("cosine", limit), Profile("cosine", 1)) if moving else (CONSTANT, Profile("cosine", 1))
    return tuple(dict.fromkeys(waves))


def _limit(dimension: Dimension, size: int) -> int:
    """The largest frequency of the input along an axis at one size of its family."""
    step = dimension.size.step
    member = (size - dimension.size.least) // step if step else 0
    return 0 if dimension.limit is None else dimension.limit.at(member)


def _simple_inputs(setting: Setting, sizes: tuple[int, ...]) -> Iterator[tuple[Part, ...]]:
    """One packet in one entry; one in each of the first two entries of the axis that moves apart."""
    options = [_packets(d, n, d.name == setting.moving.name) for d, n in zip(setting.dimensions, sizes, strict=True)]
    moving = [dimension.name for dimension in setting.dimensions].index(setting.moving.name)
    for profiles in product(*options):
        yield (Part(Fraction(1), profiles),)
        if profiles[moving].kind == "cosine":
            # A cosine and a sine are a wave out of step with the samples, whose square is at N/2 more than a cosine.
            late = (*profiles[:moving], Profile("sine", profiles[moving].number), *profiles[moving + 1 :])
            yield (Part(Fraction(1), profiles), Part(Fraction(1), late))
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
            packets = _packets(dimension, size, dimension.name == setting.moving.name)
            kind = packets[0]
            waves = [packet for packet in packets if packet.kind == "cosine"]
            if waves:
                wave = Profile(draw.choice(("cosine", "sine")), draw.randint(1, _limit(dimension, size)))
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
