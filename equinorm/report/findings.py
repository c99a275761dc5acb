"""What the page says in sentences: its lists and numbers are taken from the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from equinorm.deriving import Derived
from equinorm.experiment.summary import Group, summarize
from equinorm.report.classes import NEITHER, SHIFT, TRANSLATION, Classified, differences
from equinorm.report.measured import COSINE, EVEN, LENGTH, ODD, Measured
from equinorm.report.spectra import Spectra
from numerics.experiment.variants import Initialization, Mode
from theory.decision.synthesis import Theorem
from theory.spec.actions import ActionKind, Scope

ODD_GRIDS, EVEN_GRIDS, NYQUIST_FREE = "odd grids", "even grids, all real arrays", "even grids, Nyquist-free arrays"


@dataclass(frozen=True)
class Range:
    """The smallest and the largest of some means."""

    low: float
    high: float


@dataclass(frozen=True)
class Findings:
    """What follows from the results.

    Attributes:
        shifts, translations, even: the conditions over the paper's layers with both axes moving, scope COMMON.
        shifts_apart, translations_apart: the same, PER_SAMPLE.
        by_class: the named layers by their class on odd grids, COMMON.
        agreeing: how many of the named layers have the printed class, both scopes counted together.
        layers: how many named layers there are.
        even_cosine, even_length, odd_cosine, odd_length: ranges over the translation-equivariant layers of the size of
            the mean errors under translations, on even maps at the published crop and on odd maps.
        blind: layers that the published error cannot tell from an equivariant one on even maps.
        leaks: the largest density above the band in Figure 1, by layer.
    """

    shifts: Theorem
    translations: Theorem
    even: Theorem
    shifts_apart: Theorem
    translations_apart: Theorem
    by_class: dict[str, tuple[str, ...]]
    agreeing: int
    layers: int
    even_cosine: Range
    even_length: Range
    odd_cosine: Range
    odd_length: Range
    blind: tuple[str, ...]
    leaks: dict[str, float]


def findings(derived: Derived, classified: Sequence[Classified], runs: Sequence[Measured], figure: Spectra) -> Findings:
    """Draw the conclusions; the first of ``runs`` has even maps under the published policy, the last has odd ones."""
    odd = [one for one in classified if one.arrays.key == ODD]
    common = {one.layer: one.found for one in odd if one.scope is Scope.COMMON}
    by_class = {
        kind: tuple(layer for layer, found in common.items() if found == kind) for kind in (TRANSLATION, SHIFT, NEITHER)
    }
    different = {one.layer for one in differences(tuple(classified))}
    equivariant = by_class[TRANSLATION]
    on_even, on_odd = _translations(runs[0], EVEN, equivariant), _translations(runs[-1], ODD, equivariant)
    return Findings(
        derived.find(ActionKind.SHIFT, Scope.COMMON, "HW", ODD_GRIDS),
        derived.find(ActionKind.TRANSLATION, Scope.COMMON, "HW", ODD_GRIDS),
        derived.find(ActionKind.TRANSLATION, Scope.COMMON, "HW", EVEN_GRIDS),
        derived.find(ActionKind.SHIFT, Scope.PER_SAMPLE, "HW", ODD_GRIDS),
        derived.find(ActionKind.TRANSLATION, Scope.PER_SAMPLE, "HW", ODD_GRIDS),
        by_class,
        len(common) - len(different),
        len(common),
        _range(on_even, COSINE),
        _range(on_even, LENGTH),
        _range(on_odd, COSINE),
        _range(on_odd, LENGTH),
        blind(runs[0]),
        {curve.name: curve.leak for curve in figure.curves},
    )


def _translations(one: Measured, parity: str, layers: Iterable[str]) -> tuple[Group, ...]:
    """The chosen layers under translations on maps of one parity, with statistics of the maps themselves."""
    rows = one.rows(transformation=ActionKind.TRANSLATION.value, parity=parity)
    groups = summarize(rows, ("layer", "mode"))
    return tuple(g for g in groups if g.key["layer"] in layers and g.key["mode"] != Mode.EVALUATION.value)


def _range(groups: Sequence[Group], metric: str) -> Range:
    means = [abs(mean) for group in groups if (mean := group.metrics[metric].mean) is not None]
    return Range(min(means), max(means))


def blind(one: Measured) -> tuple[str, ...]:
    """Layers whose mean 1 − cosine is below the spacing of numbers at 1, while rounding explains few relative errors.

    Translations on even maps, default gain and bias.
    """
    rows = one.rows(
        transformation=ActionKind.TRANSLATION.value, parity=EVEN, initialization=Initialization.DEFAULT.value
    )
    spacing = float(np.finfo(one.dtype).eps)
    found = []
    for group in summarize(rows, ("layer", "mode")):
        cosine = group.metrics[COSINE].mean
        unseen = cosine is not None and abs(cosine) < spacing
        if group.key["mode"] != Mode.EVALUATION.value and unseen and group.above_rounding > 0.5:
            found.append(group.key["layer"])
    return tuple(found)
