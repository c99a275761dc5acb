"""A stranger among the layers: which normalization its values show it to be, and whether its name says another.

Nothing is read off the module but its name, and that only to be compared: the specification comes from
:mod:`numerics.identification`, which probes with arrays of its own, where the layer takes their sizes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from equinorm.networks.calls import Call
from equinorm.networks.grids import LAST, Axes
from numerics.arrays import to_numpy
from theory.spec.catalogue import CATALOGUE
from theory.spec.layers import Normalization
from theory.spec.terms import Term

SMALL = (3, 5, 7)
"""Samples, rows and columns of the probing arrays: few, and no two alike."""

LARGEST = 20_000
"""Entries of probing arrays of the layer's own sizes, where it takes no others; larger ones would take minutes."""

DEPARTURES = ("statistic", "place of epsilon", "follows")
"""Parts of an identification that tell how a layer departs from the language."""


@dataclass(frozen=True)
class Recognition:
    """What a layer was recognized as.

    Attributes:
        kind: normalization, activation (a function of single entries), or other.
        specification: the layer, or the nearest of the language.
        decidable: the layer or the term that it is, None where it is neither.
        remarks: how it departs from the language, and from its name.
    """

    kind: str
    specification: str
    decidable: Normalization | Term | None
    remarks: tuple[str, ...]


def recognize(call: Call, axes: Axes) -> Recognition | None:
    """What the layer of ``call`` is, whose map stands on ``axes``; None where its values do not tell."""
    from numerics.identification.identify import identify_function

    tensors = call.inputs
    if len(tensors) != 1:
        return None
    for shape in _shapes(tuple(tensors[0].shape), axes):
        try:
            found = identify_function(_function(call, axes), shape)
        except Exception:  # whatever the layer raises for sizes that are not its own, or for odd values
            continue
        formula = found.formula
        if not found.identified or formula is None:
            return None
        layer = formula.layer
        remarks = _departures(found) if layer is None else []
        remarks += _misnamed(type(call.module).__name__, formula.nearest)
        kind = "normalization"
        if formula.center is None and formula.scale is None:
            kind = "activation" if layer is None else "other"
        spelled = "" if kind == "activation" else str(formula.nearest if layer is None else layer)
        return Recognition(kind, spelled, formula.term if layer is None else layer, tuple(remarks))
    return None


def _shapes(shape: tuple[int, ...], axes: Axes) -> Iterator[tuple[int, int, int, int]]:
    channels = shape[3 if axes == LAST else 1]
    yield SMALL[0], channels, SMALL[1], SMALL[2]
    own = (SMALL[0], channels, shape[axes[0]], shape[axes[1]])
    if math.prod(own) <= LARGEST:
        yield own


def _function(call: Call, axes: Axes) -> Any:
    """The layer as a function of NumPy arrays (B, C, H, W)."""
    like = call.inputs[0]

    def function(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        tensor = call.torch.from_numpy(x).to(device=like.device, dtype=like.dtype)
        (y,) = call.outputs([tensor.movedim(1, 3) if axes == LAST else tensor])
        found = to_numpy(y.movedim(3, 1) if axes == LAST else y).astype(np.float64)
        if found.shape != x.shape:
            raise ValueError("another shape")
        return found

    return function


def _departures(found: Any) -> list[str]:
    parts = {finding.part: finding.value for finding in found.findings}
    usual = {"place of epsilon": "inside the root", "follows": "nothing"}
    return [f"{part}: {parts[part]}" for part in DEPARTURES if part in parts and parts[part] != usual.get(part)]


def _misnamed(name: str, layer: Normalization) -> list[str]:
    """That a class bears the name of a layer of the catalogue, and is another.

    >>> _misnamed("InstanceNorm2d", Normalization(frozenset("CHW"), frozenset("CHW")))
    ['its name is that of InstanceNorm, norm[center=HW, scale=HW]']
    """
    families = {entry.partition("-")[0] for entry in CATALOGUE}
    family = next((one for one in families if one.lower() in name.lower()), None)
    meant = {entry: known.layer for entry, known in CATALOGUE.items() if entry.partition("-")[0] == family}
    if not meant or any((one.center, one.scale) == (layer.center, layer.scale) for one in meant.values()):
        return []
    steps = (f"{entry}, {Normalization(one.center, one.scale)}" for entry, one in meant.items())
    return [f"its name is that of {' or '.join(steps)}"]
