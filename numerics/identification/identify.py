"""Identify a function: recover a normalization from its values, then predict fresh ones.

Nothing but values is looked at. The function is first taken for a normalization with nothing behind it, which is odd
about its bias; if it is none, for one with a threshold, clipping or a saturation behind it. Whatever was found must
predict the function on fresh arrays within a bound from rounding; otherwise nothing was identified.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numerics.arrays import Floats
from numerics.identification.checking import check, large_misfit
from numerics.identification.findings import Check, Finding, Identification, MisfitError, Notes
from numerics.identification.formula import Formula
from numerics.identification.probing import Function, Probe
from numerics.identification.reach import describe_reach
from numerics.identification.recovering import recover
from numerics.identification.unfolding import unfold
from theory.spec.axes import BCHW
from theory.spec.errors import refuse


def identify_function(function: Function, shape: tuple[int, ...] = (3, 4, 5, 7), seed: int = 0) -> Identification:
    """What normalization ``function`` is.

    Args:
        function: takes a float64 array of this shape and returns one of the same shape, of finite numbers; not random,
            without state.
        shape: B, C, H, W. What happens along an axis of size 1 cannot be seen, and two axes of size 2 see less.
        seed: of the arrays that are drawn.

    Raises:
        SpecificationError: no four sizes of at least 1, or fewer than two entries.
    """
    if len(shape) != len(BCHW) or min(shape) < 1 or np.prod(shape) < 2:
        raise refuse(f"shape={shape}", "four sizes B, C, H, W of at least 1, not all 1")
    probe = Probe(function, tuple(shape), seed)
    with np.errstate(over="ignore", under="ignore"):
        return _identified(probe, tuple(shape))


def _identified(probe: Probe, shape: tuple[int, ...]) -> Identification:
    ones = [name for name, size in zip(BCHW.names, shape, strict=True) if size == 1]
    hidden = [f"whether a step is over {name}, of size 1 here"] if (name := "".join(ones)) else []
    misfits: list[MisfitError] = []
    for attempt in (_odd, unfold):
        notes = Notes()
        try:
            formula, seen = attempt(probe, notes)
        except MisfitError as misfit:
            misfits.append(misfit)
            continue
        found = check(probe, formula, seen)
        if found.holds and (far := large_misfit(probe, formula, seen)) is not None:
            misfits.append(MisfitError(far, tuple(notes.findings)))
            continue
        if found.holds:
            return _answer(probe, shape, formula, tuple(notes.findings), (*hidden, *notes.untold), None, found)
        reason = f"the formula found does not predict fresh arrays: off by {found.error:.1e}, bound {found.bound:.1e}"
        misfits.append(MisfitError(reason, tuple(notes.findings)))
    first = misfits[0]
    reason = "; ".join(misfit.reason for misfit in misfits)
    findings = (*first.findings, *describe_reach(probe))
    return _answer(probe, shape, None, findings, tuple(hidden), reason, None)


def _odd(probe: Probe, notes: Notes) -> tuple[Formula, Any]:
    return recover(probe, notes), True


def _answer(
    probe: Probe,
    shape: tuple[int, ...],
    formula: Formula | None,
    findings: tuple[Finding, ...],
    untold: tuple[str, ...],
    misfit: str | None,
    found: Check | None,
) -> Identification:
    return Identification(shape, probe.unit, probe.calls, formula, findings, untold, misfit, found)


__all__ = ["Floats", "identify_function"]
