"""Epsilon: where it stands, by the profile of the scale along a ray, and its value, where both laws meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from numerics.arrays import Floats
from numerics.identification.candidates import centered, statistic
from numerics.identification.findings import Notes
from numerics.identification.formula import Scale
from numerics.identification.probing import Probe
from numerics.identification.profiles import INSIDE, NO_EPSILON, SATURATIONS, Profile, compare_profiles
from numerics.identification.rationals import simplest
from numerics.identification.steps import Candidate

AROUND = 2.0 ** np.arange(-4.0, 5.0)
"""Amplitudes around the one where both laws meet."""

SEEN = 0.05
"""Entries smaller than this part of the largest say little of a ratio."""


def find_epsilon(
    probe: Probe, best: Candidate, small: Floats | None, power: float, tolerance: float, notes: Notes
) -> Scale:
    """The scale with its profile and epsilon.

    Args:
        probe: the function.
        best: the centering and the statistic, with the gain at large arrays.
        small: odd(t x) / t for small t at the first input; None where even the smallest arrays showed no such law.
        power: a, so that at large arrays the scale is s^-a.
        tolerance: how near a profile must come.
        notes: where the findings go.

    Raises:
        MisfitError: no profile is like the one that was seen.
    """
    assert best.axes is not None
    scale = Scale(best.axes, best.about, best.kind, power, NO_EPSILON, None)
    if small is None:
        least = float(probe.amplitudes[0])
        notes.add("epsilon", "0", f"arrays as small as {least:.0e} are still divided by their full scale")
        notes.untold.append(f"an epsilon far below {least**2:.0e} is the same as none")
        return scale
    x = probe.inputs[0]
    c = centered(x, best.center)
    s = np.broadcast_to(statistic(best.kind, centered(x, best.about), best.axes), x.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        large = np.where(c == 0, 0.0, best.gain * c * s**-power)
        usable = (np.abs(large) > SEEN * np.max(np.abs(large))) & (np.abs(small) > SEEN * np.max(np.abs(small)))
    if not np.any(usable):
        raise notes.misfit("no entry shows both where epsilon rules and where it does not")
    meets = np.where(usable, small / np.where(usable, large, 1), 1.0)
    if np.any(meets <= 0):
        raise notes.misfit("small and large arrays give values of opposite sign")
    meets = meets[usable] ** (1 / power)  # 1 / amplitude at which both laws meet, entry by entry
    middle = float(2.0 ** np.round(np.log2(1 / np.median(meets))))
    ray = probe.ray(x, middle * AROUND)
    u = ray.amplitudes[:, None] * meets
    found = compare_profiles(u, ray.slopes[:, usable] / small[usable], power)
    (distance, profile), (second, other) = found[0], found[1]
    evidence = f"from {ray.amplitudes[0]:.1e} to {ray.amplitudes[-1]:.1e} times an array, "
    evidence += f"the profile is {distance:.1e} from `{profile.name}` and {second:.1e} from `{other.name}`"
    if not distance <= tolerance:
        raise notes.misfit(f"between small and large arrays the scale follows no known law: {evidence}")
    value, error = _value(probe, best, profile, power, middle)
    if not (np.isfinite(value) and value > 0):
        raise notes.misfit(f"the value of epsilon could not be solved for; {evidence}")
    eps = simplest(value, error)
    name = "saturation" if profile in SATURATIONS else "epsilon"
    notes.add(f"place of {name}" if name == "epsilon" else name, profile.name, evidence)
    known = f"{value:.12g}, known to {error / value:.0e} of it"
    notes.add("epsilon" if name == "epsilon" else "width", f"{float(eps):g}", known)
    return replace(scale, profile=profile, eps=eps, error=error / value)


def _value(probe: Probe, best: Candidate, profile: Profile, power: float, middle: float) -> tuple[float, float]:
    """Epsilon and its error, from all inputs where both laws meet."""
    assert best.axes is not None
    amplitude = middle if profile is INSIDE or profile.sigma is None else middle / 8
    values = []
    for x in probe.inputs:
        odd = probe.halves(amplitude * x)[0]
        c = centered(amplitude * x, best.center)
        s = np.broadcast_to(statistic(best.kind, centered(amplitude * x, best.about), best.axes), x.shape)
        top = best.gain * c
        with np.errstate(divide="ignore", invalid="ignore"):
            width = np.where(np.abs(top) > SEEN * np.max(np.abs(top)), np.abs(top / odd) ** (1 / power), np.nan)
            if profile.sigma is not None:
                sigma = profile.sigma(width, s)
            else:  # where the profile is 1, the width is sigma
                small = probe.halves(amplitude * 2.0**-16 * x)[0] * 2.0**16
                sigma = np.where(np.isnan(width), np.nan, np.abs(top / small) ** (1 / power))
        values.append(sigma[np.isfinite(sigma) & (sigma > 0)] ** profile.eps_power)
    found = np.concatenate(values)
    if found.size == 0:
        return float("nan"), 0.0
    value = float(np.median(found))
    return value, 8 * float(np.median(np.abs(found - value))) + 16 * probe.unit * value


def largest_power(ray_odd: Floats, amplitudes: Floats) -> float:
    """a, from the growth t^(1 - a) between the two largest amplitudes; whole quarters where it is one."""
    first, last = (float(np.sqrt(np.mean(odd * odd))) for odd in ray_odd[-2:])
    if first == 0 or last == 0:
        return 1.0
    power = 1 - float(np.log(last / first) / np.log(amplitudes[-1] / amplitudes[-2]))
    return round(4 * power) / 4 + 0.0 if abs(4 * power - round(4 * power)) < 4e-4 else power
