"""The page: results put into the template. It needs no network, no script to be read, and no color.

The template holds sentences and no numbers; those come from the results, spelled by :mod:`equinorm.report.cells`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from equinorm.experiment.summary import summarize
from equinorm.measuring import describe_weights
from equinorm.pages import environment
from equinorm.report import evidence, theorems
from equinorm.report.cells import spell
from equinorm.report.certificates import FOLDER as CERTIFICATES
from equinorm.report.charts import Chart, inline
from equinorm.report.classes import NEITHER, SHIFT, TRANSLATION, UNKNOWN, Classified
from equinorm.report.curves.drawing import Drawing
from equinorm.report.findings import Range
from equinorm.report.measured import EVEN, Measured, blind_table, split_table
from equinorm.report.results import Results, facts
from equinorm.report.rules import PrintedRule
from equinorm.report.spectra import CORNER
from equinorm.report.table import Table
from theory.decision.synthesis import Theorem
from theory.spec.actions import Scope
from theory.spec.catalogue import CATALOGUE


@dataclass(frozen=True)
class Shown:
    """What the page shows besides the results: the tables and the figures, made once for page and files.

    ``kernel`` is what the kernel said of the certificates, ``curves`` are the charts of each input.
    """

    table1: Table
    table2: Table
    table3: Table
    figure1: Chart
    figure2: Chart
    kernel: str
    files: tuple[str, ...]
    curves: tuple[tuple[Drawing, ...], ...] = ()


def page(results: Results, shown: Shown) -> str:
    """The whole page as HTML."""
    templates = environment("equinorm.report")
    templates.filters.update(number=number, between=between, percent=percent, words=words, formula=formula)
    templates.filters.update(condition=condition(results.rules), capitalized=theorems.capitalized)
    templates.filters.update(table=lambda table: Markup(table.html()), safe_math=Markup)
    return templates.get_template("page.html.j2").render(**_values(results, shown)).rstrip() + "\n"


def _values(results: Results, shown: Shown) -> dict[str, Any]:
    found, split = results.findings, results.split
    even = [one for one in split if one.crop == results.published.crop]
    groups = theorems.groups(results.derived)
    about = facts(results)
    images = results.published.run.facts["images"]
    return {
        "style": Markup((files("equinorm.report") / "templates" / "page.css").read_text(encoding="utf-8")),
        "about": about,
        "found": found,
        "plan": results.plan,
        "groups": [group for group in groups if len(group.axes) > 1],
        "single": [group for group in groups if len(group.axes) == 1],
        "counts": theorems.counts(results.derived),
        "single_counts": theorems.counts(results.derived, together=False),
        "positions": len(set(results.published.run.table.column("position").to_pylist())),
        "unknown": [one for one in results.classified if one.found == UNKNOWN],
        "fallen": fallen(results.classified),
        "files": shown.files,
        "certificates": CERTIFICATES,
        "kernel": shown.kernel,
        "method": theorems.METHOD,
        "rules": results.rules,
        "table1": shown.table1,
        "table2": shown.table2,
        "table3": shown.table3,
        "table4": split_table(split, ("layer", "mode"), "Table 4"),
        "variants": split_table(split, ("layer", "mode", "initialization"), "Table 4, by initialization"),
        "blind_tables": [blind_table(even, layer, f"Table {n}") for n, layer in enumerate(found.blind, start=5)],
        "evidence": _by_layer(evidence.cells(results.classified)),
        "figure1": Markup(inline(shown.figure1.svg, "f1", "Figure 1", describe_spectra(results))),
        "figure2": Markup(inline(shown.figure2.svg, "f2", "Figure 2", describe_parity(results))),
        "curves": list(_figures(shown.curves)),
        "figure": results.figure,
        "corner": CORNER,
        "removed": [energy for one in even if (energy := removed_energy(one)) is not None],
        "published_run": results.published,
        "odd_run": split[-1],
        "even_runs": even,
        "weights": describe_weights(about["weights"]),
        "pictures": _by_group(images["used"]),
        "skipped": images["skipped"],
        "sources": {name: entry.source for name, entry in CATALOGUE.items()},
        "drawn": {group.key["initialization"]: group.metrics["cosine_error"].mean for group in _pooled(results)},
    }


def _figures(inputs: Sequence[Sequence[Drawing]]) -> Iterator[list[tuple[int, Drawing, Markup]]]:
    """The charts of each input, numbered on from the figures before them."""
    number = 3
    for drawings in inputs:
        found = []
        for drawing in drawings:
            name = f"Figure {number}"
            found.append((number, drawing, Markup(inline(drawing.plain, f"f{number}", name, drawing.description))))
            number += 1
        yield found


def _pooled(results: Results) -> Sequence[Any]:
    """The layers of the class neither, by initialization, under the published setting in float64."""
    layers = results.findings.by_class[NEITHER]
    tables = [results.split[0].rows(layer=layer, transformation="translation") for layer in layers[:1]]
    return summarize(tables[0], ("initialization",)) if tables else ()


def fallen(classified: Sequence[Classified]) -> tuple[str, ...]:
    """Layers equivariant to translations but on all arrays of even grids, where only shifts are left."""
    kinds: dict[str, list[str]] = {}
    for one in classified:
        if one.scope is Scope.COMMON:
            kinds.setdefault(one.layer, []).append(one.found)
    return tuple(layer for layer, found in kinds.items() if found == [TRANSLATION, SHIFT, TRANSLATION])


def _by_layer(cells: Sequence[evidence.Cell]) -> dict[str, list[evidence.Cell]]:
    found: dict[str, list[evidence.Cell]] = {}
    for cell in cells:
        found.setdefault(cell.layer, []).append(cell)
    return found


def _by_group(pictures: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for picture in pictures:
        found.setdefault(picture["group"], []).append(picture["name"])
    return found


def removed_energy(one: Measured) -> float | None:
    """The mean share of energy that even maps lost at their bins N/2; ``None`` if the policy removes nothing."""
    values = [value for value in one.rows(parity=EVEN).column("nyquist_energy").to_pylist() if value is not None]
    return sum(values) / len(values) if values else None


def percent(value: float) -> str:
    """A share with two significant digits.

    >>> percent(0.02318)
    '2.3 %'
    """
    return f"{100 * value:.2g} %"


def number(value: float | None) -> Markup:
    """A number as in the tables."""
    return Markup(spell(value, "html"))


def between(value: Range) -> Markup:
    """Two ends of a range; one number where both are spelled alike."""
    low, high = spell(value.low, "html"), spell(value.high, "html")
    return Markup(low if low == high else f"{low} to {high}")


def formula(theorem: Theorem) -> Markup:
    """The condition of a theorem within a line."""
    return Markup(theorems.breaking(theorem.formula))


def words(names: Sequence[str]) -> str:
    """``a, b and c``; ``none`` for no names.

    >>> words(["a", "b", "c"]), words([])
    ('a, b and c', 'none')
    """
    if not names:
        return "none"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def condition(rules: Sequence[PrintedRule]) -> Any:
    """A filter that sets the derived relation in a proof's condition as a formula and leaves the values as text."""
    known = {rule.text: rule.mathml for rule in rules}

    def show(text: str) -> Markup:
        relation, joint, values = text.partition(" with ")
        if relation not in known:
            return escape(text)
        return Markup(known[relation]) + escape(f" with {values}" if joint else "")

    return show


def describe_spectra(results: Results) -> str:
    """Figure 1 in words, for who cannot see it."""
    curves = "; ".join(f"{curve.name}: {spell(curve.leak)}" for curve in results.figure.curves)
    return (
        f"Radially averaged power spectral density against radial frequency, logarithmic. Largest density above the "
        f"corner of the band, at {spell(CORNER)} cycles per sample: {curves}."
    )


def describe_parity(results: Results) -> str:
    """Figure 2 in words."""
    found = results.findings
    layers = words(found.by_class[TRANSLATION])
    return (
        f"Mean errors under translations against the size of the map, logarithmic, in two panels: 1 minus cosine "
        f"above, relative L2 below. For {layers} the relative error lies between {spell(found.even_length.low)} and "
        f"{spell(found.even_length.high)} over even maps, and between {spell(found.odd_length.low)} and "
        f"{spell(found.odd_length.high)} over odd ones; it rises and falls with every change of parity."
    )
