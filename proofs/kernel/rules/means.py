"""Means. Over the moving axis: invariant, of an equivariant array, a steady one, or one of degree L < N.

Over entries that move alike facts are kept; over entries that move apart only what does not move is. The moving axis
comes first, since its mean may be what does not move.
"""

from typing import Any

from proofs.kernel.derivations import INVARIANT, Facts, Setting, Step
from proofs.kernel.reading import word
from proofs.kernel.terms import read_axes


def mean(setting: Setting, premises: list[Step], names: Any) -> Step:
    """The mean of the one premise over some axes."""
    ((term, known),) = premises
    axes, moving = setting.statement.axes, setting.moving
    over = read_axes(word(names), "".join(axis.name for axis in axes))
    if moving.name in over:
        low = known.degree is not None and moving.size.above(known.degree)
        known = INVARIANT if known.equivariant or known.steady or low else Facts()
    if any(axis.separate for axis in axes if axis.name in over) and not known.invariant:
        known = Facts(steady=known.steady)
    return ("mean", term, over), known
