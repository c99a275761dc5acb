"""All that the four charts show of one subject on one input; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from equinorm.questions import Words, read_action
from equinorm.report.curves.maps import POINTS, Maps
from equinorm.report.curves.subjects import Drawn, words_at
from equinorm.report.curves.thresholds import Threshold, threshold
from numerics.curves.aliasing import BandSpectrum, band_spectrum
from numerics.curves.errors import (
    Curve,
    Harmonics,
    error_against_band,
    error_against_displacement,
    error_against_size,
    harmonics,
)
from numerics.equivariance import Motion
from numerics.translations import remove_nyquist
from theory.spec.actions import ActionKind, Scope
from theory.spec.errors import refuse

SPAN, STEPS = 2, 16
"""Displacements from 0 to SPAN samples, STEPS to the sample."""

DISTANCES = (0.5, 0.3)
"""The displacements of which the charts against size and band show the larger error: one that moves a wave at N/2 the
most, and one that is no simple fraction, since some defects vanish at a half."""

ODD, EVEN, EVEN_FREE = "odd", "even", "even, Nyquist-free"


@dataclass(frozen=True)
class Panel:
    """One subject on one input.

    Attributes:
        name: of the subject.
        spectrum: of the maps limited to a band.
        displacement: errors at 0, 1/STEPS, ..., SPAN samples.
        content: the Fourier series of the square of that error, as a function of the displacement.
        size: errors by parity of the map's size; ODD, EVEN, and EVEN_FREE, the even maps without their bins N/2.
        band: errors by band of the input; the last band may stand for all arrays.
        threshold: what is decided of the bands.
    """

    name: str
    spectrum: BandSpectrum
    displacement: Curve
    content: Harmonics
    size: dict[str, Curve]
    band: Curve
    threshold: Threshold

    @property
    def content_bound(self) -> float:
        """What rounding may make of a coefficient at most: twice the mean of what b makes of E^2, (2E + b) b."""
        errors, bound = self.displacement.relative_l2[:-1], self.displacement.bound[:-1]
        return float(2 * np.mean((2 * errors + bound) * bound))

    @property
    def seen(self) -> int | None:
        """The largest band up to which no error exceeds its bound; None where the first one does."""
        above = np.flatnonzero(self.band.above | self.band.undefined)
        within = self.band.at if not above.size else self.band.at[: above[0]]
        return int(within[-1]) if within.size else None


@dataclass(frozen=True)
class Seen:
    """The panels of one input; ``scope`` as on the command line."""

    input: Maps
    scope: Scope
    dtype: str
    panels: tuple[Panel, ...]


def see(drawn: Drawn, words: Words, maps: Maps, step: Callable[[], None] = lambda: None) -> Panel:
    """Compute a panel; ``step`` is called after each of its four parts.

    ``words`` ask about the subject; their grid, batch, channels and domain are taken from ``maps``.

    Raises:
        SpecificationError: words that name no question, sizes beyond what is decided, or an input on which the subject
            is not defined.
    """
    motion = Motion(ActionKind.TRANSLATION, maps.axes)
    scope = read_action(words).scope
    x = maps.x
    shape = tuple(x.shape)
    height, width = shape[-2:]
    found = threshold(words_at(words, shape), height, width)
    step()
    at = drawn.at(shape)
    if not np.all(np.isfinite(at(x))):
        raise refuse(f"{drawn.name} on {maps.name}", "finite values", "it is not defined on this input, or overflows")
    spectrum = band_spectrum(at, maps.given, _spectrum_band(maps), motion)
    step()
    distances = [place / STEPS for place in range(SPAN * STEPS + 1)]
    displacement = error_against_displacement(at, x, distances, motion, scope)
    content = harmonics(displacement.relative_l2[:-1] ** 2, SPAN)
    step()
    size = _by_size(drawn, maps, motion, scope)
    step()
    given = replace(maps, domain=replace(maps.domain, band=None)).x
    bands = _bands(found)
    # Arrays beyond the widest band have the bin N/2, or more along a longer axis: they are not limited.
    limits = [max(height, width) // 2 if found.whole and band == found.last else band for band in bands]
    band = error_against_band(at, given, limits, DISTANCES, motion, scope)
    band = replace(band, at=np.asarray(bands, dtype=np.float64))
    step()
    return Panel(drawn.name, spectrum, displacement, content, size, band, found)


PARTS = 5
"""How often :func:`see` calls ``step``."""


def _spectrum_band(maps: Maps) -> int:
    """The band of the domain, or the widest below a quarter of the sampling frequency on both axes."""
    if maps.domain.band is not None:
        return maps.domain.band
    return -(-min((size for size in maps.given.shape[-2:] if size > 1), default=1) // 4) - 1


def _by_size(drawn: Drawn, maps: Maps, motion: Motion, scope: Scope) -> dict[str, Curve]:
    sizes = maps.sizes
    found = {}
    for name, remainder in ((ODD, 1), (EVEN, 0)):
        chosen = ((size, maps.at(size)) for size in sizes if size % 2 == remainder)
        found[name] = error_against_size(drawn.at, chosen, DISTANCES, motion, scope)
    if maps.domain.band is None and not maps.domain.nyquist_free:
        free = ((size, remove_nyquist(maps.at(size), maps.axes)[0]) for size in sizes if size % 2 == 0)
        found[EVEN_FREE] = error_against_size(drawn.at, free, DISTANCES, motion, scope)
    return found


def _bands(found: Threshold) -> list[int]:
    """All bands, or some of them where they are many: always those around the threshold, and the last two."""
    if found.last < POINTS:
        return list(range(found.last + 1))
    spaced = {round(place * found.last / (POINTS - 1)) for place in range(POINTS)}
    edge = -1 if found.proved is None else found.proved
    near = {edge - 1, edge, edge + 1, edge + 2, found.last - 1, found.last, 0, 1, 2, 3}
    return sorted(band for band in spaced | near if 0 <= band <= found.last)
