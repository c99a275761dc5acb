"""Synthesis: from the verdicts on all layers to a theorem.

Every layer is decided by the calculus, term by term; the verdicts fill a truth table over variables such as mH ("H is a
centring axis"); the table is minimised, and the printed formula is read back and checked against every row. Nothing
about the dimensions of a layer is put in: the formula is an output. Two settings of layers are asked:

    paper   all three steps present and centring over at least one axis, as in Scanvic, Barthélemy and Tachella (2025,
            arXiv 2505.19805), whose Theorems 1 and 2 are the blocks of common shifts and translations
    all     every layer of the language, with a variable for the presence of each step
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from theory.calculus.compile import compile_term
from theory.calculus.setting import Setting, settings
from theory.calculus.simplify import numbered
from theory.decision.blocks import Block, all_layers
from theory.decision.decide import settle
from theory.decision.factor import abbreviate
from theory.decision.formulas import Formula, Literal, conjunction
from theory.decision.minimize import condition
from theory.decision.notation import spell
from theory.decision.parallel import ask_all
from theory.decision.tables import Table, differences, row_of, table_of
from theory.spec.axes import Axis, AxisKind, AxisSet, Layout
from theory.spec.layers import DEFAULT_EPS, Normalization
from theory.spec.terms import Term

STEPS = {"m": "center", "s": "scale", "a": "affine"}
"""The letter of each step in the variables: m as in mean, s as in scale, a as in affine."""

EMPTY_CENTERING = "E"

PAPER, ALL_LAYERS = "paper", "all"


class Undecided(ArithmeticError):
    """A layer without a verdict; no theorem can be read off a table with a hole."""


@dataclass(frozen=True)
class Theorem:
    """The condition of a block over one setting of layers.

    ``rows`` counts the layers, ``equivariant`` those that are; ``exact`` says that no shorter normal form exists.
    ``names`` are the abbreviations that the formula uses, with their meaning.
    """

    block: Block
    layers: str
    rows: int
    equivariant: int
    formula: Formula
    exact: bool
    names: tuple[tuple[str, Formula], ...]

    @property
    def text(self) -> str:
        """The condition as it is printed, and as it was checked."""
        return spell(self.formula)


def verdicts_on(setting: Setting) -> tuple[bool, ...]:
    """For every layer whether it is equivariant along the moving axis of a setting.

    Raises:
        Undecided: a layer that is neither proved nor refuted.
    """
    found = []
    layout = _layout(setting)
    for layer, term in zip(all_layers(layout), _terms(layout), strict=True):
        derivation, witness = settle(term, setting, DEFAULT_EPS)
        if not derivation.holds and witness is None:
            raise Undecided(f"{layer} along {setting.moving.name}")
        found.append(derivation.holds)
    return tuple(found)


@lru_cache(maxsize=4)
def _terms(layout: Layout) -> tuple[Term, ...]:
    """The terms of all layers; one object each, so that what is remembered about it is found quickly."""
    return tuple(numbered(compile_term(layer)) for layer in all_layers(layout))


def _layout(setting: Setting) -> Layout:
    kinds = {True: AxisKind.SPATIAL, False: AxisKind.INDEX}
    return Layout(tuple(Axis(d.name, kinds[d.spatial]) for d in setting.dimensions))


Naming = dict[str, str]


def _renamed(setting: Setting) -> tuple[Setting, Naming]:
    """The setting with its moving axis in the first spatial place, and the old name of each axis by its new one.

    A verdict does not depend on what an axis is called, so questions that differ in names only are asked once.
    """
    dimensions = list(setting.dimensions)
    first = next(place for place, dimension in enumerate(dimensions) if dimension.spatial)
    here = dimensions.index(setting.moving)
    dimensions[first], dimensions[here] = dimensions[here], dimensions[first]
    names = [dimension.name for dimension in setting.dimensions]
    old = {name: dimension.name for name, dimension in zip(names, dimensions, strict=True)}
    new = tuple(replace(dimension, name=name) for name, dimension in zip(names, dimensions, strict=True))
    return Setting(new, new[first], setting.shifts), old


def _translated(verdicts: tuple[bool, ...], layout: Layout, old: Naming) -> tuple[bool, ...]:
    """Verdicts on all layers after renaming, in the order of the layers before."""

    def back(axes: AxisSet | None) -> AxisSet | None:
        return None if axes is None else frozenset(old[name] for name in axes)

    steps = [(layer.center, layer.scale, layer.affine) for layer in all_layers(layout)]
    named = {tuple(map(back, key)): verdict for key, verdict in zip(steps, verdicts, strict=True)}
    return tuple(named[key] for key in steps)


def decide_blocks(
    asked: Sequence[Block], workers: int | None = None, progress: Callable[[int, int], None] | None = None
) -> dict[Block, tuple[bool, ...]]:
    """The verdicts on all layers for each block, decided in several processes.

    Blocks share what they ask of one axis, and each such question is decided once. ``progress`` is told how many
    questions are done, and of how many.
    """
    questions = {block: [_renamed(setting) for setting in settings(block.claim)] for block in asked}
    distinct = list(dict.fromkeys(setting for found in questions.values() for setting, _ in found))
    answers: dict[Setting, tuple[bool, ...]] = {}
    count = min(workers or os.cpu_count() or 1, len(distinct))
    if count <= 1:
        for setting in distinct:
            answers[setting] = verdicts_on(setting)
            if progress:
                progress(len(answers), len(distinct))
    else:
        for setting, answer in ask_all(verdicts_on, distinct, count):
            answers[setting] = answer
            if progress:
                progress(len(answers), len(distinct))
    decided = {}
    for block, found in questions.items():
        along = [_translated(answers[setting], block.layout, old) for setting, old in found]
        decided[block] = tuple(all(verdicts) for verdicts in zip(*along, strict=True))
    return decided


def variables(layout: Layout, layers: str) -> tuple[str, ...]:
    """The variables of a table: for each step its presence (among all layers only) and its axes."""
    found: list[str] = []
    for step in STEPS:
        found += [step] if layers == ALL_LAYERS else []
        found += [step + axis for axis in layout.names]
    return tuple(found)


def true_variables(layer: Normalization) -> set[str]:
    """The variables that are true of a layer."""
    found = set()
    for letter, step in STEPS.items():
        axes = getattr(layer, step)
        if axes is not None:
            found |= {letter, *(letter + axis for axis in axes)}
    return found


def in_setting(layer: Normalization, layers: str) -> bool:
    """True if a layer belongs to a setting of layers."""
    return layers == ALL_LAYERS or bool(layer.center and layer.scale is not None and layer.affine is not None)


def truth_table(block: Block, verdicts: Sequence[bool], layers: str) -> Table:
    """The table of a block's verdicts; assignments that no layer has stay open."""
    names = variables(block.layout, layers)
    every = zip(all_layers(block.layout), verdicts, strict=True)
    rows = {row_of(names, true_variables(layer)): verdict for layer, verdict in every if in_setting(layer, layers)}
    return table_of(names, rows)


def synthesize(block: Block, verdicts: Sequence[bool], layers: str) -> Theorem:
    """The shortest condition that says which layers of a setting are equivariant.

    Raises:
        ArithmeticError: the printed condition, read back, disagrees with a row of the table.
    """
    table = truth_table(block, verdicts, layers)
    found = condition(table)
    names: dict[str, Formula] = {}
    formula = found.formula
    if layers == ALL_LAYERS:
        no_axis = [Literal("m" + axis, False) for axis in block.layout.names]
        names = {EMPTY_CENTERING: conjunction(Literal("m"), *no_axis)}
        formula = abbreviate(formula, table, names)
    text = spell(formula)
    wrong = differences(text, table, names)
    if wrong:
        raise ArithmeticError(f"{text} disagrees with {wrong.bit_count()} rows of its table")
    used = tuple((name, meaning) for name, meaning in names.items() if name in text)
    exact = found.clauses.exact and found.terms.exact
    return Theorem(block, layers, table.rows, table.true.bit_count(), formula, exact, used)


def theorems(
    asked: Sequence[Block], workers: int | None = None, progress: Callable[[int, int], None] | None = None
) -> tuple[Theorem, ...]:
    """For each block its two theorems, over the paper's layers and over all."""
    decided = decide_blocks(asked, workers, progress)
    return tuple(
        synthesize(block, verdicts, layers) for block, verdicts in decided.items() for layers in (PAPER, ALL_LAYERS)
    )
