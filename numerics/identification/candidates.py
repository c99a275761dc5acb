"""What the parts of a normalization can be, as array functions: centerings, and statistics of degree 1.

    c = x - mean(x, axes),    s = mean(|c|^p, axes)^(1/p), max |c|, or max c - min c

Arrays are stacks: the last four axes are those of the layer. A statistic over no axes is |c|.
"""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np

from numerics.arrays import Floats
from theory.spec.axes import BCHW, AxisSet

KINDS: dict[str, float | None] = {
    "mean square": 2.0,
    "mean absolute value": 1.0,
    "third power": 3.0,
    "fourth power": 4.0,
    "largest absolute value": None,
    "range": None,
}
"""The statistics that are tried, each with its power p where it has one."""


def axis_subsets(names: str = BCHW.names) -> list[AxisSet]:
    """All sets of axes, the smaller first."""
    return [frozenset(chosen) for chosen in chain.from_iterable(combinations(names, n) for n in range(len(names) + 1))]


def places(axes: AxisSet) -> tuple[int, ...]:
    """Positions of axes, counted from the end."""
    return tuple(place - len(BCHW) for place, name in enumerate(BCHW.names) if name in axes)


def mean_over(x: Floats, axes: AxisSet) -> Floats:
    """The mean, of full rank; over no axes ``x`` itself."""
    return np.asarray(x.mean(axis=places(axes), keepdims=True)) if axes else x


def centered(x: Floats, axes: AxisSet | None) -> Floats:
    """x - mean(x, axes); ``x`` itself without such a step."""
    return x if axes is None else x - mean_over(x, axes)


def statistic(kind: str, c: Floats, axes: AxisSet) -> Floats:
    """The statistic of this kind over ``axes``, of full rank."""
    size = np.abs(c)
    if not axes:
        return size
    over = places(axes)
    if kind == "range":
        return np.asarray(c.max(axis=over, keepdims=True) - c.min(axis=over, keepdims=True))
    power = KINDS[kind]
    if power is None:
        return np.asarray(size.max(axis=over, keepdims=True))
    largest = size.max(axis=over, keepdims=True)  # so that no power overflows
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.where(largest > 0, size / largest, 0.0)
    return np.asarray(largest * mean_over(parts**power, axes) ** (1 / power))


def fit(values: Floats, basis: Floats) -> tuple[Floats, float]:
    """The array g for which g * basis is nearest to ``values`` over a stack, and how far it is, relative to them.

    g has one value for each entry and is 0 where the basis is 0 throughout. Two arrays or more in the stack leave
    nothing to chance: a wrong basis is off by the better part of its size.
    """
    squares = np.sum(basis * basis, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = np.where(squares > 0, np.sum(values * basis, axis=0) / squares, 0.0)
    whole = np.sqrt(np.sum(values * values))
    difference = np.sqrt(np.sum((values - gain * basis) ** 2))
    residual = float(difference / whole) if whole else (np.inf if difference else 0.0)
    return gain, residual if np.isfinite(residual) else np.inf
