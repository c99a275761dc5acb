"""The verb ``identify``: which normalization is this function, told from its values alone, and is it equivariant."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from equinorm.checks import check_whole
from equinorm.deciding import Decision
from equinorm.deciding import decide as decide_verb
from equinorm.targets import examine, open_target
from numerics.equivariance import Measurement, Motion, measure_equivariance
from numerics.identification.findings import Identification
from numerics.identification.identify import identify_function
from numerics.identification.probing import Function, draw
from theory.decision.reasons import reason
from theory.spec.actions import ActionKind
from theory.spec.axes import BCHW
from theory.spec.errors import SpecificationError, refuse

SHAPE = "3x4x5x7"
LARGEST = 100_000
"""Entries of the arrays at most; hundreds of them are compared at once."""

DISPLACEMENTS = {ActionKind.SHIFT: (1.0, 2.0), ActionKind.TRANSLATION: (0.5, 1.25)}
"""Along H and W, in samples, for the measurement on the function itself."""


@dataclass(frozen=True)
class Identified:
    """The answer: what was found, its verdict for shifts and for translations, and what was measured on the function.

    ``decisions`` is empty where the language has neither a layer nor a term for what was found.
    """

    target: str
    seed: int
    found: Identification
    decisions: tuple[Decision, ...]
    measured: tuple[tuple[ActionKind, Measurement], ...]

    @property
    def identified(self) -> bool:
        """True when a formula was found that predicts the function."""
        return self.found.identified

    @property
    def layer(self) -> str | None:
        """The short spelling, where the language has one."""
        formula = self.found.formula
        return None if formula is None or formula.layer is None else str(formula.layer)

    @property
    def term(self) -> str | None:
        """The term, where terms can say it."""
        formula = self.found.formula
        return None if formula is None or formula.term is None else str(formula.term)

    @property
    def nearest(self) -> str | None:
        """The layer with the same axes, where what was found is outside of the language."""
        formula = self.found.formula
        return None if formula is None or formula.layer is not None else str(formula.nearest)

    def document(self) -> dict[str, Any]:
        """The answer as plain data."""
        import equinorm

        found = self.found
        check = found.check
        return {
            "target": self.target,
            "identified": self.identified,
            "layer": self.layer,
            "term": self.term,
            "nearest_layer": self.nearest,
            "shape": list(found.shape),
            "seed": self.seed,
            "findings": [
                {
                    "part": each.part,
                    "value": each.value,
                    "evidence": each.evidence,
                    "alternatives": list(each.alternatives),
                }
                for each in found.findings
            ],
            "untold": list(found.untold),
            "misfit": found.misfit,
            "check": None if check is None else {"error": _finite(check.error), "bound": _finite(check.bound)},
            "unit_roundoff": found.unit,
            "calls": found.calls,
            "verdicts": {each.words.action: each.verdict for each in self.decisions},
            "decisions": {each.words.action: each.document() for each in self.decisions},
            "measured": {
                kind.value: {
                    "relative_l2": _finite(float(each.relative_l2[each.worst])),
                    "bound": _finite(float(each.bound[each.worst])),
                    "judgement": each.judgement.value,
                    "displacement": list(DISPLACEMENTS[kind]),
                }
                for kind, each in self.measured
            },
            "version": equinorm.__version__,
        }

    def text(self) -> str:
        """The answer for a terminal."""
        lines = [f"target: {self.target}", f"layer:  {self._named()}"]
        if self.layer is None and self.term is not None:
            lines.append(f"term:   {self.term}")
        if self.nearest is not None:
            lines.append(f"nearest layer, with the same axes: {self.nearest}")
        if self.found.misfit is not None:
            lines.append(f"what does not fit: {self.found.misfit}")
        lines += ["", "evidence"]
        for each in self.found.findings:
            lines.append(f"  {each.part}: {each.value}")
            lines.append(f"    {each.evidence}")
            lines += [f"    or: {other}" for other in each.alternatives]
        lines += [line for line in self._closing() if line is not None]
        return "\n".join(lines)

    def _named(self) -> str:
        if not self.identified:
            return "unknown"
        return self.layer if self.layer is not None else "outside of the language"

    def _closing(self) -> Iterator[str | None]:
        found = self.found
        if found.check is not None:
            yield f"  prediction of {found.check.arrays} fresh arrays: off by {found.check.error:.1e}"
            yield f"    within the rounding bound {found.check.bound:.1e}"
        yield from [f"  cannot be told: {each}" for each in found.untold]
        if self.decisions:
            yield ""
        for decision in self.decisions:
            yield f"{decision.words.action}s: {decision.verdict}"
            for name, verdict in decision.verdicts:
                yield f"  {name} grids: {verdict.name}; {reason(verdict)}"
        if self.identified and not self.decisions:
            yield "\nverdict: unknown, no layer and no term says what was found"
        yield f"\nmeasured on the function, {'x'.join(map(str, found.shape))}"
        for kind, each in self.measured:
            error, bound = float(each.relative_l2[each.worst]), float(each.bound[each.worst])
            yield f"  {kind.value}: off by {error:.1e}, {each.judgement.value} the rounding bound {bound:.1e}"


def identify(
    target: str | Callable[[Any], Any], *, shape: str = SHAPE, seed: int = 0, timeout: float = 30.0
) -> Identified:
    """Find out which normalization a function is, and decide it for shifts and translations.

    Nothing is looked at but values: neither names nor classes nor attributes.

    Args:
        target: ``module:function`` or ``torch:module.Class(arguments)``, run in a process of its own; or a function of
            one float64 NumPy array, which is called here.
        shape: B, C, H, W of the arrays, as ``3x4x5x7``; different sizes tell the most.
        seed: of the arrays that are drawn.
        timeout: seconds for the import of a named target, and for each call.

    Raises:
        SpecificationError: what makes the target unfit, or a shape that cannot be used.
    """
    sizes = _sizes(shape)
    check_whole("seed", seed, 0)
    x = draw(sizes, np.random.Generator(np.random.PCG64(seed)), 1)[0]
    with _opened(target, timeout) as (name, function):
        try:
            examine(function, x)
        except SpecificationError as error:
            if "an array of this shape" in str(error):
                raise SpecificationError(f"{error}; its shape here is {shape}, choose another with --shape") from None
            raise
        found = identify_function(function, sizes, seed)
        measured = tuple(_measure(function, x, found.unit))
    return Identified(name, seed, found, _decide(found), measured)


@contextmanager
def _opened(target: str | Callable[[Any], Any], timeout: float) -> Iterator[tuple[str, Function]]:
    if not isinstance(target, str):
        yield getattr(target, "__name__", type(target).__name__), target
        return
    with open_target(target, timeout) as function:
        yield target, function


def _sizes(shape: str) -> tuple[int, ...]:
    match = re.fullmatch(r"[0-9]{1,6}(x[0-9]{1,6}){3}", shape)
    sizes = () if match is None else tuple(int(size) for size in shape.split("x"))
    if len(sizes) != len(BCHW) or not 2 <= math.prod(sizes) <= LARGEST:
        raise refuse(f"shape={shape}", f"four sizes BxCxHxW such as {SHAPE}, with 2 to {LARGEST} entries")
    return sizes


def _measure(function: Function, x: Any, unit: float) -> Iterator[tuple[ActionKind, Measurement]]:
    for kind, displacement in DISPLACEMENTS.items():
        yield kind, measure_equivariance(function, x, np.asarray([displacement]), Motion(kind), least=unit)


def _decide(found: Identification) -> tuple[Decision, ...]:
    formula = found.formula
    if formula is None or not found.identified:
        return ()
    kinds = [kind.value for kind in ActionKind]
    if formula.layer is not None:
        return tuple(decide_verb(str(formula.layer), action=kind) for kind in kinds)
    if formula.term is None:
        return ()
    eps = None if formula.scale is None or formula.scale.eps is None else str(formula.scale.eps)
    return tuple(decide_verb(term=str(formula.term), eps=eps, action=kind) for kind in kinds)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
