"""The input of a chart: an array of maps, and what is made of it for smaller maps.

Maps of other sizes are central crops along the moving axes; of noise they are noise again. Where the domain limits the
arrays, a map loses after cropping what lies outside: frequencies beyond the band, or the bins N/2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from equinorm.inputs.array_files import check_squares
from numerics.arrays import Array
from numerics.curves.errors import limit_band
from numerics.experiment.draws import stream
from numerics.translations import remove_nyquist
from theory.spec.axes import BCHW, AxisSet
from theory.spec.errors import refuse
from theory.spec.grids import Domain

POINTS = 24
"""So many sizes, or bands, are tried one by one; of more, some."""

LARGEST_INPUT = 2**25
"""Entries of an input at most; it is moved hundreds of times."""


@dataclass(frozen=True)
class Maps:
    """Maps ``given`` (B, C, H, W), called ``name``, of which charts show what lies in ``domain``."""

    name: str
    given: Array
    moving: AxisSet
    domain: Domain

    @property
    def axes(self) -> tuple[int, ...]:
        """The moving axes, counted from the end."""
        return tuple(BCHW.index(name) - len(BCHW) for name in BCHW.names if name in self.moving)

    @property
    def x(self) -> Array:
        """The whole maps within the domain."""
        return self._within(self.given)

    def at(self, size: int) -> Array:
        """The maps within the domain whose moving axes have ``size`` samples, unless they have one only."""
        cut: list[slice] = [slice(None)] * len(BCHW)
        for axis in self.axes:
            length = self.given.shape[axis]
            if length > 1:
                cut[axis] = slice((length - size) // 2, (length - size) // 2 + size)
        return self._within(np.ascontiguousarray(self.given[tuple(cut)]))

    @property
    def described(self) -> str:
        """The name with the domain.

        >>> Maps("noise", None, frozenset("H"), Domain(band=3)).described
        'noise, band 3'
        """
        if self.domain.band is not None:
            return f"{self.name}, band {self.domain.band}"
        return f"{self.name}, Nyquist-free" if self.domain.nyquist_free else self.name

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of both parities up to that of the given maps, on which the band of the domain is narrow enough."""
        longer = [self.given.shape[axis] for axis in self.axes if self.given.shape[axis] > 1]
        least = 2 if self.domain.band is None else max(2, 2 * self.domain.band + 1)
        return both_parities(least, min(longer)) if longer else ()

    def _within(self, x: Array) -> Array:
        if self.domain.band is not None:
            return limit_band(x, self.domain.band)
        return remove_nyquist(x, self.axes)[0] if self.domain.nyquist_free else x


def both_parities(least: int, largest: int) -> tuple[int, ...]:
    """All whole numbers between, or pairs of neighbors at equal ratios where they are more than POINTS.

    >>> both_parities(2, 5)
    (2, 3, 4, 5)
    """
    if largest - least < POINTS:
        return tuple(range(least, largest + 1))
    ratio = (largest / least) ** (1 / (POINTS // 2 - 1))
    upper = {max(least + 1, round(least * ratio**place)) for place in range(POINTS // 2)} - {largest} | {largest}
    return tuple(sorted(upper | {size - 1 for size in upper}))


def noise(shape: tuple[int, ...], moving: AxisSet, domain: Domain, seed: int, dtype: str) -> Maps:
    """Independent N(0, 1) entries of this shape (B, C, H, W)."""
    checked(shape)
    return Maps("noise", stream(seed, "curves", "input").standard_normal(shape).astype(dtype), moving, domain)


def checked(shape: tuple[int, ...]) -> None:
    """Raise SpecificationError where an input of this shape is too large to be moved hundreds of times."""
    if math.prod(shape) > LARGEST_INPUT:
        given = "x".join(map(str, shape))
        raise refuse(f"input of shape {given}", f"at most {LARGEST_INPUT} numbers", "take fewer samples or channels")


def own(values: np.ndarray[Any, Any], name: str, moving: AxisSet, domain: Domain, dtype: str) -> Maps:
    """Maps from elsewhere, (B, C, H, W), in ``dtype``. Raises SpecificationError where they are too large for it."""
    checked(values.shape)
    check_squares(f"input={name}", float(np.abs(values).max()), values.size, dtype)
    return Maps(name, np.ascontiguousarray(values, dtype=dtype), moving, domain)
