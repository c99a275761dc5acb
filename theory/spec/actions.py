"""Group actions: which axes move, by which displacements, and whether all samples move alike.

A *shift* is integer and circular; a *translation* is real, by Fourier phase. On an even axis a translation needs a
Nyquist policy, because the samples do not fix the phase of the bin N/2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from theory.spec.axes import AxisSet


class ActionKind(Enum):
    """Integer circular shifts, or real translations."""

    SHIFT = "shift"
    TRANSLATION = "translation"


class Scope(Enum):
    """COMMON: every sample of the batch moves alike. PER_SAMPLE: each by its own displacement."""

    COMMON = "common"
    PER_SAMPLE = "per-sample"


class NyquistPolicy(Enum):
    """What a translation by t does to the coefficient at k = N/2 of an even axis.

    SYMMETRIC multiplies it by cos(pi t); PROJECT restricts the domain to arrays without it; ONE_SIDED gives it the
    phase of the frequency that ``fftfreq`` (rows) or ``rfftfreq`` (columns) lists, as in the published experiment of
    arXiv 2505.19805.
    """

    SYMMETRIC = "symmetric"
    PROJECT = "project"
    ONE_SIDED = "one-sided"


@dataclass(frozen=True)
class Action:
    """All shifts, or all translations, along the axes ``moving``, with a scope."""

    kind: ActionKind
    moving: AxisSet
    scope: Scope = Scope.COMMON
