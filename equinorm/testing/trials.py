"""The arrays and the displacements that are tried, the same ones for the same seed.

First standard normal noise, which shows nearly every defect. Then what it may miss: an impulse, the highest frequency
below N/2, alternating signs where an axis is even (noise again elsewhere), and noise a hundred times as loud or as
faint, for thresholds, saturation and epsilon. Displacements are uniform over the map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from equinorm.testing.libraries import Floats
from equinorm.testing.question import Question
from numerics.spectrum import low_pass
from numerics.translations import Table, remove_nyquist
from theory.spec.actions import ActionKind, Scope
from theory.spec.errors import refuse
from theory.spec.grids import Domain

LOUD = 100.0
KINDS = ("noise", "impulse", "highest frequency", "alternating signs", "loud noise", "faint noise")


@dataclass(frozen=True)
class Trial:
    """An array to try; ``kind`` names its structure."""

    kind: str
    x: Floats


def draw_trials(question: Question) -> list[Trial]:
    """The arrays, within the domain; from the second round of ``KINDS`` on, noise."""
    rng = np.random.Generator(np.random.PCG64(question.seed))
    kinds = [KINDS[number] if number < len(KINDS) else "noise" for number in range(question.trials)]
    return [Trial(kind, into(question.domain, _array(kind, question, rng), question.motion.axes)) for kind in kinds]


def into(domain: Domain, x: Floats, axes: Sequence[int]) -> Floats:
    """The nearest array of ``domain``, taken along ``axes``; all real arrays stay as they are, bit for bit."""
    if domain.nyquist_free:
        return np.asarray(remove_nyquist(x, axes)[0])
    for axis in axes if domain.band is not None else ():
        x = low_pass(x, Fraction(2 * (domain.band or 0) + 1, 2 * x.shape[axis]), (axis,))
    return x


def _array(kind: str, question: Question, rng: np.random.Generator) -> Floats:
    shape = question.shape
    if kind == "impulse":
        x = np.zeros(shape)
        x[tuple(int(rng.integers(size)) for size in shape)] = 1.0
        return x
    x = rng.standard_normal(shape)
    if kind in ("loud noise", "faint noise"):
        return x * LOUD if kind == "loud noise" else x / LOUD
    waves = _waves(kind, question)
    if not waves:
        return x
    # One weight for each entry of the other axes; a wave whose phase is no special one.
    x = x[tuple(slice(0, 1) if place - len(shape) in waves else slice(None) for place in range(len(shape)))]
    for axis, frequency in waves.items():
        turn = 0.0 if kind == "alternating signs" else 0.1
        wave = np.cos(2 * np.pi * (frequency * np.arange(shape[axis]) / shape[axis] + turn))
        x = x * wave.reshape([-1 if place - len(shape) == axis else 1 for place in range(len(shape))])
    return x


def _waves(kind: str, question: Question) -> dict[int, int]:
    """The frequency along each axis that a wave of this kind has; alternating signs only where the domain has them."""
    sizes = dict(zip(question.motion.axes, question.sizes, strict=True))
    band = question.domain.band
    if kind == "highest frequency":
        return {axis: (size - 1) // 2 if band is None else min(band, size // 2) for axis, size in sizes.items()}
    if kind == "alternating signs" and not question.domain.nyquist_free and band is None:
        return {axis: size // 2 for axis, size in sizes.items() if size % 2 == 0}
    return {}


def draw_displacements(question: Question, output: tuple[int, ...], rng: np.random.Generator) -> Table:
    """Displacements that move each axis of two samples or more; those given, where they are.

    Args:
        question: what is asked.
        output: the shape of the layer's output: a shift must move it by whole samples, too.
        rng: generator.

    Raises:
        SpecificationError: no shift but a whole turn moves the output by whole samples.
    """
    if question.displacements is not None:
        return question.displacements
    rows = question.shape[0] if question.scope is Scope.PER_SAMPLE else 1
    sizes = question.sizes
    drawn = rng.random((rows, len(sizes)))
    if question.motion.kind is ActionKind.TRANSLATION:
        return np.asarray(np.where(np.asarray(sizes) == 1, 0.0, drawn * np.asarray(sizes)))
    steps = np.asarray([_step(size, output[axis]) for size, axis in zip(sizes, question.motion.axes, strict=True)])
    counts = np.asarray(sizes) // steps
    if np.any((counts == 1) & (np.asarray(sizes) > 1)):
        remedy = "take sizes that are multiples of the stride, or displacements of your own"
        raise refuse(f"shape={question.shape}", f"a shift that moves the output {output} by whole samples", remedy)
    return np.asarray(np.where(counts == 1, 0, 1 + np.floor(drawn * (counts - 1))) * steps, dtype=np.float64)


def _step(size: int, coarse: int) -> int:
    """The smallest shift on ``size`` samples that moves ``coarse`` samples by a whole number of them."""
    return 1 if coarse == 1 else size // math.gcd(size, coarse)
