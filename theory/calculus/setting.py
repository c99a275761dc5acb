"""What the calculus may ask: an axis for its kind, its size, and whether it moves; the action for its displacements.

A claim about several moving axes is one claim per axis (for `symmetric` and on Nyquist-free arrays the translations of
two axes commute and generate the rest), so a setting has one *moving* dimension and counts all others as index axes,
except that the domain still limits the frequencies of x along them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from theory.calculus.conditions import holds, solved
from theory.calculus.linear import NOTHING, Linear, samples
from theory.derivations import band, parameter
from theory.spec.actions import ActionKind, Scope
from theory.spec.axes import AxisKind, AxisSet
from theory.spec.claims import Claim
from theory.spec.grids import ALL, NYQUIST_FREE, Domain, Size


@dataclass(frozen=True)
class Dimension:
    """One axis as the calculus sees it.

    ``separate``: its entries move each by its own displacement. ``limit``: the largest frequency of x along it, where
    the domain limits it or the axis is spatial; ``restricted``: the domain leaves out arrays because of this axis.
    """

    name: str
    size: Size
    spatial: bool
    separate: bool
    limit: Linear | None
    restricted: bool

    @property
    def single(self) -> bool:
        """True for an axis of one entry."""
        return self.size.exact and self.size.least == 1

    @property
    def without_nyquist(self) -> bool:
        """True if the domain leaves out the Nyquist bin of this axis and nothing else."""
        return self.restricted and self.limit == frequency_limit(self.size, NYQUIST_FREE, True)

    @property
    def varies(self) -> bool:
        """True unless x is constant along this axis."""
        return not self.single and not (self.limit is not None and self.limit.zero)

    def constant(self, varies: bool) -> bool:
        """True if a parameter that varies over this axis (or does not) has a fact along it, when it moves."""
        return holds(parameter.RULE, P=samples(self.size) if varies and not self.single else 1)


@dataclass(frozen=True)
class Setting:
    """The dimensions in the order of the layout, one of them moving, and the displacements of the action."""

    dimensions: tuple[Dimension, ...]
    moving: Dimension
    shifts: bool

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.dimensions, self.moving, self.shifts))

    def __getstate__(self) -> dict[str, object]:
        # What is kept beside the three fields is cheap to find again, and hashes differ from process to process.
        return {name: self.__dict__[name] for name in ("dimensions", "moving", "shifts")}

    @property
    def displacement(self) -> str:
        """How the displacement is spelled in a condition: ``integer`` or ``real``."""
        return "integer" if self.shifts else "real"

    @cached_property
    def varying(self) -> AxisSet:
        """The axes along which x varies."""
        return frozenset(d.name for d in self.dimensions if d.varies)

    @cached_property
    def plural(self) -> AxisSet:
        """The axes of more than one entry, along which a parameter may vary."""
        return frozenset(d.name for d in self.dimensions if not d.single)

    @cached_property
    def separate(self) -> AxisSet:
        """The axes whose entries move apart."""
        return frozenset(d.name for d in self.dimensions if d.separate and not d.single)

    @cached_property
    def samples(self) -> Linear:
        """The number of samples of the moving axis."""
        return samples(self.moving.size)

    @cached_property
    def band(self) -> Linear:
        """The largest frequency of x along the moving axis."""
        return self.moving.limit or NOTHING

    @cached_property
    def widest(self) -> Linear:
        """The largest frequency of any array along the moving axis."""
        return solved(band.ALL, N=self.samples)


def fit_band(size: Size, limit: int) -> Size:
    """The members of a family on which the band ``limit`` is narrow enough, 2 limit < N."""
    least = size.least
    while not size.exact and 2 * limit >= least:
        least += size.step
    return replace(size, least=least)


def frequency_limit(size: Size, domain: Domain, moves: bool) -> Linear:
    """The largest frequency of an array of the domain along a spatial axis."""
    if domain.band is not None:
        return Linear(domain.band)
    rule = band.NYQUIST_FREE if domain.nyquist_free and moves else band.ALL
    return solved(rule, N=samples(size))


def settings(claim: Claim) -> tuple[Setting, ...]:
    """One setting for each moving axis of more than one sample; none if nothing moves."""
    action, domain = claim.action, claim.domain
    dimensions: list[Dimension] = []
    moving: list[Dimension] = []
    for axis, given in zip(claim.grid.layout, claim.grid.sizes, strict=True):
        spatial = axis.kind is AxisKind.SPATIAL
        moves = axis.name in action.moving
        size = fit_band(given, domain.band) if spatial and domain.band is not None else given
        limit = frequency_limit(size, domain, moves) if spatial else None
        dimension = Dimension(
            name=axis.name,
            size=size,
            spatial=spatial,
            separate=axis.sample and action.scope is Scope.PER_SAMPLE,
            limit=limit,
            restricted=spatial and limit != frequency_limit(size, ALL, moves),
        )
        dimensions.append(dimension)
        if moves and not dimension.single:
            moving.append(dimension)
    # Whether the other axes move is forgotten here, so that two claims that ask the same of an axis share a setting.
    return tuple(Setting(tuple(dimensions), dimension, action.kind is ActionKind.SHIFT) for dimension in moving)
