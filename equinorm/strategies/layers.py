"""Strategies for normalization layers: each step absent or over any set of axes."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from equinorm.strategies.spaces import axis_sets
from theory.spec.axes import BCHW, AxisSet, Layout
from theory.spec.layers import DEFAULT_EPS, Normalization, Statistics

EPSILONS = (DEFAULT_EPS, Fraction(1), Fraction(1, 1_000_000), Fraction(3, 7))
"""Values of epsilon that the strategies draw; the two claims about a layer never depend on which."""


def steps(layout: Layout = BCHW) -> st.SearchStrategy[AxisSet | None]:
    """The axes of one step; the simplest is ``None``, the absent step, then the step over no axes."""
    return st.one_of(st.none(), axis_sets(layout))


@st.composite
def normalizations(
    draw: st.DrawFn,
    layout: Layout = BCHW,
    statistics: tuple[Statistics, ...] = (Statistics.BATCH,),
    epsilons: tuple[Fraction, ...] = (DEFAULT_EPS,),
) -> Normalization:
    """Normalization layers over ``layout``: on B, C, H, W there are 17 to the third of them for each epsilon and mode.

    ``statistics`` are the modes to draw from, ``epsilons`` the values of epsilon (``EPSILONS`` for several), simplest
    first.
    """
    center, scale, affine = (draw(steps(layout)) for _ in range(3))
    eps, mode = draw(st.sampled_from(epsilons)), draw(st.sampled_from(statistics))
    return Normalization(center, scale, affine, eps=eps, statistics=mode, layout=layout)
