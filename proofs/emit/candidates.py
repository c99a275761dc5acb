"""Candidates for a refutation on every grid of a family, from simple to less simple.

What breaks equivariance on all grids alike shows at inputs made of one wave packet or two:

    a parameter varies along the axis           no input (a bias), or one packet (a gain); T a shift by one sample
    a mean mixes samples that move apart        a packet in one sample, or in two; T shifts the first sample
    a product meets a wave beyond N/2           one wave; T a real translation

Along the other axes the packet is constant, or a single entry where a mean over the axis would leave nothing of it.
Each candidate is tried on the smallest grid in numbers, and on all grids by the kernel; none is believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from theory.calculus.defects import parity
from theory.calculus.displace import Displacement, Phase
from theory.calculus.profiles import Part, Profile
from theory.calculus.setting import Dimension, Setting
from theory.calculus.trials import CONSTANT, Trial, occurrences
from theory.decision.decide import derive
from theory.spec.axes import AxisSet
from theory.spec.terms import Mean, Term, walk

PHASE = Phase(Fraction(3, 5), Fraction(4, 5))
ONE_SAMPLE = Fraction(1)
RATIONAL: dict[int, Displacement] = {2: Fraction(1, 3), 3: Fraction(1, 2), 4: PHASE}
"""A displacement with rational entries that is not blind: half a sample sends a centred pair to 0."""


@dataclass(frozen=True)
class Candidate:
    """A pattern of the kernel, ``shift`` or ``wave``, with its order, and the trial that it is on one grid."""

    pattern: str
    order: int
    trial: Trial


def packet(dimension: Dimension) -> Profile:
    """What holds the frequencies at fault along an axis and lies in the domain."""
    return Profile("pair" if dimension.without_nyquist else "entry", 0)


def fractional(size: int) -> Displacement:
    """A displacement by no whole number of samples."""
    return RATIONAL.get(size, Fraction(1, 2))


def _inputs(term: Term, setting: Setting, samples: tuple[int, ...]) -> Iterator[tuple[Part, ...]]:
    """A packet along the moving axis; constant elsewhere, or one entry of one axis; in the named samples, if any."""
    reduced: AxisSet = frozenset().union(*(node.axes for node in walk(term) if isinstance(node, Mean)))
    moving = setting.moving
    spots: list[dict[str, Profile]] = [{}]
    for dimension in setting.dimensions:
        apart = bool(samples) and dimension.name in setting.separate
        if dimension.name in reduced and dimension.name != moving.name and dimension.varies and not apart:
            spots.append({dimension.name: packet(dimension)})
    packets: list[tuple[tuple[int, Profile], ...]] = [((1, packet(moving)),)]
    if moving.without_nyquist and samples:
        # On four samples a centred pair has a constant square; 1, 0, -1, 0 has not.
        packets.append(((1, Profile("pair", 0)), (-1, Profile("pair", 1))))
    for chosen in packets:
        for spot in spots:
            parts = []
            for sample in samples or (None,):
                for amplitude, profile in chosen:
                    own = {**spot, moving.name: profile}
                    rest = tuple(own.get(dimension.name, CONSTANT) for dimension in setting.dimensions)
                    parts.append(Part(Fraction(amplitude), _in_sample(rest, sample, setting)))
            yield tuple(parts)


def _in_sample(profiles: tuple[Profile, ...], sample: int | None, setting: Setting) -> tuple[Profile, ...]:
    if sample is None:
        return profiles
    entry = Profile("entry", sample)
    return tuple(
        entry if d.name in setting.separate else profile
        for d, profile in zip(setting.dimensions, profiles, strict=True)
    )


def candidates(term: Term, setting: Setting, size: int, eps: Fraction) -> Iterator[Candidate]:
    """The candidates for a numbered term; ``size`` is the least number of samples of the moving axis."""
    if setting.moving.restricted and not setting.moving.without_nyquist:
        return  # a band: which wave is at fault depends on the size
    if not derive(term, replace(setting, shifts=True)).holds:
        yield from _shifts(term, setting, eps)
    if not setting.shifts:
        alike = replace(setting, dimensions=tuple(replace(d, separate=False) for d in setting.dimensions))
        for order in {1: (3,), 0: (2,), None: (2, 3)}[parity(term)]:
            for parts in _inputs(term, alike, ()):
                yield Candidate("wave", order, Trial(parts, 0, eps, fractional(size)))


def _shifts(term: Term, setting: Setting, eps: Fraction) -> Iterator[Candidate]:
    """Those that a shift by one sample shows."""
    if any(setting.moving.name in occurrence.axes for occurrence in occurrences(term)):
        yield Candidate("shift", 0, Trial((), 1, eps, ONE_SAMPLE))
        for parts in _inputs(term, setting, ()):
            yield Candidate("shift", 1, Trial(parts, 1, eps, ONE_SAMPLE))
    if any(node.axes & setting.separate for node in walk(term) if isinstance(node, Mean)):
        for samples, order in (((0,), 1), ((0, 1), 3), ((0, 1), 2)):
            for parts in _inputs(term, setting, samples):
                yield Candidate("shift", order, Trial(parts, 0, eps, ONE_SAMPLE))
