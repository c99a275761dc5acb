"""Names of axes do not matter: other layouts give the same verdicts, and so does a term that was printed and read."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import BCDHW, BCT, actions, axis_sets, claims, grids, normalizations, terms
from tests.theory.sampling import telling
from theory.calculus.compile import compile_term
from theory.decision.decide import decide
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW, Axis, AxisSet, Layout, parse_step
from theory.spec.claims import Claim
from theory.spec.grids import ALL, NYQUIST_FREE, ODD, Grid, Size, band, grid_of
from theory.spec.layers import Normalization, Statistics
from theory.spec.syntax import parse
from theory.spec.terms import (
    Constant,
    InverseRoot,
    Mean,
    Parameter,
    Power,
    Product,
    Sum,
    Term,
    add,
    multiply,
    power,
    spell,
)

Names = dict[str, str]
"""From an axis name of BCHW to the names that take its place: ``{"W": "DW"}`` puts two axes for one."""


def renamed(axes: AxisSet, names: Names) -> AxisSet:
    return frozenset(new for old in axes for new in names[old])


def renamed_term(term: Term, names: Names) -> Term:
    """The same term over other axes."""
    children = [renamed_term(child, names) for child in term.children]
    if isinstance(term, Parameter):
        return Parameter(renamed(term.axes, names))
    if isinstance(term, Mean):
        return Mean(children[0], renamed(term.axes, names))
    if isinstance(term, Sum):
        return add(*children)
    if isinstance(term, Product):
        return multiply(*children)
    if isinstance(term, Power):
        return power(children[0], term.exponent)
    if isinstance(term, InverseRoot):
        return InverseRoot(children[0])
    assert not children or isinstance(term, Constant)
    return term


def renamed_claim(claim: Claim, names: Names, layout: Layout, sizes: dict[str, Size]) -> Claim:
    grid = Grid(layout, tuple(sizes[axis.name] for axis in layout))
    action = Action(claim.action.kind, renamed(claim.action.moving, names), claim.action.scope)
    return Claim(renamed_term(claim.term, names), action, grid, claim.domain, claim.eps)


OTHER_LETTERS = Layout(tuple(Axis(new, axis.kind, axis.sample) for new, axis in zip("WCBH", BCHW, strict=True)))
"""The letters of BCHW on other axes: here W is the sample axis, B and H are spatial."""


@settings(max_examples=150)
@given(st.one_of(claims(about=terms().filter(telling)), claims(about=normalizations().map(compile_term))))
def test_letters_mean_nothing(claim: Claim) -> None:
    names = {old.name: new.name for old, new in zip(BCHW, OTHER_LETTERS, strict=True)}
    sizes = {names[axis.name]: size for axis, size in zip(BCHW, claim.grid.sizes, strict=True)}
    other = renamed_claim(claim, names, OTHER_LETTERS, sizes)
    assert decide(other).name == decide(claim).name


@settings(max_examples=150)
@given(st.data())
def test_one_spatial_axis(data: st.DataObject) -> None:
    """B, C, T asks what B, C, H, W asks on maps of height 1."""
    statistics = tuple(Statistics)
    term = data.draw(st.one_of(terms(BCT).filter(telling), normalizations(BCT, statistics).map(compile_term)))
    # A band is one for all spatial axes, and an axis of one sample has no other than 0.
    domain = data.draw(st.sampled_from([ALL, NYQUIST_FREE, band(0)]))
    claim = Claim(term, data.draw(actions(BCT)), data.draw(grids(BCT, largest=7)), domain)
    names = {"B": "B", "C": "C", "T": "W"}
    sizes = {names[axis.name]: size for axis, size in zip(BCT, claim.grid.sizes, strict=True)} | {"H": Size(1)}
    assert decide(renamed_claim(claim, names, BCHW, sizes)).name == decide(claim).name


@settings(max_examples=100)
@given(st.data())
def test_three_spatial_axes(data: st.DataObject) -> None:
    """B, C, D, H, W with H always beside D asks what B, C, H, W asks, on any sizes of one parity."""
    layer = data.draw(normalizations())
    claim = Claim(
        compile_term(layer),
        Action(
            data.draw(st.sampled_from(ActionKind)),
            data.draw(axis_sets(least=1, spatial=True)),
            data.draw(st.sampled_from(Scope)),
        ),
        data.draw(st.sampled_from([grid_of({"H": size, "W": size, "B": 2, "C": 2}) for size in (3, 4, 5)])),
        data.draw(st.sampled_from([ALL, NYQUIST_FREE])),
    )
    names = {"B": "B", "C": "C", "H": "DH", "W": "W"}
    height = claim.grid.size("H")
    sizes = {axis.name: size for axis, size in zip(BCHW, claim.grid.sizes, strict=True)} | {"D": height}
    other = renamed_claim(claim, names, BCDHW, sizes)
    assert decide(other).name == decide(claim).name


def test_layers_over_other_layouts_spell_their_axes() -> None:
    layer = Normalization(frozenset("CT"), frozenset("T"), None, layout=BCT)
    assert spell(compile_term(layer), BCT) == "(x - mean(x, CT))*rsqrt(mean((x - mean(x, CT))^2, T) + eps)"
    assert parse(spell(compile_term(layer), BCT), BCT) == compile_term(layer)


@pytest.mark.parametrize(
    ("kind", "scope"),
    [(ActionKind.TRANSLATION, Scope.PER_SAMPLE)],
    ids=lambda value: value.value,
)
def test_all_layers_decided_as_printed_terms(kind: ActionKind, scope: Scope) -> None:
    """All 17 to the third layers over B, C, H, W, by their terms and by what was printed of them."""
    axes = [parse_step("absent"), *(frozenset(n for i, n in enumerate("BCHW") if bits >> i & 1) for bits in range(16))]
    grid = grid_of({"B": 2, "C": 2, "H": ODD, "W": ODD})
    counts: Counter[str] = Counter()
    number = 0
    for center in axes:
        for scale in axes:
            for affine in axes:
                term = compile_term(Normalization(center, scale, affine))
                printed = parse(str(term))
                assert printed == term
                claim = Claim(printed, Action(kind, frozenset("W"), scope), grid)
                compiled = Claim(term, claim.action, grid)
                verdicts = {decide(asked).name for asked in (claim, compiled)}
                assert len(verdicts) == 1, str(term)
                counts.update(verdicts)
                number += 1
    assert number == 17**3
    assert counts["unknown"] == 0
    assert min(counts["equivariant"], counts["not_equivariant"]) > 500, counts
