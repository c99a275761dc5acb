"""Gain and bias: over which axes each varies, and gains that are no parameters but part of a statistic."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from numerics.arrays import Floats
from numerics.identification.candidates import axis_subsets, places
from numerics.identification.findings import Notes
from theory.spec.axes import BCHW, AxisSet, spell_axes


def varies_over(values: Floats, tolerance: float) -> AxisSet:
    """The fewest axes such that ``values`` are constant, up to ``tolerance``, along all the others; NaN is unknown."""
    for axes in axis_subsets():
        others = places(frozenset(BCHW.names) - axes)
        spread = _extreme(values, others, 1) + _extreme(-values, others, 1)
        if not np.any(spread > 2 * tolerance):
            return axes
    return frozenset(BCHW.names)


def _extreme(values: Floats, over: tuple[int, ...], sign: int) -> Floats:
    filled = np.where(np.isnan(values), -np.inf, values)
    return np.asarray(filled.max(axis=over, keepdims=True) if over else filled)


def reduced(values: Floats, axes: AxisSet) -> Floats:
    """``values`` with size 1 on all axes but these: their mean there, what is unknown left out; NaN if all is."""
    over = places(frozenset(BCHW.names) - axes)
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=over, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / known.sum(axis=over, keepdims=True))


def find_affine(
    gain: Floats | None, bias: Floats, tolerances: tuple[float, float], joined: int | None, notes: Notes
) -> tuple[AxisSet | None, Floats, Floats]:
    """The axes of the affine step, and gain and bias reduced to them.

    Args:
        gain: one value an entry, None where the function does not depend on x.
        bias: one value an entry.
        tolerances: of gain and of bias, absolute.
        joined: the number of entries that the scale joins, None without one.
        notes: where the findings go.
    """
    over = {"bias": varies_over(bias, tolerances[1])}
    seen = {"bias": bias}
    if gain is not None:
        over["gain"], seen["gain"] = varies_over(gain, tolerances[0]), gain
    values = {name: reduced(seen[name], axes) for name, axes in over.items()}
    plain = {"gain": 1.0, "bias": 0.0}
    still = {
        name: not over[name] and _near(float(values[name].item()), plain[name], tolerances[name == "bias"])
        for name in over
    }
    for name in sorted(over, reverse=True):
        if still[name]:
            values[name] = np.full((1,) * 4, plain[name])
        notes.add(name, *_described(name, values[name], over[name], tolerances[name == "bias"]))
    if all(still.values()):
        notes.add(
            "affine",
            "absent",
            "; ".join(f"{name} is {plain[name]:g} everywhere" for name in sorted(over, reverse=True)),
            ("a step over any axes whose gain is still 1 and whose bias is still 0",),
        )
        notes.untold.append("over which axes gain and bias, 1 and 0 now, would vary if they were trained")
        return None, np.ones((1,) * 4), np.zeros((1,) * 4)
    axes = frozenset().union(*over.values())
    alternatives = () if axes == frozenset(BCHW.names) else ("more axes, along which gain and bias happen to be equal",)
    evidence = "; ".join(
        f"{name} {'varies over ' + spell_axes(over[name]) if over[name] else 'is one number'}"
        for name in sorted(over, reverse=True)
    )
    notes.add("affine", spell_axes(axes), evidence, alternatives)
    if gain is not None and not over["gain"]:
        _recognize(float(values["gain"].item()), tolerances[0], joined, notes)
    shape = [size if name in axes else 1 for name, size in zip(BCHW.names, bias.shape, strict=True)]
    found = [np.broadcast_to(values[name], shape).copy() if name in values else np.ones(shape) for name in plain]
    return axes, found[0], found[1]


def _near(value: float, wanted: float, tolerance: float) -> bool:
    return abs(value - wanted) <= tolerance


def _described(name: str, values: Floats, axes: AxisSet, tolerance: float) -> tuple[str, str]:
    known = values[~np.isnan(values)]
    if known.size == 0:
        return "not seen", "what follows hides it everywhere"
    least, most = float(known.min()) + 0.0, float(known.max()) + 0.0
    span = f"{least:.6g}" if not axes else f"{least:.6g} to {most:.6g}"
    along = f"constant along the other axes up to {tolerance:.0e}" if axes else f"constant up to {tolerance:.0e}"
    return (f"over {spell_axes(axes)}" if axes else f"{span}"), f"{span}, {along}"


def _recognize(gain: float, tolerance: float, joined: int | None, notes: Notes) -> None:
    """Say where one gain for all entries is a factor that statistics are known to carry."""
    if joined is None or joined < 2:
        return
    known: Sequence[tuple[float, str]] = (
        (math.sqrt((joined - 1) / joined), f"a variance with the divisor N - 1 = {joined - 1}"),
        (1 / math.sqrt(joined), "the sum of squares in the place of its mean"),
        (math.sqrt(2 / math.pi), "an l1 scale that estimates the deviation of normal noise"),
    )
    for value, meaning in known:
        if _near(abs(gain), value, tolerance):
            notes.add("factor", meaning, f"the gain is {gain:.9g} everywhere, and {value:.9g} is expected of that")
            notes.untold.append("a factor of the scale and one of the gain are the same function")
