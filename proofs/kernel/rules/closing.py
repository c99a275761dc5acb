"""Closing: a trigonometric polynomial of degree L with 2 L < N is the one that its samples are translated by."""

from dataclasses import replace
from typing import Any

from proofs.kernel.derivations import Setting, Step
from proofs.kernel.reading import take
from proofs.kernel.rejection import require


def closing(data: Any, premises: list[Step], setting: Setting) -> Step:
    """The one premise, now equivariant."""
    take(data, "")
    require(len(premises) == 1, "closing has one premise")
    term, known = premises[0]
    require(
        known.degree is not None and setting.moving.size.above(known.degree, 2), "closing needs a degree L, 2 L < N"
    )
    return term, replace(known, equivariant=True)
