"""Where epsilon stands: the profile of a scale along a ray.

Let the odd part be gain * c * h(s) with h constant for small s and s^-a for large s (a = 1 for a normalization). With
sigma, where both laws meet, and u = s / sigma,

    h(s) = sigma^-a profile(u),    profile(0) = 1,    profile(u) ~ u^-a.

Both laws are seen, and with them u; so the profile between them is seen too and compared with these:

    inside the root   (s^2 + eps)^(-a/2)      sigma^2 = eps
    inside a root     (s^p + eps)^(-a/p)      sigma^p = eps
    outside the root  (s + eps)^-a            sigma = eps
    at least          max(s, eps)^-a          sigma = eps
    saturation        tanh(s / sigma) / s, and arctan and erf alike
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from numerics.arrays import Floats


@dataclass(frozen=True)
class Profile:
    """A profile by name: ``value`` (u, a) and the power of sigma that is epsilon.

    ``sigma`` solves ``h = sigma^-a profile(s / sigma)`` for sigma, given h^(-1/a) and s; None where that has no closed
    form. ``root`` is the power p within the root, None where there is no root.
    """

    name: str
    value: Callable[[Floats, float], Floats]
    eps_power: float
    sigma: Callable[[Floats, Floats], Floats] | None = None
    root: float | None = None


def _root(power: float) -> Profile:
    def value(u: Floats, a: float) -> Floats:
        return np.asarray((1 + u**power) ** (-a / power))

    def sigma(width: Floats, s: Floats) -> Floats:
        return np.asarray(np.maximum(width**power - s**power, 0) ** (1 / power))

    name = "inside the root" if power == 2 else f"inside a root of order {power:g}"
    return Profile(name, value, power, sigma, power)


def _saturating(name: str, function: Callable[[Floats], Floats]) -> Profile:
    def value(u: Floats, a: float) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(u > 0, function(u) / np.where(u > 0, u, 1), 1.0) ** a)

    return Profile(name, value, 1.0)


INSIDE = _root(2.0)
OUTSIDE = Profile("outside the root", lambda u, a: (1 + u) ** -a, 1.0, lambda width, s: np.maximum(width - s, 0))
AT_LEAST = Profile(
    "as the least value of the scale",
    lambda u, a: np.maximum(u, 1) ** -a,
    1.0,
    lambda width, s: np.where(width > s * (1 + 1e-6), width, np.nan),
)
SATURATIONS = (
    _saturating("tanh", np.tanh),
    _saturating("arctan", lambda u: np.arctan(math.pi / 2 * u) * (2 / math.pi)),
    _saturating("erf", lambda u: erf(math.sqrt(math.pi) / 2 * u)),
)
PROFILES = (INSIDE, OUTSIDE, AT_LEAST, _root(3.0), _root(4.0), *SATURATIONS)
NO_EPSILON = Profile("nowhere", lambda u, a: u**-a, 1.0)


def compare_profiles(u: Floats, seen: Floats, a: float) -> list[tuple[float, Profile]]:
    """How far each profile is from the one that was seen at most, the nearest first."""
    with np.errstate(over="ignore"):
        found = [(float(np.max(np.abs(profile.value(u, a) - seen))), profile) for profile in PROFILES]
    return sorted(found, key=lambda pair: pair[0])
