"""Displacements, parameters, photographs and whole numbers: they fit their grid, vary, and shrink to the simplest."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from equinorm.strategies import (
    BCDHW,
    BCT,
    DENOMINATORS,
    PHOTOGRAPHS,
    actions,
    arrays,
    displacements,
    fractions,
    grids,
    layer_parameters,
    layouts,
    normalizations,
    patch,
    photograph,
    shape_of,
    term_parameters,
    terms,
)
from numerics.layers import normalize
from numerics.terms import evaluate
from numerics.translations import move
from tests.command import run_python
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW
from theory.spec.errors import SpecificationError
from theory.spec.grids import Grid, Size, grid_of
from theory.spec.layers import Normalization, Statistics

SEARCH = settings(max_examples=1000, derandomize=True, database=None, deadline=None, report_multiple_bugs=False)
GRID = grid_of({"B": 2, "C": 2, "H": 3, "W": 4})
MOVING = frozenset("HW")


@given(st.data())
def test_arrays_can_be_moved_by_displacements(data: st.DataObject) -> None:
    layout = data.draw(layouts())
    grid = data.draw(grids(layout))
    action = data.draw(actions(layout))
    x = data.draw(arrays(grid))
    t = data.draw(displacements(action, grid))
    axes = [layout.index(name) for name in layout.names if name in action.moving]
    assert move(action.kind, x, t, axes).shape == x.shape
    assert len(t) == (1 if action.scope is Scope.COMMON else shape_of(grid)[0])
    sizes = np.asarray([shape_of(grid)[axis] for axis in axes])
    assert np.all(t >= 0)
    assert np.all(t < sizes)


def test_displacements_shrink_to_one_that_is_simple() -> None:
    per_sample = Action(ActionKind.TRANSLATION, MOVING, Scope.PER_SAMPLE)
    found = find(displacements(per_sample, GRID), lambda t: t[0, 1] != t[1, 1], settings=SEARCH)
    assert sorted(found.ravel()) == [0, 0, 0, 0.5]
    whole = find(displacements(Action(ActionKind.SHIFT, MOVING), GRID), np.any, settings=SEARCH)
    assert sorted(whole.ravel()) == [0, 1]


@given(st.sampled_from(DENOMINATORS), st.integers(1, 9), st.data())
def test_fractions_have_their_denominator(q: int, size: int, data: st.DataObject) -> None:
    value = data.draw(fractions(size, (q,)))
    assert isinstance(value, Fraction)
    assert 0 <= value < size
    assert q % value.denominator == 0


@given(st.data())
def test_layers_take_their_parameters(data: st.DataObject) -> None:
    layer = data.draw(normalizations(statistics=tuple(Statistics)))
    values = data.draw(layer_parameters(layer, GRID))
    assert ("gain" in values) == ("bias" in values) == (layer.affine is not None)
    assert ("running" in values) == (layer.statistics is Statistics.RUNNING)
    assert np.isfinite(normalize(layer, np.ones(shape_of(GRID)), **values)).all()


@given(st.data())
def test_terms_take_their_parameters(data: st.DataObject) -> None:
    layout = data.draw(layouts())
    grid = data.draw(grids(layout))
    term = data.draw(terms(layout))
    x = data.draw(arrays(grid))
    values = data.draw(term_parameters(term, grid))
    with np.errstate(all="ignore"):
        assert evaluate(term, x, values, layout=layout).shape == x.shape


def test_parameters_vary_and_shrink_to_ones() -> None:
    layer = Normalization(affine=frozenset("CW"))
    assert np.all(find(layer_parameters(layer, GRID), bool, settings=SEARCH)["gain"] == 1)
    varied = find(layer_parameters(layer, GRID), lambda found: np.ptp(found["gain"]) > 0, settings=SEARCH)
    assert sorted(varied["gain"].ravel()) == [1] * 7 + [2]
    assert np.all(varied["bias"] == 1)


@given(arrays(GRID, structures=("integers",)))
def test_whole_numbers_are_few_and_small(x: np.ndarray) -> None:
    assert np.all(x == np.rint(x))
    assert 1 <= np.count_nonzero(x) <= 8
    assert np.max(np.abs(x)) <= 4


def test_whole_numbers_shrink_to_few() -> None:
    x = find(arrays(GRID, structures=("integers",)), lambda x: x[0].any() and (x[1] < 0).any(), settings=SEARCH)
    assert sorted(x[x != 0]) == [-1, 1]


def test_any_structure_gives_way_to_a_simpler_one() -> None:
    x = find(arrays(GRID), lambda x: bool(x.std() > 0.1), settings=SEARCH)
    assert np.count_nonzero(x - x[0, 0, 0, 0]) <= x.size - 1
    assert set(x.ravel()) <= {0.0, 1.0}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_there_and_are_no_noise(name: str) -> None:
    shown = photograph(name)
    assert shown.shape == (256, 256)
    assert 0 <= shown.min() < shown.max() <= 1
    neighbors = np.corrcoef(shown[:, 1:].ravel(), shown[:, :-1].ravel())[0, 1]
    assert neighbors > 0.5
    assert not shown.flags.writeable


def test_patches_lie_in_their_photograph_and_go_on_as_in_a_mirror() -> None:
    shown = photograph("camera")
    x = patch(grid_of({"B": 1, "C": 2, "H": 5, "W": 300}), "camera", 3, 4)
    assert np.array_equal(x[0, 0, :, :252], shown[3:8, 4:])
    assert np.array_equal(x[0, 0, :, 252:], shown[3:8, 254 : 254 - 48 : -1])
    assert np.array_equal(x[0, 1, :, :10], shown[14:19, 21:31])
    row = patch(Grid(BCT, (Size(1), Size(1), Size(9))), "camera", 3, 4)
    assert np.array_equal(row[0, 0], shown[3, 4:13])
    film = patch(Grid(BCDHW, (Size(1), Size(1), Size(2), Size(4), Size(5))), "camera")
    assert np.array_equal(film[0, 0, 1], shown[3:7, 2:7])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: find(arrays(GRID, structures=("sound",)), bool), r"structures=\('sound',\)"),
        (lambda: find(arrays(GRID, structures=()), bool), r"structures=\(\)"),
        (lambda: find(displacements(Action(ActionKind.SHIFT, frozenset("T")), GRID), bool), "moving=T"),
        (lambda: fractions(3, (0,)), "denominators"),
        (lambda: patch(GRID, "lena"), "photograph=lena"),
        (lambda: patch(Grid(BCHW, (Size(2, 1),) * 4), "camera"), "a grid of exact sizes"),
    ],
)
def test_what_cannot_be_used_is_named(make: object, said: str) -> None:
    with pytest.raises(SpecificationError, match=said):
        make()


def test_no_picture_is_read_before_it_is_drawn() -> None:
    script = (
        "import sys; import equinorm.strategies as s; print([m for m in sys.modules if m in ('PIL', 'skimage')]);"
        "s.photograph('camera'); print('PIL' in sys.modules)"
    )
    done = run_python("-c", script)
    assert (done.stdout, done.stderr) == ("[]\nTrue\n", "")
