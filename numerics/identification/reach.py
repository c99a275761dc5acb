"""Which entries of the output depend on one entry of the input: what a function of another kind still shows."""

from __future__ import annotations

import numpy as np

from numerics.identification.findings import Finding
from numerics.identification.probing import Probe
from theory.spec.axes import BCHW


def describe_reach(probe: Probe) -> tuple[Finding, ...]:
    """For each axis, how many of the entries in line with a changed one change with it.

    All of them speak of a statistic over the axis, some of groups or a window, none of neither.
    """
    x = probe.inputs[0]
    place = tuple(size // 2 for size in x.shape)
    changed = x.copy()
    changed[place] += 0.5
    difference = np.abs(probe(changed) - probe(x))
    felt = difference > 1e3 * probe.unit * np.max(np.abs(difference), initial=0.0)
    said = []
    for axis, name in enumerate(BCHW.names):
        line = np.delete(np.moveaxis(felt, axis, 0)[(slice(None), *np.delete(place, axis))], place[axis])
        if line.size:
            part = " (groups or a window)" if 0 < line.sum() < line.size else ""
            said.append(f"{int(line.sum())} of {line.size} others along {name}{part}")
    words = ", ".join(said) or "no others"
    return (Finding("reach", words, "entries of f(x) that change when one entry of x does"),)
