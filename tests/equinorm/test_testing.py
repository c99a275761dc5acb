"""The assertion says of a layer what the theory says of it, in every library, and names what it cannot judge."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equinorm.strategies import actions, layer_parameters, normalizations
from equinorm.testing import NotEquivariant, Undecided, assert_equivariant
from equinorm.testing.question import read_question
from equinorm.testing.trials import KINDS, draw_trials
from numerics.backends import load_backend
from numerics.layers import normalize
from theory.calculus.compile import compile_term
from theory.decision.decide import decide
from theory.decision.verdicts import Counterexample, Proof
from theory.spec.actions import ActionKind, NyquistPolicy, Scope
from theory.spec.catalogue import CATALOGUE
from theory.spec.claims import Claim
from theory.spec.errors import SpecificationError
from theory.spec.grids import ALL, NYQUIST_FREE, grid_of

SHAPES = ((2, 3, 5, 7), (2, 3, 4, 6), (3, 2, 6, 5))


def catalogue(name: str) -> Callable[[Any], Any]:
    return lambda x: normalize(CATALOGUE[name].layer, x)


def library(name: str) -> Any:
    """What to give as ``like``; a skip where the library is not there."""
    if name == "array_api_strict":
        return pytest.importorskip(name, reason="array-api-strict, of the extra 'test', is missing")
    try:
        load_backend(name)
    except SpecificationError as error:
        pytest.skip(str(error))
    return name


@given(st.data())
def test_it_agrees_with_the_theory(data: st.DataObject) -> None:
    """Layers, actions, grids of both parities: a proof means that it passes, a counterexample that it does not."""
    shape = data.draw(st.sampled_from(SHAPES))
    grid = grid_of(dict(zip("BCHW", shape, strict=True)))
    layer, action = data.draw(normalizations()), data.draw(actions())
    policy = data.draw(st.sampled_from([NyquistPolicy.SYMMETRIC, NyquistPolicy.PROJECT]))
    values = data.draw(layer_parameters(layer, grid))
    if any(value.size > 1 and np.ptp(value) == 0 for value in values.values()):
        return  # a claim is about all parameters, these are special ones
    axes = tuple("BCHW".index(name) for name in "HW" if name in action.moving)
    domain = NYQUIST_FREE if policy is NyquistPolicy.PROJECT else ALL
    verdict = decide(Claim(compile_term(layer), action, grid, domain))

    def ask() -> None:
        assert_equivariant(
            lambda x: normalize(layer, x, **values),
            shape=shape,
            action=action.kind,
            scope=action.scope,
            axes=axes,
            nyquist=policy,
        )

    if isinstance(verdict, Proof):
        ask()
    else:
        assert isinstance(verdict, Counterexample)
        with pytest.raises(NotEquivariant):
            ask()


@pytest.mark.parametrize("name", ["numpy", "torch", "cupy", "array_api_strict"])
def test_every_library(name: str) -> None:
    like = library(name)
    seen = set()

    def center(x: Any) -> Any:
        seen.add(type(x).__module__.partition(".")[0])
        return x - catalogue("InstanceNorm")(x)

    assert_equivariant(center, like=like)
    assert seen == {name}
    with pytest.raises(NotEquivariant, match=f"float64 by {name}"):
        assert_equivariant(catalogue("LayerNorm-C"), like=like)
    assert_equivariant(catalogue("LayerNorm-C"), like=like, action="shift")
    assert_equivariant(catalogue("InstanceNorm"), like=like, dtype="float32")


def test_an_array_says_which_library() -> None:
    torch = pytest.importorskip("torch", reason="torch is missing")
    seen = []
    assert_equivariant(lambda x: seen.append(x) or x, like=torch.zeros(1))
    assert all(isinstance(x, torch.Tensor) for x in seen)


def test_scopes() -> None:
    batch = CATALOGUE["BatchNorm"].layer
    centered = catalogue("BatchNorm")
    assert batch.center == batch.scale == frozenset("BHW")
    assert_equivariant(centered)
    assert_equivariant(lambda x: x - x.mean(axis=0, keepdims=True), scope="common")
    assert_equivariant(lambda x: x - x.mean(axis=0, keepdims=True), shape=(1, 3, 5, 5))
    with pytest.raises(NotEquivariant, match="per-sample"):
        assert_equivariant(lambda x: x - x.mean(axis=0, keepdims=True))
    with pytest.raises(NotEquivariant, match="per-sample"):
        assert_equivariant(lambda x: x - x.mean(axis=0, keepdims=True), displacements=[[1, 0], [2, 0]])
    assert_equivariant(lambda x: x - x.mean(axis=0, keepdims=True), displacements=(1.5, 0))


def test_displacements_given_are_used() -> None:
    def coarse(x: Any) -> Any:
        return np.repeat(x[..., ::2], 2, axis=-1)

    shape = (2, 3, 4, 8)
    assert_equivariant(coarse, shape=shape, action="shift", displacements=(3, 2))
    with pytest.raises(NotEquivariant) as caught:
        assert_equivariant(coarse, shape=shape, action="shift", displacements=(0, 1))
    assert caught.value.example.displacements.tolist() == [[0, 1]]


def test_nyquist_policies_and_domains() -> None:
    layer = catalogue("InstanceNorm")
    even = (2, 3, 6, 8)
    for options in ({"nyquist": "project"}, {"domain": "nyquist-free"}, {"domain": 2}, {"action": "shift"}):
        assert_equivariant(layer, shape=even, **options)
    for policy in ("symmetric", "one-sided"):
        with pytest.raises(NotEquivariant, match=f"Nyquist policy {policy}"):
            assert_equivariant(layer, shape=even, nyquist=policy)


def test_a_square_keeps_narrow_bands() -> None:
    assert_equivariant(lambda x: x * x, shape=(2, 2, 9, 9), domain=2)
    with pytest.raises(NotEquivariant, match="band 3 along these axes"):
        assert_equivariant(lambda x: x * x, shape=(2, 2, 9, 9), domain=3)


@pytest.mark.parametrize(
    ("options", "layer"),
    [
        ({"shape": (2, 8), "axes": (-1,)}, lambda x: np.roll(x, 1, axis=-1)),
        ({"shape": (2, 3, 9), "axes": (2,)}, lambda x: x - x.mean(axis=2, keepdims=True)),
        ({"shape": (2, 3, 3, 4, 5), "axes": (-3, -2, -1), "action": "shift"}, lambda x: np.tanh(x)),
        ({"shape": (2, 9, 7, 3), "axes": (1, 2)}, lambda x: x - x.mean(axis=3, keepdims=True)),
        ({"shape": (2, 3, 1, 9)}, lambda x: x - np.roll(x, 2, axis=-1)),
    ],
)
def test_other_layouts(options: dict[str, Any], layer: Callable[[Any], Any]) -> None:
    assert_equivariant(layer, **options)
    axis = options.get("axes", (-1,))[-1]
    gain = np.arange(1.0, options["shape"][axis] + 1)
    gain = gain.reshape([-1 if place == axis % len(options["shape"]) else 1 for place in range(len(options["shape"]))])
    with pytest.raises(NotEquivariant):
        assert_equivariant(lambda x: layer(x) * gain, **options)


def test_strides_are_held_against_the_induced_action() -> None:
    shape = (2, 3, 8, 12)
    assert_equivariant(lambda x: x[..., ::2, ::4], shape=shape, action="shift")
    assert_equivariant(lambda x: x[..., ::2, ::4], shape=shape, domain=1)
    assert_equivariant(lambda x: np.repeat(x, 3, axis=-1), action="shift")
    assert_equivariant(lambda x: x.mean(axis=(2, 3), keepdims=True))
    with pytest.raises(NotEquivariant):
        assert_equivariant(lambda x: x[..., ::2, ::4], shape=shape)
    with pytest.raises(NotEquivariant):
        assert_equivariant(lambda x: x[..., ::2, 1:7], shape=shape, action="shift")
    with pytest.raises(SpecificationError, match="moves the output"):
        assert_equivariant(lambda x: x[..., ::2, ::2], action="shift")


def threshold(level: float) -> Callable[[Any], Any]:
    """Translation-equivariant but for entries beyond ``level``."""
    return lambda x: np.where(np.abs(x) > level, 0.0, x)


def test_what_noise_misses_is_found_too() -> None:
    with pytest.raises(NotEquivariant, match="on loud noise"):
        assert_equivariant(threshold(50.0))
    with pytest.raises(NotEquivariant, match="on impulse"):
        assert_equivariant(lambda x: x if np.count_nonzero(x == 0) < 9 else np.maximum(x, 0))
    assert_equivariant(threshold(50.0), trials=2)


@pytest.mark.parametrize("domain", ["all", "nyquist-free", 1])
def test_the_arrays_tried_lie_in_the_domain(domain: str | int) -> None:
    question = read_question((2, 3, 6, 5), "translation", None, (-2, -1), None, "symmetric", domain, 8, 0, None)
    tried = draw_trials(question)
    assert [trial.kind for trial in tried] == [*KINDS, "noise", "noise"]
    for trial in tried:
        spectrum = np.abs(np.fft.fft2(trial.x)).max(axis=(0, 1)) / np.linalg.norm(trial.x)
        rows, columns = (np.abs(np.fft.fftfreq(size, 1 / size)) for size in (6, 5))
        kept = spectrum > 1e-12
        limit = {"all": 3, "nyquist-free": 2, 1: 1}[domain]
        assert rows[kept.any(axis=1)].max() <= limit
        assert columns[kept.any(axis=0)].max() <= min(limit, 2)
        if trial.kind == "alternating signs" and domain == "all":
            assert set(np.argwhere(kept)[:, 0].tolist()) == {3}
        if trial.kind == "highest frequency" and domain == "all":
            assert set(map(tuple, np.argwhere(kept).tolist())) == {(2, 2), (2, 3), (4, 2), (4, 3)}


def test_the_same_seed_gives_the_same_failure() -> None:
    said = []
    for seed in (0, 0, 1):
        with pytest.raises(NotEquivariant) as caught:
            assert_equivariant(catalogue("LayerNorm-AF"), shape=(2, 3, 4, 4), seed=seed)
        said.append(str(caught.value))
    assert said[0] == said[1] != said[2]


def test_a_tolerance_lets_small_violations_pass() -> None:
    def layer(x: Any) -> Any:
        return x + 1e-3 * np.tanh(x)

    with pytest.raises(NotEquivariant):
        assert_equivariant(layer)
    assert_equivariant(layer, tolerance=1e-2)
    with pytest.raises(NotEquivariant, match="the tolerance is 1e-09"):
        assert_equivariant(layer, tolerance=1e-9)


def test_too_little_precision_is_neither_a_pass_nor_a_defect() -> None:
    layer = catalogue("InstanceNorm")

    def half(x: Any) -> Any:
        return layer(x.astype(np.float16).astype(np.float32)).astype(np.float16).astype(np.float64)

    with pytest.raises(Undecided, match="the precision is too low to tell") as caught:
        assert_equivariant(half)
    assert caught.value.measurement.unit == 2.0**-11
    assert "give tolerance=" in str(caught.value)
    assert_equivariant(half, tolerance=1e-2)
    with pytest.raises(Undecided, match="the tolerance is 1e-05"):
        assert_equivariant(half, tolerance=1e-5)
    with pytest.raises(NotEquivariant):
        assert_equivariant(lambda x: np.sign(half(x)))


def test_precision_within_is_seen_where_few_values_would_hide_it() -> None:
    """A layer that takes and gives float64 and computes in float32: on an impulse as well."""
    layer = catalogue("InstanceNorm")
    for shape in ((2, 8, 15, 17), (1, 1, 3, 3), (1, 2, 5, 3)):
        for seed in range(5):
            try:
                assert_equivariant(lambda x: layer(x.astype(np.float32)).astype(np.float64), shape=shape, seed=seed)
            except Undecided:
                assert shape != (2, 8, 15, 17)


def test_the_layer_may_refuse_float64() -> None:
    seen = set()

    def narrow(x: Any) -> Any:
        if x.dtype != np.float32:
            raise TypeError("float32 only")
        seen.add(str(x.dtype))
        return np.maximum(x, 0)

    assert_equivariant(narrow, action="shift")
    assert seen == {"float32"}
    with pytest.raises(NotEquivariant, match="float32 by numpy, float64 refused: TypeError: float32 only"):
        assert_equivariant(narrow)


def test_the_array_given_is_the_layers_own() -> None:
    """A layer may write into its input."""

    def in_place(x: Any) -> Any:
        x *= 2
        return x

    assert_equivariant(in_place)


def test_it_is_fast() -> None:
    assert_equivariant(catalogue("InstanceNorm"))
    best = min(timed(lambda: assert_equivariant(catalogue("InstanceNorm"))) for _ in range(5))
    assert best < 0.2


def timed(action: Callable[[], None]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def test_axes_may_be_letters() -> None:
    rows = np.arange(1.0, 16.0)[:, None]
    assert_equivariant(lambda x: x * rows, axes="W")
    for axes in ("H", "HW"):
        with pytest.raises(NotEquivariant):
            assert_equivariant(lambda x: x * rows, axes=axes)


def test_importing_the_package_loads_no_library() -> None:
    from tests.command import run_python

    script = "import sys, equinorm.testing; print([m for m in ('numpy', 'torch', 'hypothesis') if m in sys.modules])"
    assert run_python("-c", script).stdout == "[]\n"
    script = (
        "import sys; from equinorm.testing import assert_equivariant; assert_equivariant(lambda x: x);"
        "print([m for m in ('torch', 'hypothesis', 'skimage', 'sympy') if m in sys.modules])"
    )
    assert run_python("-c", script).stdout == "[]\n"


def test_names() -> None:
    import equinorm.testing as package

    assert isinstance(package, ModuleType)
    assert set(package.__all__) <= set(dir(package))
    assert issubclass(NotEquivariant, AssertionError)
    assert issubclass(Undecided, AssertionError)
    with pytest.raises(AttributeError, match="nothing"):
        package.nothing  # noqa: B018
    assert {kind.value for kind in ActionKind} == {"shift", "translation"}
    assert {scope.value for scope in Scope} == {"common", "per-sample"}
