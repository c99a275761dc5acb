"""The laws of the translation: closed formulas, which laws hold where, and planted faults that are seen."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import equinorm
from equinorm.cli.main import main
from equinorm.experiment import laws as laws_module
from equinorm.experiment.laws import Case, energy_change, laws, multiplier
from numerics.backends import load_backend
from numerics.translations import translate
from tests.effort import at_least
from theory.spec.actions import NyquistPolicy
from theory.spec.errors import SpecificationError

NUMPY = load_backend("numpy")
EVEN_ONLY = {"isometry", "group law", "inverse"}
SIZES = st.integers(1, 9)
POLICIES = st.sampled_from(list(NyquistPolicy))


def measured(height, width, policy, dtype="float64", seed=0):
    return list(laws(Case(height, width, policy, dtype, NUMPY, seed)))


@given(
    height=SIZES, width=SIZES, policy=POLICIES, dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 9)
)
@at_least(40)
def test_laws_hold_where_no_bin_is_at_the_nyquist_frequency_and_fail_as_predicted_elsewhere(
    height, width, policy, dtype, seed
):
    found = measured(height, width, policy, dtype, seed)
    clean = policy is NyquistPolicy.PROJECT or height % 2 == width % 2 == 1
    assert {law.name for law in found if not law.holds} == (set() if clean else EVEN_ONLY)
    for law in found:
        assert law.off <= law.bound, law
        assert law.holds or law.expected > 0
        if law.holds:
            assert law.expected == 0
    names = [law.name for law in found]
    assert len(names) == len(set(names))
    assert ("float64" in names) == (dtype == "float32")
    assert ("paths" in names) == (policy is not NyquistPolicy.ONE_SIDED or height % 2 == 1)


@given(height=SIZES, width=SIZES, policy=POLICIES, seed=st.integers(0, 99))
@at_least(50)
def test_the_closed_formulas_of_the_energy_are_parsevals(height, width, policy, seed):
    random = np.random.default_rng(seed)
    x = random.standard_normal((2, 3, height, width))
    t = random.uniform(-20, 20, (2, 2))
    weights = np.abs(multiplier(t, height, width, policy)) ** 2 - 1
    by_parseval = (weights * np.abs(np.fft.fft2(x)) ** 2).sum(axis=(1, 2, 3)) / (height * width)
    assert np.allclose(energy_change(x, t, policy), by_parseval, atol=1e-10 * np.sum(x**2))


@given(size=st.integers(1, 12), t=st.floats(-30, 30), seed=st.integers(0, 99))
def test_the_energy_on_one_axis_is_the_formula_of_the_textbook(size, t, seed):
    x = np.random.default_rng(seed).standard_normal((1, 1, size, 1))
    change = energy_change(x, np.array([[t, 0.3]]), NyquistPolicy.SYMMETRIC)[0]
    wave = (-1.0) ** np.arange(size)
    predicted = -(math.sin(math.pi * t) ** 2) * (wave @ x[0, 0, :, 0]) ** 2 / size if size % 2 == 0 else 0.0
    assert change == pytest.approx(predicted, abs=1e-9)


@given(height=SIZES, width=SIZES, policy=POLICIES, seed=st.integers(0, 99))
@at_least(50)
def test_multipliers_are_hermitian_and_never_amplify(height, width, policy, seed):
    t = np.random.default_rng(seed).uniform(-20, 20, (1, 2))
    m = multiplier(t, height, width, policy)[0, 0]
    mirrored = np.roll(m[::-1, ::-1], (1, 1), (0, 1)).conj()
    assert np.allclose(m, mirrored, atol=1e-12)
    assert np.all(np.abs(m) <= 1 + 1e-12)
    assert m[0, 0] == pytest.approx(1)


def reversed_sign(x, t, **options):
    return translate(x, -np.asarray(t), **options)


def axes_exchanged(x, t, **options):
    return translate(x, np.asarray(t)[:, ::-1], **options)


def other_policy(x, t, *, policy):
    other = NyquistPolicy.SYMMETRIC if policy is NyquistPolicy.ONE_SIDED else NyquistPolicy.ONE_SIDED
    return translate(x, t, policy=other)


def rounded(x, t, **options):
    return translate(x, np.rint(t * 64) / 64, **options)


def half_precision(x, t, **options):
    return translate(x.astype(np.float32), t, **options).astype(x.dtype)


def narrowed(x, t, **options):
    return translate(x, t, **options).astype(np.float32)


def louder(x, t, **options):
    return translate(x, t, **options) * (1 + 1e-9)


def biased(x, t, **options):
    return translate(x, t, **options) + 1e-9


def squared(x, t, **options):
    y = translate(x, t, **options)
    return y + 1e-9 * y * y


def broken(x, t, **options):
    return translate(x, t, **options) * np.nan


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (reversed_sign, {"whole t", "definition"}),
        (axes_exchanged, {"whole t", "definition"}),
        (other_policy, {"definition"}),
        (rounded, {"definition"}),
        (half_precision, {"definition"}),
        (narrowed, {"kept", "definition"}),
        (louder, {"definition", "isometry", "constants"}),
        (biased, {"definition", "linearity", "constants"}),
        (squared, {"definition", "linearity", "constants"}),
        (broken, {"kept", "whole t", "definition", "isometry", "group law", "linearity", "constants"}),
    ],
)
def test_planted_faults_are_seen(monkeypatch, fault, seen):
    monkeypatch.setattr(laws_module, "translate", fault)
    for policy in (NyquistPolicy.SYMMETRIC, NyquistPolicy.ONE_SIDED):
        failed = {law.name for law in measured(6, 8, policy) if not law.passed}
        assert seen <= failed, (policy, failed)


def test_a_fault_of_one_path_is_seen(monkeypatch):
    from numerics.multipliers import by_matrices

    monkeypatch.setattr(laws_module, "by_matrices", lambda xp, x, matrices: by_matrices(xp, x, matrices) * 1.00001)
    failed = {law.name for law in measured(6, 7, NyquistPolicy.SYMMETRIC) if not law.passed}
    assert failed == {"paths"}


def test_sizes_are_those_asked_for_those_of_a_file_or_those_of_the_network(tmp_path):
    def sizes(*arguments, **options):
        found = equinorm.self_test(*arguments, nyquist="project", dtype="float64", **options)
        return [(case.height, case.width) for case, _ in found.found]

    assert sizes(["5x7", "4x4", "5x7"]) == [(5, 7), (4, 4)]
    np.savez(tmp_path / "a.npz", a=np.zeros((1, 2, 3, 4)), b=np.zeros((2, 3, 4)), c=np.zeros((2, 5, 6)))
    assert sizes(maps=tmp_path / "a.npz") == [(3, 4), (5, 6)]
    assert sizes(crop=64) == [(32, 32), (16, 16), (8, 8), (4, 4), (2, 2)]


def test_one_size_may_be_given_by_itself():
    assert equinorm.self_test("3x4").document() == equinorm.self_test(["3x4"]).document()


def test_every_policy_and_dtype_is_tested_unless_one_is_asked_for():
    found = equinorm.self_test(["4x5"])
    assert len(found.found) == 3 * 2
    assert found.passed
    assert json.dumps(found.document(), allow_nan=False)
    assert len(equinorm.self_test(["4x5"], nyquist="one-sided").found) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": ["5"]}, "size=5"),
        ({"sizes": ["0x5"]}, "size=0x5"),
        ({"sizes": ["5x513"]}, "size=5x513"),
        ({"nyquist": "none"}, "nyquist=none"),
        ({"dtype": "float16"}, "dtype=float16"),
        ({"backend": "abacus"}, "backend=abacus"),
        ({"crop": 0}, "crop=0"),
        ({"seed": -1}, "seed=-1"),
        ({"maps": "missing.npy"}, "input=missing.npy"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(SpecificationError, match=message):
        equinorm.self_test(**options)


def test_the_command_prints_the_laws_and_its_status_tells(capsys, monkeypatch):
    arguments = ["measure", "--self-test", "--size", "6x8", "5x5", "--dtype", "float64", "--nyquist", "symmetric"]
    assert main([*arguments, "--quiet"]) == 0
    text, errors = capsys.readouterr()
    assert errors == ""
    assert text.count("does not hold, as predicted") == len(EVEN_ONLY)
    assert text.splitlines()[-1] == "22 of 22 as they should be"
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is True
    assert [(case["height"], case["width"]) for case in found["cases"]] == [(6, 8), (5, 5)]
    monkeypatch.setattr(laws_module, "translate", broken)
    assert main([*arguments, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is False
    assert {law["measured"] for law in found["cases"][0]["laws"] if law["name"] == "kept"} == {None}
    assert main(arguments) == 1
    assert "FAILS" in capsys.readouterr().out
