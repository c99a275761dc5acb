"""The parts of the search: arrays lie in their domain, displacements are right, layers mean the same to the kernel."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from math import prod

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equinorm.progress import State
from equinorm.questions import Words, read_subject
from equinorm.search import engine
from equinorm.search.answers import reading_document
from equinorm.search.bases import analyze, bases_of, ones, synthesize
from equinorm.search.engine import SHRINKING, search
from equinorm.search.exact import confirm, single_step
from equinorm.search.questions import DENSE, Question, read_question, shapes_of
from equinorm.search.readings import CLEAR, Reading, move, read
from equinorm.search.structured import NUMBERS, STRUCTURES, structured
from equinorm.search.subjects import Unknown, apply, bound, shapes_of_parameters, term_text
from equinorm.search.telling import array_lines, displacement_text, error_text
from equinorm.search.trials import Trial, trial_of, trials
from equinorm.strategies import normalizations
from equinorm.strategies.signals import project
from numerics.terms import evaluate
from proofs.kernel.checking import verdict as refusal
from theory.calculus.compile import compile_term
from theory.spec.axes import BCHW
from theory.spec.grids import ALL, EVEN, ODD, Grid, Size, band, grid_of
from theory.spec.layers import Normalization, Statistics
from theory.spec.syntax import parse


def ask(**words: str | int | None) -> Question:
    own = Words(**words)  # type: ignore[arg-type]
    return read_question(own, read_subject(own), "layer" if own.term is None else "term", "", None)


LAYER = "norm[center=C, scale=CHW, affine=BH]"
QUESTIONS = [
    ask(layer=LAYER),
    ask(layer=LAYER, domain="nyquist-free", scope="per-sample"),
    ask(layer=LAYER, domain="nyquist-free", axes="W", grid="4x6", action="shift"),
    ask(layer=LAYER, domain="1", scope="per-sample"),
    ask(layer=LAYER, domain="0"),
    ask(layer=LAYER, grid="1x2", batch=1, channels=1),
    ask(layer=LAYER, grid="16x17", channels=5, domain="nyquist-free"),
]
questions = st.sampled_from(QUESTIONS)


@given(questions.flatmap(lambda question: st.tuples(st.just(question), trials(question))))
def test_what_is_drawn_lies_in_the_domain(drawn: tuple[Question, Trial]) -> None:
    question, trial = drawn
    grid = Grid(BCHW, tuple(map(Size, trial.shape)))
    nearest = project(trial.x, grid, question.domain, question.action.moving)
    assert np.allclose(trial.x, nearest, atol=1e-9 * max(1.0, np.abs(trial.x).max()))
    assert trial.shape in question.shapes
    assert len(trial.displacements) == question.rows(trial.shape)
    assert [values.shape for values in trial.parameters] == list(shapes_of_parameters(question.subject, trial.shape))
    if trial.coefficients is not None:
        assert np.allclose(synthesize(trial.bases, trial.coefficients), trial.x)


@given(questions.flatmap(lambda question: st.tuples(st.just(question), trials(question))))
def test_what_is_moved_by_matrices_is_moved_as_by_transforms(drawn: tuple[Question, Trial]) -> None:
    question, trial = drawn
    expected = question.motion(trial.x, trial.table)
    assert np.allclose(move(question, trial, trial.x), expected, atol=1e-11 * max(1.0, np.abs(trial.x).max()))


@given(questions, st.integers(0, 10), st.integers(0, 2**32 - 1))
def test_coefficients_and_arrays_are_the_same_thing(question: Question, place: int, seed: int) -> None:
    shape = question.shapes[place % len(question.shapes)]
    bases = bases_of(question, shape)
    drawn = np.random.default_rng(seed).integers(-3, 4, [len(basis.profiles) for basis in bases]).astype(float)
    x = synthesize(bases, drawn)
    assert x.shape == shape
    assert np.allclose(synthesize(bases, analyze(bases, x)), x)
    if prod(shape) <= DENSE:
        assert np.array_equal(synthesize(bases, ones(bases)), np.ones(shape))


@given(questions, st.sampled_from(STRUCTURES), st.lists(st.integers(0, 255), min_size=NUMBERS, max_size=NUMBERS))
def test_structured_arrays_are_spanned_by_the_basis(question: Question, structure: str, numbers: list[int]) -> None:
    shape = question.shapes[0]
    x = structured(structure, question, shape, numbers)
    bases = bases_of(question, shape)
    assert x.shape == shape
    if prod(shape) <= DENSE:
        assert np.allclose(synthesize(bases, analyze(bases, x)), x, atol=1e-9 * max(1.0, np.abs(x).max()))


def test_the_simplest_trial_is_nothing_at_rest() -> None:
    question = QUESTIONS[1]
    simplest = hypothesis.find(trials(question), lambda _: True)
    assert not simplest.x.any()
    assert all(t == 0 for row in simplest.displacements for t in row)
    assert all((values == 1).all() for values in simplest.parameters)
    moved = hypothesis.find(trials(question), lambda trial: bool(trial.x.any()) and any(map(any, trial.displacements)))
    assert np.count_nonzero(moved.coefficients) == 1
    assert moved.coefficients is not None
    assert moved.coefficients[0, 0, 0, 0] == 1


@given(normalizations(statistics=tuple(Statistics)))
def test_the_kernel_is_told_the_layer_that_the_calculus_knows(layer: Normalization) -> None:
    text = term_text(layer)
    assert text is not None
    assert parse(text) == compile_term(layer)


@given(normalizations(statistics=tuple(Statistics)), st.data())
def test_a_layer_and_its_term_have_the_same_value(layer: Normalization, data: st.DataObject) -> None:
    text = term_text(layer)
    assert text is not None
    question = replace(QUESTIONS[0], subject=layer)
    trial = data.draw(trials(question))
    value = apply(layer, trial.x, trial.parameters, trial.eps)
    expected = evaluate(parse(text), trial.x, trial.parameters, trial.eps)
    assert np.allclose(value, expected, rtol=1e-6, atol=1e-6 * max(1.0, np.abs(expected).max()))


def test_families_leave_out_sizes_that_are_too_small_or_too_large() -> None:
    assert {shape[2:] for shape in shapes_of(grid_of({"H": ODD, "W": EVEN}), band(3))} == {(7, 8)}
    found = shapes_of(grid_of({"H": EVEN, "W": EVEN}), ALL)
    assert found[0] == (2, 2, 4, 4)
    assert max(map(prod, found)) <= DENSE
    assert {shape[2:] for shape in found} >= {(4, 4), (4, 6), (6, 4), (6, 6)}
    assert shapes_of(grid_of({"B": 9, "C": 9, "H": 9, "W": 9}), ALL) == ((9, 9, 9, 9),)


def found_for(question: Question) -> tuple[Trial, Reading]:
    found = search(question, 1000, seed=3)
    assert found.smallest is not None
    return found.smallest


@pytest.mark.parametrize("allowed", [1, 3])
def test_shrinking_is_bounded_by_what_was_allowed_before(allowed: int) -> None:
    """Whatever it has come to by then is a violation, with the reading that belongs to it."""
    question = ask(layer="LayerNorm-C", grid="15x16", channels=7)
    whole = search(question, 30, seed=1)
    assert whole.until_found is not None
    cut = search(question, whole.until_found + allowed, seed=1)
    for found in (whole, cut):
        assert found.smallest is not None
        assert found.smallest[1].violates
        reading = read(question, found.smallest[0])
        assert reading is not None
        assert reading.entry == found.smallest[1].entry
    assert cut.examples <= whole.until_found + SHRINKING * (whole.until_found + allowed)


def test_shrinking_stops_where_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SHRINKING", 1)
    told: list[State] = []
    question = ask(layer="LayerNorm-C", grid="15x16", channels=7)
    found = search(question, 12, seed=1, listener=told.append)
    assert found.until_found is not None
    assert found.examples == found.until_found + 12
    assert found.smallest is not None
    assert found.smallest[1].violates
    assert {state.task for state in told} == {"hunting", "shrinking"}
    assert told[-1].share == 1.0


def test_a_displacement_of_many_steps_is_taken_apart() -> None:
    question = ask(layer="norm[center=B]", action="translation", scope="per-sample", grid="3x3", batch=2, channels=1)
    trial, _ = found_for(question)
    half, third = Fraction(1, 2), Fraction(1, 3)
    many = replace(trial, displacements=((Fraction(0), half), (third, half)))
    step = single_step(question, many)
    assert step is not None
    assert sum(t != 0 for row in step[0].displacements for t in row) == 1
    assert confirm(question, many).exact


def test_another_sample_takes_the_place_of_the_first() -> None:
    """The kernel lets the first sample move; where it was the last one, samples and parameters are exchanged."""
    question = ask(layer="norm[center=B, affine=B]", action="shift", scope="per-sample", grid="3x3", channels=1)
    shape = (3, 1, 3, 3)
    bases, still = bases_of(question, shape), (Fraction(0),) * 2
    coefficients = np.zeros(shape)
    coefficients[0, 0, 0, 0], coefficients[1, 0, 1, 2] = 1.0, 5.0
    gain = np.asarray([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1)
    table = (still, still, (Fraction(1), Fraction(0)))
    last = trial_of(coefficients, bases, table, (gain, gain - 7), Fraction(1))
    step = single_step(question, last)
    assert step is not None
    assert step[0].displacements == table[::-1]
    assert np.array_equal(step[0].x, last.x[::-1])
    assert step[0].parameters[0].ravel().tolist() == [3.0, 2.0, 1.0]
    found = confirm(question, last)
    assert found.certificate is not None
    instance = found.certificate["evidence"]["example"]["instance"]
    assert instance["moves"] == "first sample"
    assert instance["parameters"] == [["3", "2", "1"], ["-4", "-5", "-6"]]


def test_the_kernel_is_asked_and_not_believed() -> None:
    question = ask(layer="LayerNorm-C", grid="3x3")
    trial, reading = found_for(question)
    sound = confirm(question, trial)
    assert sound.certificate is not None
    assert refusal(json.dumps(sound.certificate)) is None
    for name in ("moved_then_layer", "layer_then_moved"):
        forged = json.loads(json.dumps(sound.certificate))
        example = forged["evidence"]["example"]
        example[name] = [str(Fraction(end) + 1) for end in example[name]]
        assert refusal(json.dumps(forged)) is not None
    # The same trial is none of a layer that is equivariant.
    other = replace(question, subject=read_subject(Words(layer="LayerNorm-AF")))
    assert not confirm(other, trial).exact
    assert read(other, trial) is not None
    assert reading.ratio > CLEAR


def test_what_jumps_by_rounding_is_no_violation() -> None:
    """A function that asks for the sign of a sum, which is 0 but for rounding: at a neighboring input it is not."""
    question = ask(layer="LayerNorm-C", action="shift", grid="3x3", batch=1, channels=1)

    def jumps(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        narrow = x.astype(np.float32)
        return narrow + np.float32(narrow.sum() < 0)

    unknown = replace(question, subject=Unknown("jumps", jumps, 2.0**-24), kind="target")
    rng, jumped = np.random.default_rng(1), 0
    for _ in range(200):
        x = rng.integers(-9, 10, (1, 1, 3, 3)) / 7
        x[0, 0, 0, 0] -= x.sum()
        trial = Trial(x, ((Fraction(1), Fraction(1)),), (), Fraction(1))
        reading = read(unknown, trial)
        assert reading is not None
        jumped += reading.error > 0.05
        assert not reading.violates
    assert jumped > 10


def test_where_the_second_side_is_0_the_error_is_judged_by_the_first() -> None:
    """Relative to 0 every error is infinite; what is judged then is the same experiment backwards, from T x."""
    question = ask(layer="LayerNorm-C", action="shift", grid="3x3", batch=1, channels=1)

    def masked(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        y = x.copy()
        y[:, :, 0, 0] = 0
        return y

    impulse = np.zeros((1, 1, 3, 3))
    impulse[0, 0, 0, 0] = 2.0
    trial = Trial(impulse, ((Fraction(1), Fraction(0)),), (), Fraction(1))
    reading = read(replace(question, subject=Unknown("masked", masked), kind="target"), trial)
    assert reading is not None
    assert (reading.violates, reading.against_zero, reading.size) == (True, True, 2.0)
    assert error_text(reading).startswith("f, then moved, is 0 throughout; L2 error 2, ")
    shown = reading_document(reading)
    assert (shown["relative_l2"], shown["l2"]) == (None, 2.0)
    assert shown["in_bounds"] > CLEAR


def test_0_against_rounding_is_no_violation() -> None:
    """A constant is centered to 0; moved by a fraction of a sample it is a constant but for rounding."""
    question, against_zero = ask(layer="LayerNorm-C", grid="5x7", batch=1, channels=1), 0

    def instance(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        c = x - x.mean(axis=(2, 3), keepdims=True)
        return c / np.sqrt((c * c).mean(axis=(2, 3), keepdims=True) + 1e-12)

    for subject in (Unknown("instance", instance), read_subject(Words(layer="InstanceNorm"))):
        own = replace(question, subject=subject, kind="target")
        for value in range(1, 20):
            x = np.full((1, 1, 5, 7), float(value))
            gain = () if isinstance(subject, Unknown) else (np.ones((1, 1, 1, 1)), np.zeros((1, 1, 1, 1)))
            reading = read(own, Trial(x, ((Fraction(1, 3), Fraction(1, 2)),), gain, Fraction(1, 10**9)))
            assert reading is not None
            assert not reading.violates
            against_zero += reading.against_zero
    assert against_zero > 5


def test_a_precision_that_was_seen_is_not_forgotten_where_it_does_not_show() -> None:
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 0, 0] = 1.0
    for unit in (0.0, 2.0**-24):
        found = bound(Unknown("signs", np.sign, unit), x, x, x, 1.0, (), Fraction(1))
        assert found[1] == max(unit, 2.0**-53)


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (np.ones((1, 2)), ["x: 1 everywhere (1 x 2)"]),
        (np.eye(2)[:1], ["x (1 x 2): 1 at [0,0]; else 0"]),
        (np.arange(6.0).reshape(2, 3), ["x (2 x 3):", "  [[0 1 2]", "   [3 4 5]]"]),
        (np.diag([0.5, 0, 0]), ["x (3 x 3): 0.5 at [0,0]; else 0"]),
    ],
)
def test_arrays_in_words(values: np.ndarray, lines: list[str]) -> None:  # type: ignore[type-arg]
    assert array_lines("x", values) == lines


def test_a_long_list_of_entries_is_cut() -> None:
    (line,) = array_lines("x", np.diag(np.arange(1.0, 41.0)))
    assert line.endswith("12 at [11,11], and 28 more; else 0")


def test_displacements_in_words() -> None:
    apart = ask(layer=LAYER, scope="per-sample")
    still = Fraction(0)
    assert displacement_text(apart, ((still, still), (Fraction(1, 2), still), (still, still))) == (
        "sample 1 by 1/2 along H; 2 at rest"
    )
    assert displacement_text(ask(layer=LAYER), ((Fraction(1), Fraction(1, 3)),)) == "1 along H and 1/3 along W"
    assert displacement_text(apart, ((still, still),)) == "none"
