"""From the values of a function that is not odd: a normalization and what follows it, both at once.

Where epsilon is not seen, every normalization of the language is tried; the one of which the function, behind the
inverse of a saturation and between its floor and its ceiling, is affine entry by entry is the one. Epsilon then
follows from smaller arrays. See :mod:`numerics.identification.following`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from numerics.arrays import Floats
from numerics.identification.candidates import axis_subsets, centered, statistic
from numerics.identification.findings import Notes
from numerics.identification.following import SATURATIONS, STRAIGHT, Follow, Line, Saturation, extremes, fit_line
from numerics.identification.formula import Formula, Scale
from numerics.identification.parameters import find_affine, reduced, varies_over
from numerics.identification.probing import Probe, draw
from numerics.identification.profiles import INSIDE, OUTSIDE
from numerics.identification.rationals import simplest
from numerics.identification.recovering import Tolerances
from numerics.identification.steps import STEPS, count, wide
from theory.spec.axes import AxisSet, spell_step

STACK = 48
"""Arrays at which the function is asked: each entry must be seen between its extremes a few times."""

FINE = 2.0**40
"""Steps in 1 of these arrays: values must not repeat by chance."""

ENTRIES = 60
"""Entries at which a candidate is tried."""


@dataclass(frozen=True)
class Fit:
    """A normalization and what follows it, with the fit of gain and bias; ``floor`` and ``ceiling`` of each entry."""

    center: AxisSet | None
    axes: AxisSet | None
    saturation: Saturation
    line: Line
    floor: Floats
    ceiling: Floats


def unfold(probe: Probe, notes: Notes) -> tuple[Formula, Any]:
    """The formula, and where it was seen: entries at which gain and bias are known.

    Raises:
        MisfitError: no normalization of the language with a threshold, clipping or a saturation behind it.
    """
    tolerances = Tolerances(probe.unit)
    inputs = draw(probe.inputs.shape[1:], probe.rng, STACK, FINE)
    found = sorted(_fits(probe, inputs, tolerances), key=lambda fit: fit.line.residual)
    if not found or not found[0].line.residual <= tolerances.exact:
        nearest = f"; the nearest is off by {found[0].line.residual:.1e} of its size" if found else ""
        raise notes.misfit(f"nor is it a normalization with a threshold, clipping or a saturation behind it{nearest}")
    best, other = found[0], next((f for f in found if f.line.residual > tolerances.exact), None)
    evidence = f"between its extremes and behind {best.saturation.name} it is affine in the normalized array, off by "
    evidence += f"{best.line.residual:.1e} of its size"
    if other is not None:
        evidence += f"; the next (center {spell_step(other.center)}, scale {spell_step(other.axes)}, "
        evidence += f"{other.saturation.name}) by {other.line.residual:.1e}"
    notes.add("center", spell_step(best.center), evidence)
    notes.add("scale", spell_step(best.axes), evidence)
    scale = None if best.axes is None else Scale(best.axes, best.center)
    if scale is not None:
        notes.add("statistic", "mean square", evidence)
        scale = _epsilon(probe, best, scale, tolerances, notes)
    limit = tolerances.exact * float(np.nanmax(np.abs(np.stack([best.line.gain, best.line.bias]))))
    joined = None if best.axes is None else count(best.axes, inputs.shape[1:])
    affine, gain, bias = find_affine(best.line.gain, best.line.bias, (limit, limit), joined, notes)
    seen = np.broadcast_to(np.isfinite(gain * bias), best.floor.shape)
    if not seen.all():
        notes.untold.append(f"gain and bias of {int((~seen).sum())} of {seen.size} entries, which what follows hides")
    follow = Follow(best.saturation, _limit(best.floor, limit), _limit(best.ceiling, limit))
    reached = np.isfinite(best.floor).sum(), np.isfinite(best.ceiling).sum()
    repeated = f"values repeat exactly at the least in {reached[0]} and at the largest in {reached[1]} of {seen.size}"
    notes.add("follows", str(follow), f"{repeated} entries")
    return Formula(best.center, scale, affine, np.nan_to_num(gain), np.nan_to_num(bias), follow), seen


def _limit(values: Floats, tolerance: float) -> Floats | float:
    """A floor or a ceiling at all entries, reached at some: it is filled in along the axes over which it does not vary.

    One number where it is one number.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return float(values.flat[0])
    known = np.where(finite, values, np.nan)
    filled = reduced(known, varies_over(known, tolerance))
    filled = np.where(np.isnan(filled), values[~finite][0] if not finite.all() else 0.0, filled)
    return float(filled.item()) if filled.size == 1 else np.broadcast_to(filled, values.shape).copy()


def _directions(inputs: Floats, scaled: bool) -> Iterator[tuple[AxisSet | None, AxisSet | None, Floats]]:
    """All normalizations without epsilon: centering, scaling, and the normalized stack."""
    shape = inputs.shape[1:]
    for center in STEPS:
        if center == frozenset() or not wide(center, shape):
            continue
        c = centered(inputs, center)
        if not scaled:
            yield center, None, c
            continue
        for axes in axis_subsets():
            if wide(axes, shape):
                with np.errstate(divide="ignore", invalid="ignore"):
                    yield center, axes, np.where(c == 0, 0.0, c / statistic("mean square", c, axes))


def _fits(probe: Probe, inputs: Floats, tolerances: Tolerances) -> Iterator[Fit]:
    """The fits of all candidates at a few entries; of those that fit there, at all entries."""
    chosen = probe.rng.permutation(inputs[0].size)[:ENTRIES]
    for amplitude, scaled in ((probe.large, True), (1.0, False)):
        values = np.asarray([probe(amplitude * x) for x in inputs])
        if not np.all(np.isfinite(values)):
            continue
        floor, ceiling = extremes(values, probe.unit)
        margin = 64 * probe.unit * np.max(np.abs(values), axis=0)
        inside = (values > floor + margin) & (values < ceiling - margin)
        # A floor or a ceiling that only one of the stack reaches does not repeat.
        inside &= (values > values.min(axis=0)) & (values < values.max(axis=0))
        for saturation in SATURATIONS:
            if saturation is not STRAIGHT and not np.all((values >= saturation.lower) & (values <= saturation.upper)):
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                back = saturation.inverse(values)
            # Near its ends the inverse of a saturation multiplies rounding.
            seen = inside & (np.abs(back) < (8.0 if saturation is not STRAIGHT else np.inf))
            flat = [part.reshape(STACK, -1) for part in (np.where(seen, back, 0.0), seen)]
            for center, axes, z in _directions(inputs, scaled):
                at = z.reshape(STACK, -1)
                line = fit_line(flat[0][:, chosen], at[:, chosen], flat[1][:, chosen])
                if line.residual <= tolerances.exact:
                    line = fit_line(flat[0], at, flat[1])
                shaped = Line(line.gain, line.bias, line.residual)
                if line.gain.size == inputs[0].size:
                    shaped = Line(line.gain.reshape(floor.shape), line.bias.reshape(floor.shape), line.residual)
                yield Fit(center, axes, saturation, shaped, floor, ceiling)


def _epsilon(probe: Probe, best: Fit, scale: Scale, tolerances: Tolerances, notes: Notes) -> Scale:
    """Epsilon, inside the root or outside of it, from smaller arrays.

    Raises:
        MisfitError: neither.
    """
    gain, bias = best.line.gain, best.line.bias
    amplitudes = 2.0 ** np.arange(-24.0, 12.0, 2.0)
    spread, value, error, profile = np.inf, 0.0, 0.0, INSIDE
    inputs = draw(probe.inputs.shape[1:], probe.rng, 4)
    for tried in (INSIDE, OUTSIDE):
        best_here = _solve(probe, best, tried is INSIDE, inputs, amplitudes, gain, bias)
        if best_here is not None and best_here[0] < spread:
            (spread, value, error), profile = best_here, tried
    if not spread <= tolerances.limit:
        raise notes.misfit("no value of epsilon, inside the root or outside of it, fits smaller arrays")
    eps = simplest(value, error)
    notes.add("place of epsilon", profile.name, f"solved for entry by entry its values spread by {spread:.1e} of it")
    notes.add("epsilon", f"{float(eps):g}", f"{value:.12g}, known to {error / value:.0e} of it")
    return Scale(scale.axes, scale.about, scale.kind, scale.power, profile, eps)


def _solve(
    probe: Probe, best: Fit, inside: bool, inputs: Floats, amplitudes: Floats, gain: Floats, bias: Floats
) -> tuple[float, float, float] | None:
    """The least relative spread of epsilon over the amplitudes, with its value and error, where enough is seen."""
    assert best.axes is not None
    found = []
    for amplitude in amplitudes:
        values = []
        for x in amplitude * inputs:
            y = probe(x)
            with np.errstate(divide="ignore", invalid="ignore"):
                odd = (best.saturation.inverse(y) - bias) / gain
                c = centered(x, best.center)
                s = np.broadcast_to(statistic("mean square", c, best.axes), x.shape)
                ratio = odd / c  # h(s)
                eps = ratio**-2 - s * s if inside else 1 / ratio - s
                held = (y > best.floor) & (y < best.ceiling) & np.isfinite(eps) & (eps > 0)
                held &= (np.abs(ratio) * s < 0.95) & (np.abs(ratio) * s > 0.1)
            values.append(eps[held])
        joined = np.concatenate(values)
        if joined.size >= 16:
            middle = float(np.median(joined))
            deviation = float(np.median(np.abs(joined - middle)))
            found.append((deviation / middle, middle, 8 * deviation + 16 * probe.unit * middle))
    # One amplitude could agree by chance: of the two best the values must agree as well.
    found.sort()
    if len(found) < 2 or abs(found[0][1] - found[1][1]) > 0.01 * found[0][1]:
        return None
    return found[0]
