"""Table 1, derived: for every named layer its axes, and its class on each kind of grid and for each scope.

The class follows from two verdicts: ``translation`` if the layer is equivariant to translations, else ``shift`` if it
is so to shifts, else ``neither``. What proves a class is kept with it: the proof for translations (shifts are among
them), or the proof for shifts with the counterexample for translations, or the counterexample for shifts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from equinorm.deciding import Decision, decide
from equinorm.report import published
from equinorm.report.table import Column, Mark, Table
from theory.spec.actions import Scope
from theory.spec.axes import spell_step
from theory.spec.catalogue import CATALOGUE
from theory.spec.layers import Normalization

TRANSLATION, SHIFT, NEITHER, UNKNOWN = "translation", "shift", "neither", "unknown"


@dataclass(frozen=True)
class Arrays:
    """A family of grids with a domain, in the words of ``decide``."""

    key: str
    title: str
    grid: str
    domain: str


ARRAYS = (
    Arrays("odd", "odd grids", "odd", "all"),
    Arrays("even", "even grids, all real arrays", "even", "all"),
    Arrays("even-nyquist-free", "even grids, Nyquist-free arrays", "even", "nyquist-free"),
)


@dataclass(frozen=True)
class Classified:
    """The class of one layer on one family of grids for one scope, and the decisions behind it."""

    layer: str
    arrays: Arrays
    scope: Scope
    found: str
    decisions: tuple[Decision, ...]

    @property
    def anchor(self) -> str:
        """The name of the place on the page where the decisions are shown."""
        return f"{self.layer}-{self.arrays.key}-{self.scope.value}".lower()


def classify(layer: str, arrays: Arrays, scope: Scope) -> Classified:
    """Decide shifts and translations and read the class from the two verdicts.

    Raises:
        ArithmeticError: equivariant to translations and not to shifts, which are translations.
    """
    translation, shift = (
        decide(layer, action=action, scope=scope.value, grid=arrays.grid, domain=arrays.domain)
        for action in ("translation", "shift")
    )
    if translation.verdict == "equivariant":
        if shift.verdict == "not_equivariant":
            raise ArithmeticError(f"{layer}: equivariant to translations but not to shifts, on {arrays.title}")
        return Classified(layer, arrays, scope, TRANSLATION, (translation,))
    if shift.verdict == "not_equivariant":
        return Classified(layer, arrays, scope, NEITHER, (shift,))
    known = shift.verdict == "equivariant" and translation.verdict == "not_equivariant"
    return Classified(layer, arrays, scope, SHIFT if known else UNKNOWN, (shift, translation))


def classify_all() -> tuple[Classified, ...]:
    """Every named layer on every family of grids, for both scopes."""
    return tuple(classify(layer, arrays, scope) for layer in CATALOGUE for arrays in ARRAYS for scope in Scope)


def differences(found: tuple[Classified, ...]) -> tuple[Classified, ...]:
    """The classes on odd grids that are not the printed ones."""
    printed = published.equivariance()
    return tuple(one for one in found if one.arrays.key == "odd" and one.found != printed[one.layer])


def table1(found: tuple[Classified, ...], marks: Mapping[str, tuple[Mark, ...]]) -> Table:
    """Table 1, with a link from each class to what proves it, and beside it ``marks``, by the anchor of the cell."""
    printed = published.equivariance()
    columns = (
        Column("layer", "layer"),
        Column("centering", "centring"),
        Column("scaling", "scaling"),
        Column("affine", "affine"),
        Column("published", published.SOURCE, "published"),
        *(
            Column(f"{arrays.key}_{scope.value}".replace("-", "_"), scope.value, f"derived: {arrays.title}")
            for arrays in ARRAYS
            for scope in Scope
        ),
    )
    rows, links, beside = [], [], []
    for name, entry in CATALOGUE.items():
        cells = [one for one in found if one.layer == name]
        rows.append((name, *steps(entry.layer), printed[name], *(one.found for one in cells)))
        links.append((None,) * 5 + tuple(one.anchor for one in cells))
        beside.append(((),) * 5 + tuple(marks.get(one.anchor, ()) for one in cells))
    caption = (
        "Axes of the three steps, and what each layer is equivariant to. Common: all samples of the batch move alike; "
        "per-sample: each by its own displacement. S and T: certificates of the verdicts on shifts and translations."
    )
    return Table("Table 1", caption, columns, tuple(rows), links=tuple(links), marks=tuple(beside))


def steps(layer: Normalization) -> tuple[str, str, str]:
    """The axes of the three steps."""
    center, scale, affine = (spell_step(axes, layer.layout) for axes in (layer.center, layer.scale, layer.affine))
    return center, scale, affine
