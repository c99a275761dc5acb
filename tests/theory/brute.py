"""Brute force: whether a term is equivariant, by measuring it in float64 on random arrays and nothing else.

Written with NumPy's FFT from the definitions, so that it shares no code with the rooms that it judges.
"""

from __future__ import annotations

import numpy as np

from theory.spec.actions import ActionKind, Scope
from theory.spec.axes import AxisKind, Layout
from theory.spec.claims import Claim
from theory.spec.terms import (
    Constant,
    Epsilon,
    Input,
    InverseRoot,
    Mean,
    Parameter,
    Power,
    Product,
    Sum,
    Term,
    parameters,
)

Array = np.ndarray

HOLDS_BELOW, FAILS_ABOVE = 1e-9, 1e-6
"""Relative errors in float64: rounding stays below the first, a defect on random arrays above the second."""


class Undefined(Exception):
    """The term has no value at this array: a root of a number that is not positive, or an overflow."""


def value(term: Term, x: Array, drawn: list[Array], eps: float, layout: Layout) -> tuple[Array, float]:
    """The value of a term and the largest absolute value met on the way, which is what rounding is relative to."""
    supply = iter(drawn)
    largest = float(np.abs(x).max(initial=0.0))

    def visit(node: Term) -> Array:
        nonlocal largest
        result = compute(node)
        if not np.all(np.isfinite(result)):
            raise Undefined
        largest = max(largest, float(np.abs(result).max(initial=0.0)))
        return result

    def compute(node: Term) -> Array:
        if isinstance(node, Input):
            return x
        if isinstance(node, Parameter):
            return np.broadcast_to(next(supply), x.shape)
        if isinstance(node, Epsilon):
            return np.full(x.shape, eps)
        if isinstance(node, Constant):
            return np.full(x.shape, float(node.value))
        parts = [visit(child) for child in node.children]
        with np.errstate(all="ignore"):
            if isinstance(node, Sum):
                return sum(parts[1:], parts[0])
            if isinstance(node, Product):
                return np.prod(parts, axis=0)
            if isinstance(node, Power):
                return parts[0] ** node.exponent
            if isinstance(node, Mean):
                axes = tuple(layout.index(name) for name in sorted(node.axes))
                return np.broadcast_to(parts[0].mean(axis=axes, keepdims=True), x.shape) if axes else parts[0]
            assert isinstance(node, InverseRoot)
            if parts[0].min() <= 0:
                raise Undefined
            return 1 / np.sqrt(parts[0])

    return visit(term), largest


def translated(x: Array, axis: int, displacement: float) -> Array:
    """One axis moved by Fourier phase, cos(pi t) at the Nyquist bin."""
    size = x.shape[axis]
    frequencies = np.fft.fftfreq(size, 1 / size)
    phases = np.exp(-2j * np.pi * frequencies * displacement / size)
    if size % 2 == 0:
        phases[size // 2] = np.cos(np.pi * displacement)
    shape = [1] * x.ndim
    shape[axis] = size
    return np.fft.ifft(np.fft.fft(x, axis=axis) * phases.reshape(shape), axis=axis).real


def moved(x: Array, claim: Claim, rng: np.random.Generator) -> tuple[Array, list[tuple[int, Array]]]:
    """``x`` moved at random by the claim's action, and the displacements, to move another array by the same."""
    steps = []
    for axis, place in zip(claim.grid.layout, range(x.ndim), strict=True):
        if axis.name in claim.action.moving:
            count = x.shape[0] if claim.action.scope is Scope.PER_SAMPLE else 1
            size = x.shape[place]
            shifts = claim.action.kind is ActionKind.SHIFT
            # Never a shift by 0, which would see nothing; an axis of one sample has no other.
            drawn = rng.integers(min(1, size - 1), size, count) if shifts else rng.uniform(0, size, count)
            if count > 1:
                # On two samples all others could move alike by chance; one that stays shows that they do not.
                drawn[rng.integers(count)] = 0
            steps.append((place, drawn))
    return replay(x, steps), steps


def replay(x: Array, steps: list[tuple[int, Array]]) -> Array:
    """``x`` moved by given displacements, one per entry of the first axis or one for all."""
    for place, displacements in steps:
        many = np.broadcast_to(displacements, (x.shape[0],))
        whole = bool(np.all(many == np.floor(many)))
        rows = [
            np.roll(x[b : b + 1], int(t), axis=place) if whole else translated(x[b : b + 1], place, float(t))
            for b, t in enumerate(many)
        ]
        x = np.concatenate(rows)
    return x


def random_input(claim: Claim, rng: np.random.Generator) -> Array:
    """A random array of the claim's domain."""
    layout, domain = claim.grid.layout, claim.domain
    x = rng.normal(size=tuple(size.least for size in claim.grid.sizes))
    for place, axis in enumerate(layout):
        if axis.kind is not AxisKind.SPATIAL:
            continue
        size = x.shape[place]
        spectrum = np.fft.rfft(x, axis=place)
        keep = np.ones(spectrum.shape[place], dtype=bool)
        if domain.band is not None:
            keep[domain.band + 1 :] = False
        if domain.nyquist_free and axis.name in claim.action.moving and size % 2 == 0:
            keep[size // 2 :] = False
        shape = [1] * x.ndim
        shape[place] = keep.size
        x = np.fft.irfft(spectrum * keep.reshape(shape), n=size, axis=place)
    return x


def measured(claim: Claim, seed: int, tries: int = 6) -> float | None:
    """The largest relative error over several random arrays and displacements; ``None`` if it could not be measured.

    The arrays come in three magnitudes, so that neither a tiny nor a large epsilon hides a defect.
    """
    rng = np.random.default_rng(seed)
    layout = claim.grid.layout
    worst = None
    for attempt in range(tries):
        x = random_input(claim, rng) * (1.0, 0.1, 3.0)[attempt % 3]
        eps = (1.0, float(claim.eps))[attempt % 2]
        drawn = [
            rng.normal(size=tuple(n if axis.name in p.axes else 1 for axis, n in zip(layout, x.shape, strict=True)))
            for p in parameters(claim.term)
        ]
        before, steps = moved(x, claim, rng)
        try:
            left, first = value(claim.term, before, drawn, eps, layout)
            still, second = value(claim.term, x, drawn, eps, layout)
        except Undefined:
            continue
        right = replay(still, steps)
        error = float(np.abs(left - right).max()) / max(first, second)
        worst = error if worst is None else max(worst, error)
    return worst
