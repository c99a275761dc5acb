"""Counterexamples as plain data: a witness cell by cell, with enclosures of both values in as few digits as tell them
apart.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import floor, log2

from proofs.emit.statements import Document
from theory.calculus.displace import Displacement, Phase
from theory.calculus.profiles import Part
from theory.calculus.trials import Trial, occurrences, parameter_value
from theory.calculus.witness import Witness
from theory.spec.axes import AxisSet
from theory.spec.terms import Term

SLACK = 16
"""A gap between two values is at least so many units of the last digit that is written."""


def written_displacement(t: Displacement) -> Document:
    """A displacement in samples, or by its phase."""
    if isinstance(t, Phase):
        return {"cosine": str(t.cosine), "sine": str(t.sine)}
    return {"samples": str(t)}


def parts_document(parts: tuple[Part, ...]) -> list[Document]:
    """The input, part by part."""
    return [{"amplitude": str(part.amplitude), "profiles": list(map(str, part.profiles))} for part in parts]


def listing(
    term: Term, trial: Trial, sizes: tuple[int, ...], names: str, axis: str | None, only: str | None
) -> tuple[int, ...]:
    """How many entries of each axis need cells of their own; ``axis``, if given, has one for every sample."""
    varied: AxisSet = frozenset().union(*(occurrence.axes for occurrence in occurrences(term)))
    found = []
    for place, (name, size) in enumerate(zip(names, sizes, strict=True)):
        profiles = [part.profiles[place] for part in trial.parts]
        reach = [p.number + {"entry": 1, "pair": 2}[p.kind] for p in profiles if p.kind in ("entry", "pair")]
        if trial.variation and name in varied:
            # Drawn parameters differ on the first two entries and the rest, others on the first entry and the rest.
            reach.append(1 if abs(trial.variation) == 1 else 2)
        whole = name == axis or any(p.kind in ("cosine", "sine") for p in profiles)
        apart = name == only
        drawn = abs(trial.variation) > 1 and size <= 3
        found.append(size if whole or drawn else min(size, max([*reach, int(apart)])))
    return tuple(found)


def parameter_values(term: Term, trial: Trial, counts: tuple[int, ...], names: str) -> list[list[str]]:
    """The parameters over the cells of their axes, in order; a single value for a constant one."""
    if trial.variation == 0:
        return [["1"] for _ in occurrences(term)]
    found = []
    for occurrence in occurrences(term):
        cells = [range(n) if name in occurrence.axes else range(1) for name, n in zip(names, counts, strict=True)]
        values = [str(parameter_value(occurrence, cell, names, trial.variation)) for cell in product(*cells)]
        found.append(values[:1] if len(set(values)) == 1 else values)
    return found


def example(term: Term, witness: Witness, listed: tuple[int, ...], names: str, bits: int) -> Document:
    """The example that a witness is; its entry is a cell of the board that lists ``listed`` entries."""
    trial = witness.trial
    counts = tuple(k + (n > k) for k, n in zip(listed, witness.sizes, strict=True))
    first, second = _enclosures(witness)
    return {
        "sizes": list(witness.sizes),
        "instance": {
            "axis": witness.axis,
            "moves": "first sample" if witness.only else "all",
            "cells": list(listed),
            "input": parts_document(trial.parts),
            "parameters": parameter_values(term, trial, counts, names),
            "eps": str(trial.eps),
            "entry": list(witness.entry),
        },
        "displacement": written_displacement(trial.displacement),
        "bits": bits,
        "moved_then_layer": list(first),
        "layer_then_moved": list(second),
    }


def digits(witness: Witness) -> int:
    """The number of decimals at which two values are told apart with slack."""
    gap = abs(Fraction(witness.moved_then_layer) - Fraction(witness.layer_then_moved))
    places = 0
    while Fraction(10) ** -places * SLACK > gap:
        places += 1
    while places and Fraction(10) ** (1 - places) * SLACK <= gap:
        places -= 1
    return places


def bits_for(witness: Witness) -> int:
    """Binary digits that should do: those of the last decimal, and as many again for what is lost on the way."""
    largest = max(abs(Fraction(witness.moved_then_layer)), abs(Fraction(witness.layer_then_moved)), Fraction(1))
    whole = max(largest.numerator.bit_length() - largest.denominator.bit_length(), 0)
    return 64 + 32 * ((2 * floor(digits(witness) * log2(10)) + 2 * whole) // 32)


def _enclosures(witness: Witness) -> tuple[tuple[str, str], tuple[str, str]]:
    places, error = digits(witness), Fraction(witness.error)
    unit = Fraction(1, 10**places)

    def around(value: Fraction) -> tuple[str, str]:
        low = floor((value - error) / unit - Fraction(1, 2))
        high = -floor(-(value + error) / unit - Fraction(1, 2))
        return _decimal(low, places), _decimal(high, places)

    return around(Fraction(witness.moved_then_layer)), around(Fraction(witness.layer_then_moved))


def _decimal(units: int, places: int) -> str:
    """So many units of the last place."""
    if places == 0:
        return str(units)
    whole, rest = divmod(abs(units), 10**places)
    return f"{'-' if units < 0 else ''}{whole}.{rest:0{places}d}"
