"""Arrays of a domain as sums of products of one profile for each axis, in the words of the kernel.

    entry i     1 at i, else 0                       all real arrays, and axes that do not move
    pair i      1 at i and i + 1: no energy at N/2    moving even axes of Nyquist-free arrays
    constant, cosine k, sine k                        arrays of band K >= k

An array is drawn as its coefficients in such a basis, so it lies in the domain exactly, and small whole coefficients
make an array that can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from equinorm.search.questions import DENSE, Question, Shape
from theory.spec.axes import BCHW, AxisKind

Floats = np.ndarray[Any, np.dtype[np.float64]]

WINDOWS = (2, 2, 4, 4)
"""How many profiles of each axis have coefficients that are drawn one by one."""


@dataclass(frozen=True)
class Basis:
    """Profiles along one axis of N samples; ``matrix`` (N, number of profiles) holds their values, as columns."""

    profiles: tuple[str, ...]
    matrix: Floats

    @property
    def inverse(self) -> Floats:
        """The least-squares coefficients of an array, as a matrix."""
        return np.asarray(np.linalg.pinv(self.matrix), dtype=np.float64)


def bases_of(question: Question, shape: Shape) -> tuple[Basis, ...]:
    """A basis for each axis: of the whole domain where the array is small, else of what is near its corner."""
    domain, found = question.domain, []
    for place, (axis, size) in enumerate(zip(BCHW, shape, strict=True)):
        spatial = axis.kind is AxisKind.SPATIAL
        free = spatial and domain.nyquist_free and place in question.places and size % 2 == 0
        limit = domain.band if spatial else None
        count = size if prod(shape) <= DENSE else WINDOWS[place]
        found.append(_basis(size, free, limit, count))
    return tuple(found)


@lru_cache(maxsize=256)
def _basis(size: int, free: bool, limit: int | None, count: int) -> Basis:
    profiles = tuple(islice(_profiles(size, free, limit), count))
    matrix = np.zeros((size, len(profiles)))
    n = np.arange(size)
    for column, profile in enumerate(profiles):
        kind, _, number = profile.partition(" ")
        k = int(number or 0)
        if kind in ("entry", "pair"):
            matrix[k : k + (2 if kind == "pair" else 1), column] = 1.0
        else:
            # The turns are reduced as whole numbers, so that long axes lose no digits.
            wave = np.sin if kind == "sine" else np.cos
            matrix[:, column] = wave(2 * np.pi * (k * n % size) / size)
    return Basis(profiles, matrix)


def _profiles(size: int, free: bool, limit: int | None) -> Iterator[str]:
    if limit is None:
        yield from (f"pair {i}" for i in range(size - 1)) if free else (f"entry {i}" for i in range(size))
        return
    yield "constant"
    # The largest frequency first: its powers are the first to alias.
    for k in range(limit, 0, -1):
        yield from (f"cosine {k}", f"sine {k}")


def ones(bases: tuple[Basis, ...]) -> Floats:
    """The coefficients of the array that is 1 everywhere, over complete bases."""
    found: Floats = np.ones(())
    for basis in bases:
        kind = basis.profiles[0].partition(" ")[0]
        n = np.arange(len(basis.profiles))
        own = {"entry": n >= 0, "pair": n % 2 == 0, "constant": n == 0}[kind]
        found = np.multiply.outer(found, own.astype(np.float64))
    return found


def synthesize(bases: tuple[Basis, ...], coefficients: Floats) -> Floats:
    """The array with these coefficients."""
    found = coefficients
    for place, basis in enumerate(bases):
        if not _plain(basis):
            found = np.moveaxis(np.tensordot(basis.matrix, found, axes=(1, place)), 0, place)
    return np.array(found, order="C")


def analyze(bases: tuple[Basis, ...], x: Floats) -> Floats:
    """The coefficients of an array; of one outside the domain, of the nearest one in it."""
    found = x
    for place, basis in enumerate(bases):
        if not _plain(basis):
            found = np.moveaxis(np.tensordot(basis.inverse, found, axes=(1, place)), 0, place)
    return np.array(found, order="C")


def _plain(basis: Basis) -> bool:
    """True where coefficients are entries."""
    return basis.profiles[-1] == f"entry {len(basis.matrix) - 1}"
