"""Closing: a trigonometric polynomial of degree L with 2 L < N is the one that its samples are translated by."""

from proofs.kernel.derivations import Setting, Step
from proofs.kernel.reading import require


def closing(setting: Setting, premises: list[Step]) -> Step:
    """The one premise, now equivariant."""
    ((term, known),) = premises
    low = known.degree is not None and setting.moving.size.above(known.degree, 2)
    require(low, "closing needs a degree L, 2 L < N")
    return term, known._replace(equivariant=True)
