"""What was found, as a formula that can be evaluated and, where the language has it, as a layer or a term.

y = gain * c * h(s) + bias,   c = x - mean(x, center),   s = statistic of x - mean(x, about) over scale,
h(s) = sigma^-a profile(s / sigma),   f = follow(y)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from numerics.arrays import Floats
from numerics.identification.candidates import centered, statistic
from numerics.identification.following import NOTHING, Follow
from numerics.identification.profiles import INSIDE, NO_EPSILON, OUTSIDE, Profile
from theory.spec.axes import AxisSet
from theory.spec.layers import DEFAULT_EPS, Normalization
from theory.spec.terms import EPS, InverseRoot, Mean, Parameter, Term, X, add, multiply, power, subtract


@dataclass(frozen=True)
class Scale:
    """A scaling step: its statistic, over which axes and about which mean, its power a, and epsilon's place and value.

    ``eps`` is None where none was seen; ``error`` is relative to it.
    """

    axes: AxisSet
    about: AxisSet | None
    kind: str = "mean square"
    power: float = 1.0
    profile: Profile = INSIDE
    eps: Fraction | None = DEFAULT_EPS
    error: float = 0.0

    @property
    def sigma(self) -> float:
        """Where the two laws of the profile meet."""
        return 1.0 if self.eps is None else float(self.eps) ** (1 / self.profile.eps_power)

    def factor(self, x: Floats) -> Floats:
        """h(s) at ``x``."""
        s = statistic(self.kind, centered(x, self.about), self.axes)
        with np.errstate(divide="ignore"):
            return np.asarray(self.sigma**-self.power * self.profile.value(s / self.sigma, self.power))


@dataclass(frozen=True)
class Formula:
    """A function of an array; ``affine`` are the axes over which gain or bias vary, None where they are 1 and 0."""

    center: AxisSet | None
    scale: Scale | None
    affine: AxisSet | None
    gain: Floats = field(default_factory=lambda: np.ones((1,) * 4))
    bias: Floats = field(default_factory=lambda: np.zeros((1,) * 4))
    follow: Follow = NOTHING

    def direction(self, x: Floats) -> Floats:
        """c * h(s): all but gain, bias and what follows."""
        c = centered(x, self.center)
        if self.scale is None:
            return c
        # Where s is 0 so is c, unless the mean that s is about is another.
        return np.asarray(np.where(c == 0, 0.0, c * self.scale.factor(x)))

    def __call__(self, x: Floats) -> Floats:
        """The value at ``x``, or at each array of a stack."""
        return self.follow(self.gain * self.direction(x) + self.bias)

    @property
    def layer(self) -> Normalization | None:
        """The layer of the language that this is, epsilon 0 standing for any; None where the language has none."""
        scale = self.scale
        if self.follow != NOTHING:
            return None
        if scale is None:
            return Normalization(self.center, None, self.affine)
        usual = scale.kind == "mean square" or not scale.axes
        if not usual or scale.about != self.center or scale.power != 1 or scale.profile not in (INSIDE, NO_EPSILON):
            return None
        return Normalization(self.center, scale.axes, self.affine, eps=scale.eps or DEFAULT_EPS)

    @property
    def nearest(self) -> Normalization:
        """The layer with the same axes, a mean square about the same center, epsilon inside, and nothing behind."""
        axes = None if self.scale is None else self.scale.axes
        return Normalization(self.center, axes, self.affine)

    @property
    def term(self) -> Term | None:
        """The term that this is, None where terms have none: absolute values, extremes, least values, thresholds."""
        inverse = None if self.scale is None else _inverse(self.scale)
        if self.follow != NOTHING or (self.scale is not None and inverse is None):
            return None
        c = X if self.center is None else subtract(X, Mean(X, self.center))
        term = c if inverse is None else multiply(c, inverse)
        if self.affine is None:
            return term
        return add(multiply(term, Parameter(self.affine)), Parameter(self.affine))


def _inverse(scale: Scale) -> Term | None:
    """h(s) as a term: roots of even powers, to whole powers."""
    if scale.power != int(scale.power) or not 1 <= scale.power <= 8:
        return None
    c = X if scale.about is None else subtract(X, Mean(X, scale.about))
    orders = {"mean square": 2, "fourth power": 4} if scale.axes else {"mean square": 2}
    order = orders.get(scale.kind)
    if order is None:
        return None
    mean = power(c, order) if not scale.axes else Mean(power(c, order), scale.axes)
    if scale.profile.root == order:
        root = InverseRoot(add(mean, EPS))
        # m^(-1/4) = (m * m^(-1/2))^(-1/2)
        return power(root if order == 2 else InverseRoot(multiply(add(mean, EPS), root)), int(scale.power))
    if scale.profile is OUTSIDE and order == 2:
        return power(InverseRoot(add(multiply(mean, InverseRoot(mean)), EPS)), 2 * int(scale.power))
    return None
