"""A claim: this term is equivariant under this action, on this grid, on this domain."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from theory.spec.actions import Action
from theory.spec.axes import AxisKind
from theory.spec.errors import refuse
from theory.spec.grids import ALL, Domain, Grid
from theory.spec.layers import DEFAULT_EPS
from theory.spec.terms import Term


@dataclass(frozen=True)
class Claim:
    """For every positive epsilon, every parameter array and every x of ``domain`` where both sides are defined,
    term(g x) = g term(x) for all g in ``action``.

    ``eps`` is the value at which a counterexample is shown; it does not restrict the claim.

    Raises:
        SpecificationError: a moving axis that is not spatial; a band too wide for the smallest size of an axis.
    """

    term: Term
    action: Action
    grid: Grid
    domain: Domain = ALL
    eps: Fraction = DEFAULT_EPS

    def __post_init__(self) -> None:
        layout = self.grid.layout
        if not self.action.moving or not self.action.moving <= layout.spatial:
            moving = "".join(sorted(self.action.moving))
            raise refuse(f"axes={moving}", f"spatial axes of {layout.names}: {''.join(sorted(layout.spatial))}")
        limit = self.domain.band
        if limit is None:
            return
        for axis in layout:
            size = self.grid.size(axis.name)
            if axis.kind is AxisKind.SPATIAL and size.exact and 2 * limit >= size.least:
                raise refuse(f"domain={limit}", f"a band K with 2K < {axis.name}={size.least}")
