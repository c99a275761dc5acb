"""The numbers of a witness: its arrays entry by entry, as fractions where they are rational.

Entries of an array stand in row-major order over the axes of the layout. A parameter has one entry for each combination
of its own axes, and 1 on the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import cos, pi

from theory.calculus.simplify import Occurrence
from theory.calculus.trials import parameter_value
from theory.calculus.witness import Witness

Cell = tuple[int, ...]


@dataclass(frozen=True)
class Entries:
    """An array: its shape and its entries as text, ``exact`` if every entry is a fraction and not a decimal."""

    shape: Cell
    entries: tuple[str, ...]
    exact: bool


def _cells(shape: Cell) -> Iterator[Cell]:
    return product(*(range(size) for size in shape))


def spell_number(value: Fraction | Decimal | float) -> str:
    """A fraction as ``p/q``, another number in as many digits as give it back."""
    return str(value) if isinstance(value, (Fraction, Decimal)) else repr(float(value))


def input_entries(witness: Witness) -> Entries:
    """The input array of a witness."""
    found: list[Fraction | float] = []
    for cell in _cells(witness.sizes):
        exact, rest = Fraction(0), 0.0
        rational = True
        for part in witness.trial.parts:
            value: Fraction | float = part.amplitude
            for profile, n, size in zip(part.profiles, cell, witness.sizes, strict=True):
                factor = profile.at(n, size)
                turns = profile.turns(n, size)
                if factor is None and turns is not None:
                    rational = False
                    value = float(value) * cos(2 * pi * float(turns % 1))
                else:
                    value = value * (factor or Fraction(0))
            if isinstance(value, Fraction):
                exact += value
            else:
                rest += value
        found.append(exact if rational else float(exact) + rest)
    exact_everywhere = all(isinstance(value, Fraction) for value in found)
    return Entries(witness.sizes, tuple(map(spell_number, found)), exact_everywhere)


def parameter_entries(witness: Witness, occurrence: Occurrence, names: str) -> Entries:
    """The array of one parameter of a witness."""
    shape = tuple(size if name in occurrence.axes else 1 for name, size in zip(names, witness.sizes, strict=True))
    values = [parameter_value(occurrence, cell, names, witness.trial.variation) for cell in _cells(shape)]
    return Entries(shape, tuple(map(str, values)), True)


def describe_input(witness: Witness, names: str) -> str:
    """The input in words: ``1 * [B entry 0] [C entry 0] [H pair 0] [W constant]``, summed over its parts."""
    if not witness.trial.parts:
        return "0"
    texts = []
    for part in witness.trial.parts:
        profiles = " ".join(f"[{name} {profile}]" for name, profile in zip(names, part.profiles, strict=True))
        texts.append(f"{part.amplitude} * {profiles}")
    return " + ".join(texts)
