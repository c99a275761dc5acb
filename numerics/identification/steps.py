"""The two steps that reduce, each as the candidate that explains what was measured: centering and scaling.

A candidate is fitted with one free factor for each entry, its gain, over several arrays; a wrong one is off by the
better part of its size, the right one by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from numerics.arrays import Floats
from numerics.identification.candidates import KINDS, axis_subsets, centered, fit, statistic
from numerics.identification.findings import Notes
from theory.spec.axes import BCHW, AxisSet, spell_axes, spell_step

STEPS: list[AxisSet | None] = [None, *axis_subsets()]


@dataclass(frozen=True)
class Candidate:
    """A centering and, where there is a scale, its statistic; ``residual`` and ``gain`` are those of the fit."""

    center: AxisSet | None
    axes: AxisSet | None
    about: AxisSet | None
    kind: str
    residual: float
    gain: Floats


def wide(axes: AxisSet | None, shape: Sequence[int]) -> bool:
    """True for a step that reduces no axis of size 1, whose part in it could not be seen."""
    return axes is None or all(shape[BCHW.index(name)] > 1 for name in axes)


def count(axes: AxisSet, shape: Sequence[int]) -> int:
    """The number of entries that are reduced."""
    return math.prod(shape[BCHW.index(name)] for name in axes)


def find_center(inputs: Floats, odd: Floats, tolerance: float, where: str, notes: Notes) -> Candidate:
    """The centering of which ``odd``, a stack linear in ``inputs``, is a multiple, entry by entry.

    Raises:
        MisfitError: none.
    """
    found = []
    for axes in STEPS:
        if wide(axes, inputs.shape[1:]) and axes != frozenset():
            gain, residual = fit(odd, centered(inputs, axes))
            found.append(Candidate(axes, None, None, "", residual, gain))
    found.sort(key=lambda candidate: candidate.residual)
    best, second = found[:2]
    evidence = (
        f"{where} a gain times x - mean(x, {spell_axes(best.center)})" if best.center else f"{where} a gain times x"
    )
    evidence += f" is off by {best.residual:.1e}, the next ({spell_step(second.center)}) by {second.residual:.1e}"
    if not best.residual <= tolerance:
        raise notes.misfit(f"{where} it is no centering over a set of axes times a gain: {evidence}, of its size")
    notes.add("center", spell_step(best.center), evidence)
    return best


def _scales(
    inputs: Floats, odd: Floats, power: float, centers: Sequence[AxisSet | None], plain: bool
) -> Iterator[Candidate]:
    """Candidates with their fits: mean squares about the center first (``plain``), or all others."""
    shape = inputs.shape[1:]
    for center in centers:
        c = centered(inputs, center)
        for axes in axis_subsets():
            if not wide(axes, shape):
                continue
            for about in [center] if plain else STEPS:
                if about == frozenset() or not wide(about, shape):
                    continue
                d = centered(inputs, about)
                for kind in ["mean square"] if plain else KINDS:
                    if kind == "range" and not axes:
                        continue
                    with np.errstate(divide="ignore", invalid="ignore"):
                        z = np.where(c == 0, 0.0, c * statistic(kind, d, axes) ** -power)
                    gain, residual = fit(odd, z)
                    yield Candidate(center, axes, about, kind, residual, gain)


def find_scale(
    inputs: Floats,
    odd: Floats,
    power: float,
    centers: Sequence[AxisSet | None],
    tolerance: float,
    notes: Notes,
) -> Candidate:
    """The scale over which a centered array is divided, where epsilon is not seen; ``odd`` is of degree 1 - power.

    Raises:
        MisfitError: none.
    """
    plain = list(_scales(inputs, odd, power, centers, plain=True))
    fitting = [candidate for candidate in plain if candidate.residual <= tolerance]
    unusual: list[Candidate] = []
    if not fitting:
        unusual = list(_scales(inputs, odd, power, centers, plain=False))
        fitting = [candidate for candidate in unusual if candidate.residual <= tolerance]
    tried = sorted(plain + unusual, key=lambda candidate: candidate.residual)
    if not fitting:
        best = tried[0]
        raise notes.misfit(
            f"at large arrays no scale fits: the nearest, {describe(best)}, is off by {best.residual:.1e} of its size"
        )
    best = fitting[0]
    assert best.axes is not None
    alike = {describe(candidate): candidate for candidate in fitting[1:]}
    # Statistics that differ in general and agree on this shape, such as the range of two values about their mean.
    more: list[Candidate] = []
    if count(best.axes, inputs.shape[1:]) > 1 and not unusual:
        more = list(_alike(inputs, odd, power, best))
    alike |= {describe(candidate): candidate for candidate in more if candidate.residual <= tolerance}
    alike.pop(describe(best), None)
    law = f"at large arrays a gain times c / s^{power:g}" if power != 1 else "at large arrays a gain times c / s"
    law += f" is off by {best.residual:.1e}"
    others = [candidate for candidate in tried + more if candidate.residual > tolerance]
    if len(centers) > 1:
        notes.add("center", spell_step(best.center), law + _next([c for c in others if c.center != best.center]))
    axes = dict.fromkeys(spell_step(c.axes) for c in alike.values() if c.axes != best.axes)
    notes.add("scale", spell_axes(best.axes), law + _next([c for c in others if c.axes != best.axes]), tuple(axes))
    here = [c for c in others if (c.axes, c.center) == (best.axes, best.center)]
    notes.add("statistic", describe(best), law + _next(here), tuple(alike))
    return best


def _next(others: Sequence[Candidate]) -> str:
    """The nearest that does not fit."""
    if not others:
        return ""
    nearest = min(others, key=lambda candidate: candidate.residual)
    return f", by {nearest.residual:.1e} with the {describe(nearest)}"


def _alike(inputs: Floats, odd: Floats, power: float, best: Candidate) -> Iterator[Candidate]:
    assert best.axes is not None
    c = centered(inputs, best.center)
    for kind in KINDS:
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(c == 0, 0.0, c * statistic(kind, centered(inputs, best.about), best.axes) ** -power)
        gain, residual = fit(odd, z)
        yield Candidate(best.center, best.axes, best.about, kind, residual, gain)


def describe(candidate: Candidate) -> str:
    """The statistic in words."""
    if candidate.axes is None:
        return "none"
    over = f"over {spell_axes(candidate.axes)}" if candidate.axes else "over no axes"
    if candidate.about is None:
        of = "of x"
    elif candidate.about == candidate.center:
        of = f"of x - mean(x, {spell_axes(candidate.about)})"
    else:
        of = f"of x - mean(x, {spell_axes(candidate.about)}), while the centering is {spell_step(candidate.center)},"
    return f"{candidate.kind} {of} {over}"
