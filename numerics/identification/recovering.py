"""From the values of a function that is odd about a bias to a formula.

1. bias: even(x), the same for all x.
2. centering: odd(x) where it is linear, at small arrays.
3. scaling: odd(x) at large arrays, where epsilon is not seen.
4. epsilon: between the two.
5. gain: what is left, entry by entry.
"""

from __future__ import annotations

import numpy as np

from numerics.arrays import Floats
from numerics.identification.epsilon import find_epsilon, largest_power
from numerics.identification.findings import Notes
from numerics.identification.formula import Formula
from numerics.identification.parameters import find_affine
from numerics.identification.probing import Probe, Ray, apart, size
from numerics.identification.profiles import AT_LEAST, SATURATIONS
from numerics.identification.steps import STEPS, count, find_center, find_scale
from theory.spec.axes import AxisSet

PLATEAU = 0.02
"""How much odd(t x) / t may change from one amplitude to the next where it is linear."""


class Tolerances:
    """What counts as rounding, for a function that computes with the unit roundoff u, relative to the largest value.

    ``exact`` is for what cancels nothing: sums, ratios at large arrays; ``limit`` for limits at small arrays, which the
    rounding of a bias blurs.
    """

    def __init__(self, unit: float) -> None:
        self.exact = 1e4 * unit
        self.limit = 64 * unit**0.5


def recover(probe: Probe, notes: Notes) -> Formula:
    """The formula of an odd function.

    Raises:
        MisfitError: it is not odd about a bias, or some part is none of the candidates.
    """
    tolerances = Tolerances(probe.unit)
    ray = _finite(probe.ray(probe.inputs[0], probe.amplitudes), notes)
    bias = _bias(probe, ray, tolerances, notes)
    rounding = probe.unit * float(np.max(np.abs(bias)))
    if float(np.max(np.abs(ray.odd))) <= 100 * rounding:
        return _constant(bias, tolerances, notes)
    power = largest_power(ray.odd, ray.amplitudes)
    if abs(power) < tolerances.limit:
        return _linear(probe, ray, bias, tolerances, notes)
    if power < 0:
        raise notes.misfit(f"large arrays grow by the power {1 - power:.4g} along a ray, more than a centering does")
    centers: list[AxisSet | None] = [axes for axes in STEPS if axes != frozenset()]
    at, small = _small_law(ray, rounding)
    if small is not None:
        odd = probe.odd(probe.inputs, at) / at
        centers = [find_center(probe.inputs, odd, tolerances.limit, f"at small arrays ({at:.0e})", notes).center]
    top = float(ray.amplitudes[-1])
    large = probe.odd(probe.inputs, top) / top ** (1 - power)
    best = find_scale(probe.inputs, large, power, centers, tolerances.exact, notes)
    scale = find_epsilon(probe, best, small, power, max(tolerances.limit, 1e-6), notes)
    if power != 1:
        notes.add("power", f"{power:g}", f"large arrays grow by the power {1 - power:.6g} along a ray, not 0")
    affine, gain, bias = find_affine(
        best.gain, bias, _limits(best.gain, bias, tolerances), count(scale.axes, probe.inputs.shape[1:]), notes
    )
    if not scale.axes and (scale.profile in SATURATIONS or scale.profile is AT_LEAST):
        notes.rename("statistic", "scale", "absent")
        shape = "clipping" if scale.profile is AT_LEAST else scale.profile.name
        follows = f"{shape} of x / {scale.sigma:.6g}, before gain and bias"
        notes.add("follows", follows, "the profile of a scale over no axes")
    else:
        evidence = f"f(x) + f(-x) is the same for all x up to {tolerances.exact:.0e}"
        notes.add("follows", "nothing", evidence, ("a threshold or a ceiling that no value reaches",))
    return Formula(best.center, scale, affine, gain, bias)


def _limits(gain: Floats, bias: Floats, tolerances: Tolerances) -> tuple[float, float]:
    """How far gain and bias may be from constant, or from 1 and 0."""
    largest = float(np.max(np.abs(gain)))
    return tolerances.exact * largest, tolerances.exact * max(float(np.max(np.abs(bias))), 1e-2 * largest)


def _finite(ray: Ray, notes: Notes) -> Ray:
    """The part of the ray where the function is finite."""
    axes = tuple(range(1, ray.odd.ndim))
    finite = np.all(np.isfinite(ray.odd) & np.isfinite(ray.even), axis=axes)
    if finite.sum() < 4:
        raise notes.misfit("it is finite at too few amplitudes")
    if not finite.all():
        lost = ", ".join(f"{t:.0e}" for t in ray.amplitudes[~finite])
        notes.untold.append(f"anything at arrays of amplitude {lost}, where it is not finite")
    return Ray(ray.x, ray.amplitudes[finite], ray.odd[finite], ray.even[finite])


def _bias(probe: Probe, ray: Ray, tolerances: Tolerances, notes: Notes) -> Floats:
    """even(x), if it is the same at all x.

    Raises:
        MisfitError: it is not.
    """
    bias: Floats = ray.even[0]
    halves = [*zip(ray.odd, ray.even, strict=True), *(probe.halves(x) for x in probe.inputs[1:])]
    worst = 0.0
    for odd, even in halves:
        whole = max(float(np.max(np.abs(odd))), float(np.max(np.abs(bias))))
        worst = max(worst, float(np.max(np.abs(even - bias))) / whole if whole > 0 else 0.0)
    if not worst <= tolerances.exact:
        raise notes.misfit(f"it is not odd about a bias: (f(x) + f(-x)) / 2 changes with x by {worst:.1e} of its size")
    return bias


def _small_law(ray: Ray, rounding: float) -> tuple[float, Floats | None]:
    """The amplitude at which odd(t x) / t changes least, and its value there; None where it changes everywhere.

    ``rounding``, that of the bias, hides what is smaller.
    """
    changes = [
        apart(one, two) + (rounding / size(odd) if rounding and size(odd) else bool(rounding))
        for one, two, odd in zip(ray.slopes[:-1], ray.slopes[1:], ray.odd[:-1], strict=True)
    ]
    best = int(np.argmin(changes))
    if changes[best] > PLATEAU:
        return float(ray.amplitudes[0]), None
    return float(ray.amplitudes[best]), ray.slopes[best]


def _constant(bias: Floats, tolerances: Tolerances, notes: Notes) -> Formula:
    """A function that does not depend on x: centering that leaves nothing."""
    notes.add("center", "empty", "f(x) = f(-x) at all arrays tried", ("any centering, with a gain of 0",))
    notes.untold.append("scale, epsilon and gain: what they act on is 0")
    limit = tolerances.exact * float(np.max(np.abs(bias)))
    affine, gain, bias = find_affine(None, bias, (0.0, limit), None, notes)
    return Formula(frozenset(), None, affine, gain, bias)


def _linear(probe: Probe, ray: Ray, bias: Floats, tolerances: Tolerances, notes: Notes) -> Formula:
    """No scale: an affine map.

    Raises:
        MisfitError: another one than centering with gain and bias, or none, though it grows like one.
    """
    odd = probe.odd(probe.inputs, 1.0)
    best = find_center(probe.inputs, odd, tolerances.exact, "at arrays of amplitude 1", notes)
    middle = len(ray.slopes) // 2
    evidence = f"odd(t x) / t is the same at t = {ray.amplitudes[-1]:.0e} and {ray.amplitudes[middle]:.0e}, up to "
    evidence += f"{apart(ray.slopes[-1], ray.slopes[middle]):.1e}"
    running = "any scale with running statistics, whose constants are part of gain and bias"
    notes.add("scale", "absent", evidence, (running,))
    affine, gain, bias = find_affine(best.gain, bias, _limits(best.gain, bias, tolerances), None, notes)
    notes.add("follows", "nothing", "the function is affine", ("a threshold or a ceiling that no value reached",))
    return Formula(best.center, None, affine, gain, bias)
