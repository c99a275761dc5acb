"""Axes, layouts and axis sets.

A feature map is a real array with *index axes* (batch, channel, groups) and periodic *spatial axes*. The calculus asks
an axis for its kind only, never for its name; names are for people and for the parser.

Notation: ``BCHW`` is the layout batch x channel x height x width of Scanvic, Barthélemy and Tachella (2025,
arXiv 2505.19805). An axis set is spelled by its letters, ``empty`` for the set of no axes, ``absent`` for no step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from theory.spec.errors import refuse

AxisSet = frozenset[str]


class AxisKind(Enum):
    """What an axis indexes: entries without order, or samples of a periodic signal."""

    INDEX = "index"
    SPATIAL = "spatial"


@dataclass(frozen=True)
class Axis:
    """One array axis; ``sample`` marks the index axis whose entries may move each by its own displacement."""

    name: str
    kind: AxisKind
    sample: bool = False


@dataclass(frozen=True)
class Layout:
    """An ordered tuple of axes with distinct one-letter upper-case names.

    Raises:
        SpecificationError: a name is no single upper-case letter, or occurs twice.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        for name in names:
            if len(name) != 1 or not ("A" <= name <= "Z"):
                raise refuse(f"axis={name!r}", "one upper-case letter")
            if names.count(name) > 1:
                raise refuse(f"axis={name!r}", "every axis once")

    def __iter__(self) -> Iterator[Axis]:
        return iter(self.axes)

    def __len__(self) -> int:
        return len(self.axes)

    @property
    def names(self) -> str:
        """The letters in order, for example ``"BCHW"``."""
        return "".join(axis.name for axis in self.axes)

    @property
    def spatial(self) -> AxisSet:
        """The names of the spatial axes."""
        return frozenset(axis.name for axis in self.axes if axis.kind is AxisKind.SPATIAL)

    def index(self, name: str) -> int:
        """The position of the axis called ``name`` in an array of this layout."""
        return self.names.index(name)


BCHW = Layout(
    (
        Axis("B", AxisKind.INDEX, sample=True),
        Axis("C", AxisKind.INDEX),
        Axis("H", AxisKind.SPATIAL),
        Axis("W", AxisKind.SPATIAL),
    )
)


def parse_axes(text: str, layout: Layout = BCHW, name: str = "axes") -> AxisSet:
    """Read an axis set: letters of ``layout`` in any order, none twice, or ``empty``.

    Raises:
        SpecificationError: an unknown, lower-case or repeated letter, the empty string, or the word ``none``.

    >>> sorted(parse_axes("WH"))
    ['H', 'W']
    """
    given = f"{name}={text}"
    if text == "empty":
        return frozenset()
    if text.lower() == "none":
        raise refuse(given, "`absent` (no such step) or `empty` (a step over no axes)", "`none` could mean either")
    expected = f"letters of {layout.names}, or `empty`"
    if not text:
        raise refuse(f"{name}=''", expected)
    for letter in text:
        if letter not in layout.names:
            hint = f"write {letter.upper()}" if letter.upper() in layout.names else f"{letter!r} is no axis"
            raise refuse(given, expected, hint)
        if text.count(letter) > 1:
            raise refuse(given, expected, f"{letter} is there twice")
    return frozenset(text)


def parse_step(text: str, layout: Layout = BCHW, name: str = "axes") -> AxisSet | None:
    """Read the axes of a layer's step; ``absent`` gives ``None``. Raises as :func:`parse_axes`."""
    return None if text == "absent" else parse_axes(text, layout, name)


def spell_axes(axes: AxisSet, layout: Layout = BCHW) -> str:
    """Spell an axis set in the order of ``layout``; inverse of :func:`parse_axes`."""
    return "".join(name for name in layout.names if name in axes) or "empty"


def spell_step(axes: AxisSet | None, layout: Layout = BCHW) -> str:
    """Spell the axes of a step, ``absent`` for ``None``; inverse of :func:`parse_step`."""
    return "absent" if axes is None else spell_axes(axes, layout)
