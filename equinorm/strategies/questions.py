"""Strategies for questions: actions, domains, and claims that put a term, an action, a grid and a domain together."""

from __future__ import annotations

from hypothesis import strategies as st

from equinorm.strategies.expressions import terms
from equinorm.strategies.spaces import axis_sets, grids
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW, AxisKind, Layout
from theory.spec.claims import Claim
from theory.spec.grids import ALL, NYQUIST_FREE, Domain, Grid, band
from theory.spec.terms import Term


@st.composite
def actions(
    draw: st.DrawFn,
    layout: Layout = BCHW,
    kinds: tuple[ActionKind, ...] = tuple(ActionKind),
    scopes: tuple[Scope, ...] = tuple(Scope),
) -> Action:
    """Shifts or translations along one or more spatial axes, common or (where there is a sample axis) per sample."""
    moving = draw(axis_sets(layout, least=1, spatial=True))
    possible = [scope for scope in scopes if scope is Scope.COMMON or any(axis.sample for axis in layout)]
    return Action(draw(st.sampled_from(kinds)), moving, draw(st.sampled_from(possible)))


@st.composite
def domains(draw: st.DrawFn, grid: Grid) -> Domain:
    """All real arrays, the Nyquist-free ones, or a band K that fits: 2K < N on every spatial axis of ``grid``."""
    smallest = min(grid.size(axis.name).least for axis in grid.layout if axis.kind is AxisKind.SPATIAL)
    bands = [band(limit) for limit in range((smallest + 1) // 2)]
    kind = draw(st.sampled_from(["all", "nyquist-free", "band"]))
    return draw(st.sampled_from(bands)) if kind == "band" else {"all": ALL, "nyquist-free": NYQUIST_FREE}[kind]


@st.composite
def claims(
    draw: st.DrawFn,
    layout: Layout = BCHW,
    about: st.SearchStrategy[Term] | None = None,
    on: st.SearchStrategy[Grid] | None = None,
) -> Claim:
    """Claims over ``layout``; ``about`` draws the term (``terms(layout)``), ``on`` the grid (``grids(layout)``)."""
    grid = draw(grids(layout) if on is None else on)
    term = draw(terms(layout) if about is None else about)
    return Claim(term, draw(actions(layout)), grid, draw(domains(grid)))
