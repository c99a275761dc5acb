"""Which entries of the output depend on one entry of the input: what a function of another kind still shows.

What a maximum, a median or a threshold depends on shows at some arrays only, so several entries of several arrays are
changed, up and down, by as much as the arrays are large.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numerics.arrays import Floats
from numerics.identification.findings import Finding
from numerics.identification.probing import Probe
from theory.spec.axes import BCHW

ENTRIES = 4
"""Entries that are changed, the same in each array."""

STEPS = (2.0, -2.0)

Flags = np.ndarray[Any, np.dtype[np.bool_]]


def describe_reach(probe: Probe) -> tuple[Finding, ...]:
    """For each axis, how many of the entries in line with a changed one change with it, of the one that reaches most.

    All of them speak of a statistic over the axis, some of groups or a window, none of neither.
    """
    shape = probe.inputs.shape[1:]
    drawn = np.random.Generator(np.random.PCG64(1)).permutation(int(np.prod(shape)))[: ENTRIES - 1]
    places = [tuple(size // 2 for size in shape), *(_place(int(index), shape) for index in drawn)]
    values = [probe(x) for x in probe.inputs]
    reached = [_felt(probe, values, place) for place in places]
    said = []
    for axis, name in enumerate(BCHW.names):
        lines = [
            np.delete(felt[(*place[:axis], slice(None), *place[axis + 1 :])], place[axis])
            for felt, place in zip(reached, places, strict=True)
        ]
        line = max(lines, key=np.count_nonzero)
        if line.size:
            part = " (groups or a window)" if 0 < line.sum() < line.size else ""
            said.append(f"{int(line.sum())} of {line.size} others along {name}{part}")
    words = ", ".join(said) or "no others"
    tried = f"{len(places)} entries of {len(values)} arrays were changed, up and down"
    return (Finding("reach", words, f"entries of f(x) that change when one entry of x does; {tried}"),)


def _place(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(n) for n in np.unravel_index(index, shape))


def _felt(probe: Probe, values: list[Floats], place: tuple[int, ...]) -> Flags:
    """Which entries of the output change with this entry of the input, at any of the arrays."""
    felt: Flags = np.zeros(values[0].shape, dtype=bool)
    for x, y in zip(probe.inputs, values, strict=True):
        for step in STEPS:
            changed = x.copy()
            changed[place] += step
            difference = np.abs(probe(changed) - y)
            felt |= difference > 1e3 * probe.unit * max(np.max(difference), np.max(np.abs(y)))
    return felt
