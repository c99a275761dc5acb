"""The formula against the function on fresh arrays: it must predict what rounding lets it predict."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from numerics.arrays import Floats
from numerics.bounds import sum_growth
from numerics.identification.findings import Check
from numerics.identification.formula import Formula
from numerics.identification.probing import Probe, draw
from numerics.layers import normalize
from numerics.metrics import compare
from numerics.rounding import Rounding, black_box_bound, probe_rounding

LOOSE = 4.0
"""The bound over that of an experiment on the function alone: gain, bias and epsilon were measured with it too."""

FAR = (59.0, 4099.0)
"""Amplitudes beyond those at which most is fitted, besides the largest of all; odd, so that no entry is a simple number
at which a function may well jump."""


def predict(formula: Formula, x: Floats) -> Floats:
    """The formula's value; that of a layer of the language is computed by :func:`numerics.layers.normalize`."""
    layer = formula.layer
    if layer is None or (formula.scale is not None and formula.scale.eps is None):
        return formula(x)
    if layer.affine is None:
        return np.asarray(normalize(layer, x))
    shape = tuple(n if name in layer.affine else 1 for name, n in zip(layer.layout.names, x.shape, strict=True))
    gain, bias = (np.ascontiguousarray(np.broadcast_to(value, shape)) for value in (formula.gain, formula.bias))
    return np.asarray(normalize(layer, x, gain, bias))


def check(probe: Probe, formula: Formula, where: Floats | bool = True) -> Check:
    """Predict the function on arrays of three amplitudes: about as large as epsilon's, 1, and 16.

    ``where`` leaves out entries of which nothing was seen.
    """
    sigma = 1.0 if formula.scale is None else formula.scale.sigma
    worst, amplitudes = (0.0, 0.0), (float(2.0 ** np.round(np.log2(sigma))), 1.0, 16.0)
    for amplitude, fresh in zip(amplitudes, draw(probe.inputs.shape[1:], probe.rng, len(amplitudes)), strict=True):
        found = _compared(probe, formula, amplitude * fresh, where)
        if _ratio(*found) >= _ratio(*worst):
            worst = found
    return Check(*worst, arrays=len(amplitudes))


def large_misfit(probe: Probe, formula: Formula, where: Floats | bool = True) -> str | None:
    """Which large arrays, of either sign, the formula does not predict; None where it predicts all that were tried.

    A fit at arrays of amplitude 1 shows nothing of what happens beyond. Where the function is not finite it is not
    held against the formula.
    """
    for amplitude in (*FAR, probe.large):
        for x in (amplitude * probe.inputs[0], -amplitude * probe.inputs[0]):
            found = _compared(probe, formula, x, where, lazy=True)
            if _ratio(*found) > 1:
                words = f"at {amplitude:.0e} times an array it is off by {found[0]:.1e}, bound {found[1]:.1e}"
                return f"large arrays do not fit the formula found at smaller ones: {words}"
    return None


def _compared(
    probe: Probe, formula: Formula, x: Floats, where: Floats | bool, lazy: bool = False
) -> tuple[float, float]:
    """The error of the prediction at ``x`` and its bound, of the sample that is worst in units of the bound.

    With ``lazy`` the function is not asked for its rounding where the error is below the smallest bound there is.
    """

    def seen(x: Floats) -> Floats:
        return np.where(where, probe(x), 0.0)

    y, expected = seen(x), np.where(where, predict(formula, x), 0.0)
    if lazy and not np.all(np.isfinite(y)):
        return 0.0, 0.0
    with np.errstate(invalid="ignore"):
        error = compare(expected, y).relative_l2
    sums = max(1.0, sum_growth(x.shape, range(x.ndim)))
    rounding = Rounding(probe.unit, np.zeros(len(x)))
    if not lazy or not np.all(error <= LOOSE * black_box_bound(rounding, y, y, 1.0, sums)):
        rounding = probe_rounding(seen, x, y)
    bound = LOOSE * black_box_bound(rounding, y, y, 1.0, sums)
    with np.errstate(invalid="ignore"):
        bound = bound + compare(np.where(where, predict(_other_epsilon(formula), x), 0.0), expected).relative_l2
    ratio = [_ratio(float(e), float(b)) for e, b in zip(error, bound, strict=True)]
    index = int(np.argmax(ratio))
    return float(error[index]), float(bound[index])


def _other_epsilon(formula: Formula) -> Formula:
    """The formula with the largest epsilon that was not excluded."""
    scale = formula.scale
    if scale is None or scale.eps is None or scale.error == 0:
        return formula
    return replace(formula, scale=replace(scale, eps=Fraction(float(scale.eps) * (1 + scale.error))))


def _ratio(error: float, bound: float) -> float:
    if error == 0:
        return 0.0
    ratio = error / bound if bound > 0 else np.inf
    return float(ratio) if np.isfinite(ratio) else np.inf
