"""Concrete arrays and a concrete T, in which the axioms of the first-order problems are true or false.

x is drawn from the domain of a statement, T is the symmetric translation by drawn displacements (of each sample its
own, where they move apart) by way of the FFT. The pointwise function is 1/sqrt(1 + a^2), which is defined everywhere.
Every array comes with a magnitude that its rounding errors are small against.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from proofs.prove.axioms import Formula, Motion

TOO_LARGE = 1e12
AGREE, PRESENT = 1e-7, 1e-9


class Value(NamedTuple):
    """An array, and what is known of its rounding: errors are about 1e-15 of the magnitude."""

    array: np.ndarray[Any, Any]
    magnitude: float


class TooLarge(Exception):
    """Numbers of which nothing can be told in floats."""


@dataclass
class Model:
    """Arrays on one grid of a statement; ``steps`` says which one for each axis."""

    motion: Motion
    steps: tuple[int, ...]
    seed: int
    known: dict[Any, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        statement, random = self.motion.statement, np.random.default_rng(self.seed)
        self.sizes = [a.size.first + a.size.step * m for a, m in zip(statement.axes, self.steps, strict=True)]
        self.place = statement.axes.index(self.motion.moving)
        x = random.uniform(-1, 1, self.sizes)
        for place, (axis, m) in enumerate(zip(statement.axes, self.steps, strict=True)):
            if axis.limit is not None:
                limit = axis.limit.first + axis.limit.step * m
                x = self.filtered(x, place, (abs(self.frequencies(place)) <= limit).astype(float))
        self.known["x",] = Value(x, 1.0)
        for number, axes in enumerate(statement.parameters):
            shape = [n if axis.name in axes else 1 for axis, n in zip(statement.axes, self.sizes, strict=True)]
            self.known["par", number] = Value(np.broadcast_to(random.uniform(-1, 1, shape), self.sizes), 1.0)
        apart = [n if axis.separate else 1 for axis, n in zip(statement.axes, self.sizes, strict=True)]
        t = random.integers(-5, 6, apart) if statement.shifts else random.uniform(-3, 3, apart)
        k = self.frequencies(self.place)
        self.phases = np.where(2 * k == self.sizes[self.place], np.cos(np.pi * t), np.exp(-2j * np.pi * k * t / k.size))

    def frequencies(self, place: int) -> np.ndarray[Any, Any]:
        """The frequencies -N/2 < k <= N/2 along an axis."""
        size, shape = self.sizes[place], [1] * len(self.sizes)
        shape[place] = size
        k = np.arange(size)
        return np.where(2 * k > size, k - size, k).reshape(shape)

    def filtered(self, array: np.ndarray[Any, Any], place: int, factors: np.ndarray[Any, Any]) -> Any:
        """The coefficients along an axis, multiplied."""
        return np.fft.ifft(np.fft.fft(array, axis=place) * factors, axis=place).real

    def value(self, term: Any) -> Value:
        """The array of a flat term."""
        if term not in self.known:
            self.known[term] = found = self._computed(term)
            if found.magnitude > TOO_LARGE:
                raise TooLarge
        return self.known[term]

    def _computed(self, term: Any) -> Value:
        kind, *rest = term
        if kind in ("number", "eps"):
            number = float(rest[0]) if rest else 0.01
            return Value(np.full(self.sizes, number), abs(number))
        parts = [self.value(part) for part in rest if isinstance(part, tuple)]
        first = parts[0]
        if kind == "T":
            return Value(self.filtered(first.array, self.place, self.phases), 2 * first.magnitude)
        if kind == "mean":
            names = [axis.name for axis in self.motion.statement.axes]
            over = tuple(names.index(name) for name in rest[1])
            return Value(np.broadcast_to(first.array.mean(axis=over, keepdims=True), self.sizes), first.magnitude)
        if kind == "rsqrt":
            return Value(1 / np.sqrt(1 + first.array**2), max(1.0, first.magnitude))
        if kind == "sum":
            return Value(sum(p.array for p in parts), sum(p.magnitude for p in parts))  # type: ignore[arg-type]
        assert kind == "product"
        product = np.prod([p.array for p in parts], axis=0)
        return Value(product, float(np.prod([p.magnitude for p in parts])))

    def whole(self, formula: Formula) -> int:
        """A whole number."""
        kind, *rest = formula
        if kind == "band":
            array, magnitude = self.value(rest[0])
            coefficients = abs(np.fft.fft(array, axis=self.place)) / self.sizes[self.place]
            there = coefficients > PRESENT * magnitude
            return int((abs(self.frequencies(self.place)) * there).max())
        if kind == "whole":
            return int(rest[0])
        if kind in ("samples", "steps"):
            return (self.sizes if kind == "samples" else self.steps)[self.place]
        parts = [self.whole(part) for part in rest]
        return sum(parts) if kind == "plus" else int(np.prod(parts))

    def holds(self, formula: Formula) -> bool:
        """Whether a formula is true."""
        kind, *rest = formula
        if kind == "=>":
            return not self.holds(rest[0]) or self.holds(rest[1])
        if kind in ("and", "or"):
            return (all if kind == "and" else any)(map(self.holds, rest))
        if kind == "alternating":
            array, magnitude = self.value(rest[0])
            return bool((abs(array + np.roll(array, 1, axis=self.place)) <= AGREE * magnitude).all())
        if kind in ("<", "<="):
            left, right = map(self.whole, rest)
            return left < right or (kind == "<=" and left == right)
        assert kind == "="
        if rest[0][0] in ("band", "whole", "samples", "steps", "plus", "times"):
            return self.whole(rest[0]) == self.whole(rest[1])
        return self.alike(*rest)

    def alike(self, left: Any, right: Any) -> bool:
        """Whether two arrays are the same."""
        (a, first), (b, second) = self.value(left), self.value(right)
        return bool((abs(a - b) <= AGREE * max(first, second)).all())
