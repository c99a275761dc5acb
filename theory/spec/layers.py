"""Normalization layers as data.

A normalization centres, scales and applies an affine step, each over (or varying over) a set of axes of its own:

    c = x - mean(x, center),   y = c / sqrt(mean(c^2, scale) + eps) * gain(affine) + bias(affine).

A step may be *absent* (``None``) or act over no axes (``frozenset()``); the two differ: centring over no axes gives
c = 0. With running statistics the two means are constants that vary over the axes that training reduces not.

Source of the three steps: Scanvic, Barthélemy and Tachella (2025, arXiv 2505.19805), section 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from theory.spec.axes import BCHW, AxisSet, Layout, parse_step, spell_axes
from theory.spec.errors import refuse

DEFAULT_EPS = Fraction(1, 100_000)


class Statistics(Enum):
    """Statistics of the batch at hand (training), or running ones kept as constants (evaluation)."""

    BATCH = "batch"
    RUNNING = "running"


@dataclass(frozen=True)
class Normalization:
    """A normalization layer; ``str(layer)`` is its short spelling, which :func:`parse_layer` reads back.

    >>> str(Normalization(frozenset("C"), frozenset("CHW"), frozenset("C")))
    'norm[center=C, scale=CHW, affine=C]'
    """

    center: AxisSet | None = None
    scale: AxisSet | None = None
    affine: AxisSet | None = None
    eps: Fraction = DEFAULT_EPS
    statistics: Statistics = Statistics.BATCH
    layout: Layout = BCHW

    def __post_init__(self) -> None:
        if self.eps <= 0:
            raise refuse(f"eps={self.eps}", "a positive number")

    def __str__(self) -> str:
        steps = {"center": self.center, "scale": self.scale, "affine": self.affine}
        parts = [f"{name}={spell_axes(axes, self.layout)}" for name, axes in steps.items() if axes is not None]
        if self.eps != DEFAULT_EPS:
            parts.append(f"eps={self.eps}")
        if self.statistics is not Statistics.BATCH:
            parts.append(f"statistics={self.statistics.value}")
        return f"norm[{', '.join(parts)}]"


def parse_eps(text: str) -> Fraction:
    """Read a positive number: ``1e-5``, ``0.001`` or ``1/100000``, kept exactly.

    Raises:
        SpecificationError: not a number, not positive, or with an exponent beyond 300.
    """
    expected = "a positive number such as 1/100000 or 1e-5"
    if len(text) > 60 or not re.fullmatch(
        r"[+-]?(\d+/\d+|(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?)", text.strip(), re.ASCII
    ):
        raise refuse(f"eps={text[:60]}", expected)
    try:
        value = Fraction(text.strip())
    except ZeroDivisionError:
        raise refuse(f"eps={text}", expected) from None
    if value <= 0:
        raise refuse(f"eps={text}", expected)
    return value


def parse_statistics(text: str) -> Statistics:
    """Read ``batch`` or ``running``. Raises SpecificationError for anything else."""
    try:
        return Statistics(text)
    except ValueError:
        raise refuse(f"statistics={text}", "`batch` or `running`") from None


def parse_layer(text: str, layout: Layout = BCHW) -> Normalization:
    """Read the short spelling ``norm[center=C, scale=CHW, affine=C]``; a step left out is absent.

    Raises:
        SpecificationError: another shape, an unknown or repeated key, or a value that its key does not take.
    """
    expected = "norm[center=AXES, scale=AXES, affine=AXES]"
    match = re.fullmatch(r"\s*norm\[(.*)\]\s*", text)
    if match is None:
        raise refuse(f"layer={text}", expected)
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in match[1].split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in ("center", "scale", "affine", "eps", "statistics"):
            raise refuse(f"layer={text}", expected, f"{part!r} is none of center=, scale=, affine=, eps=, statistics=")
        if key in found:
            raise refuse(f"layer={text}", expected, f"{key} is there twice")
        found[key] = value
    steps = {key: parse_step(found.get(key, "absent"), layout, key) for key in ("center", "scale", "affine")}
    return Normalization(
        **steps,
        eps=parse_eps(found["eps"]) if "eps" in found else DEFAULT_EPS,
        statistics=parse_statistics(found.get("statistics", "batch")),
        layout=layout,
    )
