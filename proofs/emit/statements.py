"""Statements: a claim as plain data, with what is claimed of it; the kernel reads them in ``proofs/kernel/statements``.

A size is written [least, step]. A band restricts a family to the sizes on which it is narrow enough, and the statement
says these.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from theory.calculus.setting import fit_band
from theory.spec.axes import Axis, AxisKind, Layout
from theory.spec.claims import Claim
from theory.spec.grids import Size
from theory.spec.terms import Term, spell

Document = dict[str, Any]

HOLDS, FAILS, FAILS_EVERYWHERE = "equivariant", "not equivariant", "nowhere equivariant"


def kind_of(axis: Axis) -> str:
    """``spatial``, ``sample`` (its entries may move apart) or ``index``."""
    return "spatial" if axis.kind is AxisKind.SPATIAL else "sample" if axis.sample else "index"


def fitted(claim: Claim) -> tuple[Size, ...]:
    """The sizes that a claim speaks of."""
    limit = claim.domain.band
    axes = zip(claim.grid.layout, claim.grid.sizes, strict=True)
    return tuple(fit_band(n, limit) if limit is not None and a.kind is AxisKind.SPATIAL else n for a, n in axes)


@lru_cache(maxsize=16_384)
def _spelled(term: Term, layout: Layout) -> str:
    return spell(term, layout)


def statement(claim: Claim, claimed: str) -> Document:
    """The statement that a claim holds, fails on some grid, or fails on every grid."""
    layout, action = claim.grid.layout, claim.action
    domain = claim.domain
    return {
        "term": _spelled(claim.term, layout),
        "axes": [
            {"name": axis.name, "kind": kind_of(axis), "size": [size.least, size.step]}
            for axis, size in zip(layout, fitted(claim), strict=True)
        ],
        "action": action.kind.value,
        "scope": action.scope.value,
        "moving": "".join(name for name in layout.names if name in action.moving),
        "domain": str(domain) if domain.band is None else domain.band,
        "claim": claimed,
    }
