"""The strategies yield what they promise: valid values, the announced variety, arrays inside their domain."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from equinorm.strategies import (
    BCDHW,
    BCT,
    LAYOUTS,
    STRUCTURES,
    actions,
    arrays,
    axis_sets,
    claims,
    degree,
    depth,
    domains,
    grids,
    layouts,
    normalizations,
    parity_families,
    steps,
    terms,
)
from equinorm.strategies.expressions import MODEST_DEGREE
from equinorm.strategies.layers import EPSILONS
from equinorm.strategies.signals import Array, impulse, noise, plane_wave, project
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW, Axis, AxisKind, Layout
from theory.spec.errors import SpecificationError
from theory.spec.grids import ALL, NYQUIST_FREE, Domain, Grid, Size, band
from theory.spec.layers import Normalization, Statistics, parse_layer
from theory.spec.syntax import parse
from theory.spec.terms import (
    Constant,
    Epsilon,
    InverseRoot,
    Mean,
    Parameter,
    Power,
    Product,
    Sum,
    Term,
    X,
    spell,
    walk,
)

T = TypeVar("T")

SEARCH = settings(max_examples=1000, derandomize=True, database=None, deadline=None, report_multiple_bugs=False)


FIRST = settings(SEARCH, phases=(Phase.generate,))


def meets(strategy: st.SearchStrategy[T], condition: Callable[[T], bool]) -> T:
    """The first value that meets the condition, where the simplest is not asked for."""
    return find(strategy, condition, settings=FIRST)


def reaches(strategy: st.SearchStrategy[T], condition: Callable[[T], bool]) -> T:
    """The simplest value that the strategy finds to meet the condition; ``find`` raises if it finds none."""
    return find(strategy, condition, settings=SEARCH)


def simplest(strategy: st.SearchStrategy[T]) -> T:
    return reaches(strategy, lambda value: True)


@given(st.data())
def test_layers_read_back_from_their_spelling(data: st.DataObject) -> None:
    layout = data.draw(layouts())
    layer = data.draw(normalizations(layout, statistics=tuple(Statistics), epsilons=EPSILONS))
    assert parse_layer(str(layer), layout) == layer


@given(st.data())
def test_terms_read_back_from_their_spelling_and_keep_their_depth(data: st.DataObject) -> None:
    layout = data.draw(layouts())
    limit = data.draw(st.integers(0, 5))
    term = data.draw(terms(layout, depth=limit))
    assert parse(spell(term, layout), layout) == term
    assert depth(term) <= limit


@given(terms())
def test_terms_over_b_c_h_w_read_back_from_str(term: Term) -> None:
    assert parse(str(term)) == term


@given(st.data())
def test_polynomial_terms_have_no_root_and_keep_their_degree(data: st.DataObject) -> None:
    most = data.draw(st.integers(0, 4))
    term = data.draw(terms(depth=4, degree=most))
    found = degree(term)
    assert found is not None
    assert found <= most
    assert not any(isinstance(node, InverseRoot) for node in walk(data.draw(terms(polynomial=True))))


def holds(kind: type[Term], term: Term) -> bool:
    return any(isinstance(node, kind) for node in walk(term))


@pytest.mark.parametrize("kind", [Mean, Sum, Product, Power, InverseRoot, Parameter, Epsilon, Constant])
def test_every_kind_of_node_occurs(kind: type[Term]) -> None:
    assert holds(kind, meets(terms(), partial(holds, kind)))


def test_terms_reach_the_limits() -> None:
    assert depth(meets(terms(), lambda term: depth(term) == 4)) == 4
    assert degree(meets(terms(degree=3), lambda term: degree(term) == 3)) == 3
    assert degree(meets(terms(), lambda term: degree(term) is None)) is None


@given(terms())
def test_no_polynomial_within_a_term_has_a_large_degree(term: Term) -> None:
    assert max(degree(node) or 0 for node in walk(term)) <= MODEST_DEGREE


@given(st.data())
def test_actions_and_claims_are_accepted_by_their_constructors(data: st.DataObject) -> None:
    layout = data.draw(layouts())
    action = data.draw(actions(layout))
    assert action.moving
    assert action.moving <= layout.spatial
    claim = data.draw(claims(layout))
    assert claim.grid.exact
    family = data.draw(claims(layout, on=parity_families(layout)))
    assert {family.grid.size(name).parity for name in layout.spatial} in ({0}, {1})


@given(actions(Layout((Axis("C", AxisKind.INDEX), Axis("T", AxisKind.SPATIAL)))))
def test_without_a_sample_axis_all_move_alike(action: Action) -> None:
    assert action.scope is Scope.COMMON


@given(st.data(), st.integers(0, 1))
def test_grids_keep_their_limits_and_their_parity(data: st.DataObject, parity: int) -> None:
    layout = data.draw(layouts())
    grid = data.draw(grids(layout, largest=7, most_entries=2, parity=parity, smallest=2))
    for axis in layout:
        size = grid.size(axis.name).least
        if axis.kind is AxisKind.SPATIAL:
            assert 2 <= size <= 7
            assert size % 2 == parity
        else:
            assert 1 <= size <= 2


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda b, c, h, w: h != w, "rectangular"),
        (lambda b, c, h, w: h == w == 5, "odd"),
        (lambda b, c, h, w: h == w == 4, "even"),
        (lambda b, c, h, w: h % 2 == 0 and w % 2 == 1 and w > 1, "mixed"),
        (lambda b, c, h, w: h == 1 < w, "one row"),
        (lambda b, c, h, w: w == 2 < h, "two columns"),
        (lambda b, c, h, w: b == 1 < c, "one sample"),
        (lambda b, c, h, w: c == 1 < b, "one channel"),
    ],
)
def test_every_special_grid_occurs(condition: Callable[[int, int, int, int], bool], expected: str) -> None:
    grid = reaches(grids(), lambda grid: condition(*(size.least for size in grid.sizes)))
    assert condition(*(size.least for size in grid.sizes)), expected


def test_every_subset_of_axes_occurs_as_a_step() -> None:
    for letters in range(16):
        wanted = frozenset(name for place, name in enumerate("BCHW") if letters >> place & 1)
        assert reaches(axis_sets(), wanted.__eq__) == wanted
    assert reaches(steps(), lambda axes: axes is None) is None


def test_values_shrink_to_the_simplest() -> None:
    assert simplest(normalizations()) == Normalization()
    assert simplest(terms()) == X
    assert simplest(actions()) == Action(ActionKind.SHIFT, frozenset("H"), Scope.COMMON)
    assert simplest(layouts()) == BCHW
    assert simplest(grids()) == Grid(BCHW, (Size(1),) * 4)
    assert simplest(grids().flatmap(domains)) == ALL
    assert reaches(axis_sets(), bool) == {"B"}
    assert reaches(terms(), partial(holds, InverseRoot)) == parse("rsqrt(eps)")
    assert reaches(terms(), partial(holds, Mean)) == parse("mean(x, empty)")
    assert reaches(terms(), partial(holds, Power)) == parse("x^2")
    grid = Grid(BCHW, (Size(2), Size(2), Size(3), Size(4)))
    first = simplest(arrays(grid))
    assert first[0, 0].min() == 1.0 == first.sum() / first[0, 0].size
    assert np.array_equal(simplest(arrays(grid, structures=("impulse",))), impulse(grid, (0, 0, 0, 0)))


def rounding(array: Array) -> float:
    """A bound on what rounding leaves in an empty bin, after a transform back and forth and one more.

    A transform over N points computed by sums of at most N terms has a relative error of at most N eps in norm (Higham,
    Accuracy and Stability, 2002, chapter 3 and 24.1); here three transforms over each axis, and a few roundings in the
    evaluation of the cosine, whose argument is at most pi times the number of axes.
    """
    steps = 3 * sum(array.shape) + 4 * np.pi * array.ndim
    return float(steps * np.finfo(array.dtype).eps * np.linalg.norm(array) * np.sqrt(array.size))


def outside(array: Array, grid: Grid, domain: Domain, action: Action) -> float:
    """The largest Fourier coefficient that arrays of the domain must not have."""
    worst = 0.0
    for place, axis in enumerate(grid.layout):
        if axis.kind is AxisKind.SPATIAL:
            size = array.shape[place]
            spectrum = np.abs(np.fft.fft(array, axis=place))
            frequency = np.minimum(np.arange(size), size - np.arange(size))
            empty = np.zeros(size, dtype=bool)
            if domain.band is not None:
                empty = frequency > domain.band
            elif domain.nyquist_free and axis.name in action.moving:
                empty = 2 * frequency == size
            if empty.any():
                worst = max(worst, float(np.max(np.compress(empty, spectrum, axis=place))))
    return worst


@given(st.data())
def test_arrays_lie_in_their_domain(data: st.DataObject) -> None:
    layout = data.draw(layouts())
    grid = data.draw(grids(layout))
    domain = data.draw(domains(grid))
    action = data.draw(actions(layout))
    array = data.draw(arrays(grid, domain, action.moving))
    assert array.dtype == np.float64
    assert array.shape == tuple(size.least for size in grid.sizes)
    assert np.isfinite(array).all()
    assert outside(array, grid, domain, action) <= rounding(array)


@pytest.mark.parametrize("domain", [NYQUIST_FREE, band(0), band(1)], ids=str)
@pytest.mark.parametrize("structure", sorted({*STRUCTURES} - {"nyquist"}))
def test_no_structure_leaves_its_domain(structure: str, domain: Domain) -> None:
    action = Action(ActionKind.SHIFT, frozenset("W"))
    grid = Grid(BCHW, (Size(1), Size(2), Size(3), Size(4)))
    # Of these there is no end, and all go through the same projection.
    endless = structure in ("integers", "noise", "band-limited", "patch")
    search = settings(SEARCH, max_examples=max(50, settings().max_examples // 50)) if endless else SEARCH
    with pytest.raises(NoSuchExample):
        find(
            arrays(grid, domain, action.moving, structures=(structure,)),
            lambda array: outside(array, grid, domain, action) > rounding(array),
            settings=search,
        )


@pytest.mark.parametrize("domain", [ALL, NYQUIST_FREE, band(1)], ids=str)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_structure_occurs_or_is_left_out(structure: str, domain: Domain) -> None:
    grid = Grid(BCHW, (Size(2), Size(3), Size(5), Size(6)))
    strategy = arrays(grid, domain, structures=("constant", structure))

    def varies(array: Array) -> bool:
        return bool(np.ptp(array, axis=(2, 3)).max() > rounding(array))

    if structure == "constant" or (structure == "nyquist" and domain != ALL):
        assert not varies(simplest(strategy))
        with pytest.raises(NoSuchExample):
            reaches(strategy, varies)
    else:
        assert varies(meets(strategy, varies))


def test_the_check_of_the_domain_can_fail() -> None:
    grid = Grid(BCT, (Size(1), Size(1), Size(6)))
    action = Action(ActionKind.SHIFT, frozenset("T"))
    full = noise(grid, 0)
    for domain in (NYQUIST_FREE, band(2), band(0)):
        assert outside(full, grid, domain, action) > 1000 * rounding(full)
        kept = project(full, grid, domain, action.moving)
        assert outside(kept, grid, domain, action) <= rounding(full)
        again = project(kept, grid, domain, action.moving)
        assert np.max(np.abs(again - kept)) <= rounding(full)
    assert project(full, grid, ALL, action.moving) is full


def test_plane_waves_carry_one_frequency() -> None:
    grid = Grid(BCDHW, (Size(1), Size(2), Size(4), Size(5), Size(6)))
    wave = plane_wave(grid, {"D": 1, "H": -2, "W": 2}, turn=0.1)
    spectrum = np.abs(np.fft.fftn(wave, axes=(2, 3, 4)))
    places = {tuple(map(int, place)) for place in np.argwhere(spectrum > rounding(wave))}
    assert places == {(0, c, *k) for c in range(2) for k in ((1, 3, 2), (3, 2, 4))}


def test_nyquist_arrays_alternate_along_even_moving_axes_only() -> None:
    grid = Grid(BCHW, (Size(1), Size(1), Size(4), Size(6)))
    array = simplest(arrays(grid, moving=frozenset("W"), structures=("nyquist",)))
    assert isinstance(array, np.ndarray)
    assert np.max(np.abs(array + np.roll(array, 1, axis=3))) <= rounding(array)
    assert np.max(np.abs(array - np.roll(array, 1, axis=2))) <= rounding(array)


def test_arrays_need_exact_sizes() -> None:
    family = find(parity_families(), lambda grid: True, settings=SEARCH)
    with pytest.raises(SpecificationError, match="a grid of exact sizes"):
        noise(family, 0)


def test_the_strategies_do_not_load_the_calculus() -> None:
    code = "import sys, equinorm.strategies; print([m for m in sys.modules if m.startswith(('theory.calc', 'sympy'))])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_layouts_have_one_two_and_three_spatial_axes() -> None:
    assert sorted(len(layout.spatial) for layout in LAYOUTS) == [1, 2, 3]
