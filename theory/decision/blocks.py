"""Blocks: the questions that are asked of all layers at once, and all layers.

A block fixes the action, its scope, the moving axes and the grids; its verdicts make one truth table. The layers are
all those of the language over a layout: centring, scaling and affine step each absent or over one of the subsets of
the axes, 17^3 = 4 913 over (B, C, H, W).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW, AxisSet, Layout
from theory.spec.claims import Claim
from theory.spec.grids import ALL, EVEN, NYQUIST_FREE, ODD, Domain, Size, grid_of
from theory.spec.layers import Normalization
from theory.spec.terms import X

FAMILIES: tuple[tuple[Size, Domain], ...] = ((ODD, ALL), (EVEN, ALL), (EVEN, NYQUIST_FREE))
"""The grids: all odd ones; all even ones with all real arrays, and with the Nyquist-free ones."""


@dataclass(frozen=True)
class Block:
    """One question asked of all layers."""

    action: Action
    size: Size
    domain: Domain
    layout: Layout = BCHW

    @property
    def claim(self) -> Claim:
        """The claim with the input itself as its term; a layer's term takes its place."""
        grid = grid_of(dict.fromkeys(self.layout.spatial, self.size), self.layout)
        return Claim(X, self.action, grid, self.domain)

    @property
    def axes(self) -> str:
        """The moving axes in the order of the layout."""
        return "".join(name for name in self.layout.names if name in self.action.moving)

    @property
    def arrays(self) -> str:
        """The grids and the arrays in words."""
        if self.size == ODD:
            return "odd grids"
        return f"{self.size} grids, {'Nyquist-free' if self.domain.nyquist_free else 'all real'} arrays"


def blocks(
    kinds: tuple[ActionKind, ...] = tuple(ActionKind),
    scopes: tuple[Scope, ...] = tuple(Scope),
    layout: Layout = BCHW,
) -> tuple[Block, ...]:
    """All blocks: action, scope, moving axes (all spatial axes first, then each alone), grids."""
    spatial = "".join(name for name in layout.names if name in layout.spatial)
    moving = dict.fromkeys([spatial, *spatial])
    return tuple(
        Block(Action(kind, frozenset(axes), scope), size, domain, layout)
        for kind, scope, axes, (size, domain) in product(kinds, scopes, moving, FAMILIES)
    )


def subsets(layout: Layout) -> Iterator[AxisSet]:
    """All sets of axes, smaller ones first."""
    for count in range(len(layout) + 1):
        yield from (frozenset(chosen) for chosen in combinations(layout.names, count))


def all_layers(layout: Layout = BCHW) -> tuple[Normalization, ...]:
    """Every layer of the language over a layout."""
    steps: list[AxisSet | None] = [None, *subsets(layout)]
    return tuple(
        Normalization(center, scale, affine, layout=layout) for center, scale, affine in product(steps, repeat=3)
    )
