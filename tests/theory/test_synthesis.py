"""The synthesised theorems: what the paper proved, what it left out, and the table behind each."""

from __future__ import annotations

import random
from itertools import product

import pytest

from theory.calculus.compile import compile_term
from theory.calculus.setting import settings
from theory.calculus.simplify import numbered
from theory.decision import synthesis
from theory.decision.blocks import Block, all_layers, blocks
from theory.decision.decide import settle
from theory.decision.formulas import evaluate
from theory.decision.notation import parse
from theory.decision.synthesis import ALL_LAYERS, PAPER, Theorem, Undecided, decide_blocks, synthesize, truth_table
from theory.decision.tables import row_of, values_of
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import Axis, AxisKind, Layout
from theory.spec.grids import ALL, ODD
from theory.spec.layers import DEFAULT_EPS

SHIFT, TRANSLATION = ActionKind.SHIFT, ActionKind.TRANSLATION
COMMON, PER_SAMPLE = Scope.COMMON, Scope.PER_SAMPLE
ODD_GRIDS, EVEN_GRIDS, NYQUIST_FREE = "odd grids", "even grids, all real arrays", "even grids, Nyquist-free arrays"

# The numbers of equivariant layers among all 4 913, found by brute force in float64 before the calculus was written.
COUNTS = {
    (SHIFT, COMMON): {"HW": (1445, 1445, 1445), "H": (2601, 2601, 2601), "W": (2601, 2601, 2601)},
    (SHIFT, PER_SAMPLE): {"HW": (635, 635, 635), "H": (1557, 1557, 1557), "W": (1557, 1557, 1557)},
    (TRANSLATION, COMMON): {"HW": (485, 165, 485), "H": (1449, 297, 1449), "W": (1449, 297, 1449)},
    (TRANSLATION, PER_SAMPLE): {"HW": (335, 135, 335), "H": (1125, 261, 1125), "W": (1125, 261, 1125)},
}

# Theorems 1 and 2 of arXiv 2505.19805, and what holds where they are silent.
STATEMENTS = {
    (SHIFT, COMMON, ODD_GRIDS): "¬aH ∧ ¬aW",
    (TRANSLATION, COMMON, ODD_GRIDS): "sH ∧ sW ∧ ¬aH ∧ ¬aW",
    (SHIFT, PER_SAMPLE, ODD_GRIDS): "¬aH ∧ ¬aW ∧ (¬mB ∨ (mH ∧ mW)) ∧ (¬sB ∨ (sH ∧ sW))",
    (TRANSLATION, PER_SAMPLE, ODD_GRIDS): "sH ∧ sW ∧ ¬aH ∧ ¬aW ∧ (¬mB ∨ (mH ∧ mW))",
    (TRANSLATION, COMMON, EVEN_GRIDS): "False",
    (TRANSLATION, PER_SAMPLE, EVEN_GRIDS): "False",
    (TRANSLATION, COMMON, NYQUIST_FREE): "sH ∧ sW ∧ ¬aH ∧ ¬aW",
    (TRANSLATION, PER_SAMPLE, NYQUIST_FREE): "sH ∧ sW ∧ ¬aH ∧ ¬aW ∧ (¬mB ∨ (mH ∧ mW))",
}


@pytest.fixture(scope="module")
def decided() -> dict[Block, tuple[bool, ...]]:
    return decide_blocks(blocks(), workers=2)


@pytest.fixture(scope="module")
def found(decided: dict[Block, tuple[bool, ...]]) -> dict[tuple[object, ...], Theorem]:
    theorems = [
        synthesize(block, verdicts, layers) for block, verdicts in decided.items() for layers in (PAPER, ALL_LAYERS)
    ]
    return {(t.block.action.kind, t.block.action.scope, t.block.axes, t.block.arrays, t.layers): t for t in theorems}


def test_the_counts_are_those_of_brute_force(found: dict[tuple[object, ...], Theorem]) -> None:
    for (kind, scope), by_axes in COUNTS.items():
        for axes, counts in by_axes.items():
            for arrays, count in zip((ODD_GRIDS, EVEN_GRIDS, NYQUIST_FREE), counts, strict=True):
                theorem = found[kind, scope, axes, arrays, ALL_LAYERS]
                assert (theorem.rows, theorem.equivariant) == (4913, count), (kind, scope, axes, arrays)


@pytest.mark.parametrize("key", STATEMENTS, ids=lambda key: " ".join(str(getattr(part, "value", part)) for part in key))
def test_the_theorems_come_out_word_for_word(
    found: dict[tuple[object, ...], Theorem], key: tuple[ActionKind, Scope, str]
) -> None:
    kind, scope, arrays = key
    theorem = found[kind, scope, "HW", arrays, PAPER]
    assert theorem.text == STATEMENTS[key]
    assert theorem.rows == 15 * 16 * 16
    assert theorem.exact


def test_a_printed_theorem_says_of_each_layer_what_was_decided(
    found: dict[tuple[object, ...], Theorem], decided: dict[Block, tuple[bool, ...]]
) -> None:
    """The texts once more, read by the parser and evaluated layer by layer, with E spelled out by hand."""
    for theorem in found.values():
        formula = parse(theorem.text)
        for layer, verdict in zip(all_layers(), decided[theorem.block], strict=True):
            if theorem.layers == PAPER and not (layer.center and layer.scale is not None and layer.affine is not None):
                continue
            names = {"m": layer.center, "s": layer.scale, "a": layer.affine}
            values = {step + axis: axis in (axes or "") for step, axes in names.items() for axis in "BCHW"}
            values |= {step: axes is not None for step, axes in names.items()}
            values["E"] = layer.center == frozenset()
            assert evaluate(formula, values) == verdict, (theorem.text, str(layer))


def test_one_flipped_verdict_gives_another_theorem(decided: dict[Block, tuple[bool, ...]]) -> None:
    block = next(b for b in decided if b.action.kind is TRANSLATION and b.axes == "HW" and b.size == ODD)
    verdicts = decided[block]
    original = synthesize(block, verdicts, PAPER)
    place = next(
        i for i, layer in enumerate(all_layers()) if layer.center and layer.scale == layer.affine == frozenset()
    )
    flipped = synthesize(block, [*verdicts[:place], not verdicts[place], *verdicts[place + 1 :]], PAPER)
    assert flipped.text != original.text
    assert flipped.equivariant == original.equivariant + (1 if not verdicts[place] else -1)


def test_tables_hold_every_layer_once(decided: dict[Block, tuple[bool, ...]]) -> None:
    block, verdicts = next(iter(decided.items()))
    assert len(all_layers()) == len(set(all_layers())) == 17**3
    table = truth_table(block, verdicts, ALL_LAYERS)
    assert table.rows == 17**3
    row = row_of(table.variables, {"m", "mC", "s", "sC"})
    assert values_of(table.variables, row)["sC"]
    assert table.true >> row & 1  # centring and scaling over C without an affine step commutes with shifts


def test_renaming_asks_the_same_question(decided: dict[Block, tuple[bool, ...]]) -> None:
    """The verdicts along W were taken from questions about H; a sample of them is asked anew."""
    draw = random.Random(7)
    layers = all_layers()
    for block, verdicts in decided.items():
        if block.axes != "W":
            continue
        (setting,) = settings(block.claim)
        assert setting.moving.name == "W"
        for place in draw.sample(range(len(layers)), 60):
            derivation, witness = settle(numbered(compile_term(layers[place])), setting, DEFAULT_EPS)
            assert derivation.holds == verdicts[place]
            assert (witness is None) == verdicts[place]


def test_a_layout_with_one_spatial_axis_gives_the_one_dimensional_theorems() -> None:
    layout = Layout((Axis("B", AxisKind.INDEX, sample=True), Axis("C", AxisKind.INDEX), Axis("T", AxisKind.SPATIAL)))
    found = {}
    for kind, scope in product(ActionKind, Scope):
        block = Block(Action(kind, frozenset("T"), scope), ODD, ALL, layout)
        (verdicts,) = decide_blocks([block], workers=1).values()
        assert len(verdicts) == 9**3
        found[kind, scope] = synthesize(block, verdicts, PAPER).text
    assert found == {
        (SHIFT, COMMON): "¬aT",
        (SHIFT, PER_SAMPLE): "¬aT ∧ (¬mB ∨ mT) ∧ (¬sB ∨ sT)",
        (TRANSLATION, COMMON): "sT ∧ ¬aT",
        (TRANSLATION, PER_SAMPLE): "sT ∧ ¬aT ∧ (¬mB ∨ mT)",
    }


def test_a_layer_without_a_verdict_is_no_theorem(monkeypatch: pytest.MonkeyPatch) -> None:
    block = blocks()[0]
    setting = settings(block.claim)[0]
    derivation, _ = settle(numbered(compile_term(all_layers()[-1])), setting, DEFAULT_EPS)
    assert not derivation.holds
    monkeypatch.setattr(synthesis, "settle", lambda *_: (derivation, None))
    with pytest.raises(Undecided):
        decide_blocks([block], workers=1)
