"""The arrays at which an unknown function is asked, and the two halves of what it answers.

A normalization is odd about its bias: centering is linear and a scale is even, so

    even(x) = (f(x) + f(-x)) / 2 = bias,    odd(x) = (f(x) - f(-x)) / 2 = gain * c(x) * h(s(x)).

Along a ray t x its odd part is linear in t where epsilon rules (t small) and has another degree where the scale does.
Arrays hold few bits and t is a power of 2, so that float32 inside the function sees the same numbers as float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from numerics.arrays import Floats
from numerics.rounding import probe_rounding

Function = Callable[[Floats], Floats]

BITS = 2.0**10
"""Steps in 1 of what is drawn."""

SMALLEST, LARGEST, LARGEST_SINGLE = -56, 48, 28
"""Powers of 2 between which a ray is looked at. At the largest no epsilon in use is seen any more, and squares, in
float32 fourth powers too, are still numbers."""


def draw(shape: tuple[int, ...], rng: np.random.Generator, count: int, bits: float = BITS) -> Floats:
    """``count`` arrays about as large as 1, off center: normal, uniform, heavy-tailed and nearly sparse ones.

    They hold whole multiples of 1 / ``bits``.
    """
    drawn = []
    for index in range(count):
        x = rng.standard_normal(shape)
        if index % 4 == 1:
            x = rng.uniform(-2, 2, shape)
        elif index % 4 == 2:
            x = x * np.abs(x)
        elif index % 4 == 3:
            x = 2 * x * np.where(rng.uniform(size=shape) < 0.6, 1, 1 / 32)  # no zeros: nowhere a scale of 0
        drawn.append(np.round((x + rng.uniform(-1, 1)) * bits) / bits)
    return np.asarray(drawn)


@dataclass(frozen=True)
class Ray:
    """A function along the ray t x: ``odd`` and ``even`` hold an array for each amplitude t."""

    x: Floats
    amplitudes: Floats
    odd: Floats
    even: Floats

    @property
    def slopes(self) -> Floats:
        """odd(t x) / t."""
        return self.odd / self.amplitudes.reshape(-1, *(1,) * self.x.ndim)


class Probe:
    """An unknown function with the arrays it is asked at; ``unit`` is the unit roundoff it was seen to compute with."""

    def __init__(self, function: Function, shape: tuple[int, ...], seed: int = 0, count: int = 4) -> None:
        self.calls = 0
        self._function = function
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.inputs = draw(shape, self.rng, count)
        unit = probe_rounding(self, self.inputs[0], self(self.inputs[0])).unit
        # What rounds a little to float32 may round all of it elsewhere.
        self.unit = unit if unit < 2.0**-50 else max(unit, 2.0**-24)
        self.amplitudes = 2.0 ** np.arange(SMALLEST, 1 + (LARGEST if self.unit < 2.0**-40 else LARGEST_SINGLE), 4.0)

    def __call__(self, x: Floats) -> Floats:
        """The function's value, as float64."""
        self.calls += 1
        return np.asarray(self._function(np.array(x, dtype=np.float64)), dtype=np.float64)

    def halves(self, x: Floats) -> tuple[Floats, Floats]:
        """odd(x) and even(x)."""
        there, back = self(x), self(-x)
        return (there - back) / 2, (there + back) / 2

    def odd(self, xs: Floats, amplitude: float) -> Floats:
        """The odd part at each array of a stack, times ``amplitude``."""
        return np.asarray([self.halves(amplitude * x)[0] for x in xs])

    @property
    def large(self) -> float:
        """The largest amplitude."""
        return float(self.amplitudes[-1])

    def ray(self, x: Floats, amplitudes: Floats) -> Ray:
        """Both halves along the ray through ``x``."""
        halves = [self.halves(t * x) for t in amplitudes]
        return Ray(x, amplitudes, np.asarray([odd for odd, _ in halves]), np.asarray([even for _, even in halves]))


def size(values: Floats) -> float:
    """The root mean square of all entries."""
    return float(np.sqrt(np.mean(values * values)))


def apart(first: Floats, second: Floats) -> float:
    """The size of the difference relative to that of ``second``; 0 if there is none, NaN is infinite."""
    difference, whole = size(first - second), size(second)
    if difference == 0:
        return 0.0
    ratio = difference / whole if whole else np.inf
    return float(ratio) if np.isfinite(ratio) else np.inf
