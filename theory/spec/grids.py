"""Sizes, grids and domains.

A size is exact or a whole progression of sizes (every odd number from 3 up), so that one proof can speak of all grids
of a family. A domain says which arrays a claim is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.spec.axes import BCHW, AxisKind, Layout
from theory.spec.errors import refuse

LARGEST_SIZE = 512
"""The largest spatial axis that is accepted; exact work on a longer one would not end in a second or so."""

LARGEST_COUNT = 1_000_000
"""The largest batch or number of channels that is accepted."""


@dataclass(frozen=True)
class Size:
    """The sizes least, least + step, least + 2 step, …; a single size when ``step`` is 0.

    >>> str(Size(5)), str(ODD), str(EVEN), str(ANY)
    ('5', 'odd', 'even', '2+')
    """

    least: int
    step: int = 0

    def __str__(self) -> str:
        if self.step == 0:
            return str(self.least)
        if self.step == 1:
            return f"{self.least}+"
        return "odd" if self.least % 2 else "even"

    @property
    def exact(self) -> bool:
        """True when this is one number, not a family."""
        return self.step == 0

    @property
    def parity(self) -> int | None:
        """0 or 1 when all sizes have that remainder modulo 2, else ``None``."""
        return self.least % 2 if self.step % 2 == 0 else None

    def members(self, count: int) -> tuple[int, ...]:
        """The ``count`` smallest sizes (one, if exact)."""
        return (self.least,) if self.exact else tuple(self.least + self.step * i for i in range(count))


ODD = Size(3, 2)
EVEN = Size(4, 2)
ANY = Size(2, 1)


@dataclass(frozen=True)
class Grid:
    """A layout together with the size, or the family of sizes, of each axis."""

    layout: Layout
    sizes: tuple[Size, ...]

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.layout):
            raise refuse(f"sizes={self.sizes}", f"one size for each axis of {self.layout.names}")

    def size(self, name: str) -> Size:
        """The size of the axis called ``name``."""
        return self.sizes[self.layout.index(name)]

    @property
    def exact(self) -> bool:
        """True when every size is a number."""
        return all(size.exact for size in self.sizes)


def grid_of(sizes: Mapping[str, Size | int], layout: Layout = BCHW) -> Grid:
    """Build a grid from sizes by axis name; index axes left out have every size from 2 up.

    Raises:
        SpecificationError: a size below 1 or above its limit, a spatial axis without a size, an unknown axis.
    """
    for name in sizes:
        if name not in layout.names:
            raise refuse(f"axis={name}", f"letters of {layout.names}")
    found = []
    for axis in layout:
        size = sizes.get(axis.name)
        if size is None:
            if axis.kind is AxisKind.SPATIAL:
                raise refuse(f"sizes={dict(sizes)}", f"a size for the spatial axis {axis.name}")
            size = ANY
        if isinstance(size, int):
            size = Size(size)
        largest = LARGEST_SIZE if axis.kind is AxisKind.SPATIAL else LARGEST_COUNT
        if not 1 <= size.least <= largest:
            raise refuse(f"{axis.name}={size.least}", f"a size from 1 to {largest}")
        found.append(size)
    return Grid(layout, tuple(found))


@dataclass(frozen=True)
class Domain:
    """The arrays a claim is about: all real ones, Nyquist-free ones, or those of band ``band`` on each spatial axis.

    ``nyquist_free``: no energy at k = N/2 on the moving even axes. ``band`` K: Fourier coefficients vanish for |k| > K
    on every spatial axis, moving or not; it needs 2K < N there.
    """

    nyquist_free: bool = False
    band: int | None = None

    def __str__(self) -> str:
        if self.band is not None:
            return str(self.band)
        return "nyquist-free" if self.nyquist_free else "all"


ALL = Domain()
NYQUIST_FREE = Domain(nyquist_free=True)


def band(limit: int) -> Domain:
    """The domain of arrays of band ``limit``. Raises SpecificationError for a negative number."""
    if limit < 0:
        raise refuse(f"domain={limit}", "`all`, `nyquist-free`, or a band K >= 0")
    return Domain(band=limit)
