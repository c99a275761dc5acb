"""What follows a normalization, entry by entry: a threshold, clipping, or a saturation.

The function is looked at where epsilon is not seen. Its values repeat exactly at a floor or a ceiling; between the two,
or behind the inverse of a saturation, they are affine in what a normalization of the language gives: for each entry

    inverse(f(x)) = gain * z(x) + bias    wherever floor < f(x) < ceiling,

over many x, with a gain and a bias of its own. The normalization for which this is exact is the one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from numerics.arrays import Floats


def _same(y: Floats) -> Floats:
    return y


@dataclass(frozen=True)
class Saturation:
    """A function of one number with an inverse; ``lower`` and ``upper`` bound its values."""

    name: str
    value: Callable[[Floats], Floats]
    inverse: Callable[[Floats], Floats]
    lower: float = -np.inf
    upper: float = np.inf


def _logistic(y: Floats) -> Floats:
    return np.asarray(0.5 + np.tanh(y / 2) / 2)


STRAIGHT = Saturation("no saturation", _same, _same)
TANH = Saturation("tanh", np.tanh, np.arctanh, -1.0, 1.0)
LOGISTIC = Saturation("sigmoid", _logistic, lambda y: np.log(y / (1 - y)), 0.0, 1.0)
SATURATIONS = (STRAIGHT, TANH, LOGISTIC)


@dataclass(frozen=True)
class Follow:
    """A saturation, then min(max(y, floor), ceiling): numbers or arrays, infinite where there is none."""

    saturation: Saturation = STRAIGHT
    floor: Floats | float = -np.inf
    ceiling: Floats | float = np.inf

    def __call__(self, y: Floats) -> Floats:
        """Applied to ``y``."""
        return np.asarray(np.minimum(np.maximum(self.saturation.value(y), self.floor), self.ceiling))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Follow) and repr(self) == repr(other)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        parts = [] if self.saturation is STRAIGHT else [self.saturation.name]
        if np.any(np.isfinite(self.floor)):
            parts.append(f"a threshold from below at {_spread(self.floor)}")
        if np.any(np.isfinite(self.ceiling)):
            parts.append(f"a ceiling at {_spread(self.ceiling)}")
        return ", then ".join(parts) or "nothing"


NOTHING = Follow()


def _spread(values: Floats | float) -> str:
    finite = np.asarray(values)[np.isfinite(values)]
    least, most = float(finite.min()) + 0.0, float(finite.max()) + 0.0
    return f"{least:.6g}" if most - least <= 1e-6 * max(abs(least), abs(most)) else f"{least:.6g} to {most:.6g}"


def extremes(values: Floats, unit: float, enough: int = 2) -> tuple[Floats, Floats]:
    """For each entry of a stack the value that it does not fall below, and the one that it does not exceed.

    An extreme counts if ``enough`` of the stack reach it, alike up to rounding, and not all do; else it is infinite.
    """
    tolerance = 8 * unit * np.max(np.abs(values), axis=0)
    lowest, highest = values.min(axis=0), values.max(axis=0)
    moves = highest - lowest > tolerance
    floors = (np.sum(values <= lowest + tolerance, axis=0) >= enough) & moves
    ceilings = (np.sum(values >= highest - tolerance, axis=0) >= enough) & moves
    return np.where(floors, lowest, -np.inf), np.where(ceilings, highest, np.inf)


@dataclass(frozen=True)
class Line:
    """An affine fit: ``gain`` and ``bias`` of each entry, NaN where too little was seen, and the relative residual."""

    gain: Floats
    bias: Floats
    residual: float


def fit_line(values: Floats, z: Floats, seen: Floats, enough: int = 5) -> Line:
    """Fit values = gain * z + bias for each entry of a stack, by the members of the stack where ``seen`` holds."""
    count = np.sum(seen, axis=0)
    known = count >= enough
    weight = np.where(seen, 1.0, 0.0)
    number = np.maximum(count, 1)
    mean_z = np.sum(weight * z, axis=0) / number
    mean_y = np.sum(np.where(seen, values, 0.0), axis=0) / number
    dz, dy = weight * (z - mean_z), np.where(seen, values - mean_y, 0.0)
    squares = np.sum(dz * dz, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = np.where(known & (squares > 0), np.sum(dz * dy, axis=0) / squares, np.nan)
    difference = np.where(np.isfinite(gain), dy - gain * dz, dy * known)
    whole = float(np.sqrt(np.sum((dy * known) ** 2)))
    residual = float(np.sqrt(np.sum(difference**2))) / whole if whole > 0 else np.inf
    return Line(gain, mean_y - gain * mean_z, residual)
