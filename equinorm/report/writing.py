"""The verb ``paper``: derive, decide, measure, and write the theorems, tables, figures and the page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equinorm.experiment.table import write_table
from equinorm.files import replacing_folder
from equinorm.progress import Listener, Progress
from equinorm.report import theorems
from equinorm.report.certificates import FOLDER as CERTIFICATES
from equinorm.report.certificates import marks, write_checked
from equinorm.report.charts import parity_chart, spectrum_chart
from equinorm.report.classes import NEITHER, SHIFT, TRANSLATION, table1
from equinorm.report.curves.catalogue import PREFIXES
from equinorm.report.curves.files import names
from equinorm.report.curves.files import write as write_curves
from equinorm.report.measured import joined, parity_series, table2, table3
from equinorm.report.page import Shown, page, words
from equinorm.report.plan import Plan, full_plan, quick_plan
from equinorm.report.results import Results, compute, facts

FILES = (
    "index.html",
    "theorems.md",
    "theorems.tex",
    *(f"table{number}.{suffix}" for number in (1, 2, 3) for suffix in ("md", "tex", "csv")),
    "figure1.svg",
    "figure1.png",
    "results.parquet",
    "results.csv",
    "run.json",
)
"""What a report consists of, beside the certificates, whose names follow from the verdicts, and the curves."""


@dataclass(frozen=True)
class Paper:
    """A report that was written to the folder ``out``; ``accepted`` is how many certificates the kernel accepts."""

    out: Path
    results: Results
    accepted: int

    @property
    def files(self) -> tuple[str, ...]:
        """All files of the report, by their names within the folder."""
        return (*FILES, *curve_files(self.results), *(one.file for one in self.results.certified))

    @property
    def as_published(self) -> bool:
        """True if every named layer has the class that is printed in the paper's Table 1."""
        return self.results.findings.agreeing == self.results.findings.layers

    def document(self) -> dict[str, Any]:
        """The facts of the report as plain data."""
        found = self.results.findings
        classes = {layer: kind for kind, layers in found.by_class.items() for layer in layers}
        return {
            **facts(self.results),
            "classes": classes,
            "certificates": _tally(self.accepted),
            "out": str(self.out),
            "files": list(self.files),
        }

    def text(self) -> str:
        """The answer for a terminal."""
        found = self.results.findings
        lines = [
            f"shifts: equivariant iff {found.shifts.text}",
            f"translations, odd grids: equivariant iff {found.translations.text}",
            f"translations, even grids, all real arrays: equivariant iff {found.even.text}",
            f"equivariant to translations: {words(found.by_class[TRANSLATION])}; to shifts only: "
            f"{words(found.by_class[SHIFT])}; to neither: {words(found.by_class[NEITHER])}",
            f"classes as published: {found.agreeing} of {found.layers}",
            f"translation errors (relative L2): {found.odd_length.low:.1e} to {found.odd_length.high:.1e} on odd maps, "
            f"{found.even_length.low:.1e} to {found.even_length.high:.1e} on even maps",
            f"certificates of Table 1: {_said(self.accepted)}; again by equinorm check {self.out / CERTIFICATES}",
            f"{self.out / FILES[0]} and {len(self.files) - 1} more files",
        ]
        return "\n".join(lines)


def paper(out: str | Path = "equinorm-paper", quick: bool = False, progress: Listener | None = None) -> Paper:
    """Derive the theorems, decide the named layers, measure them, and write the report.

    Args:
        out: the folder for :data:`FILES` and the certificates, complete or absent; one that equinorm wrote is replaced.
        quick: leave out a part, which the page names.
        progress: is told each stage, its share done, and the seconds since it began.

    Returns:
        The results and where they are written. The same call writes the same bytes on the same machine.

    Raises:
        SpecificationError: a folder that cannot be written, which is tried before any work begins, or that holds what
            equinorm did not write; missing pictures.
        ArithmeticError: the kernel rejects a certificate, or two verdicts contradict each other; nothing is written.
    """
    return write(quick_plan() if quick else full_plan(), out, progress)


def write(plan: Plan, out: str | Path, progress: Listener | None = None) -> Paper:
    """Compute what ``plan`` says and write it to the folder ``out``. Raises as :func:`paper`."""
    with replacing_folder(out) as partial:
        results = compute(plan, progress)
        writing = Progress("writing", 1, progress)
        accepted = _write(results, partial)
        writing.step(1)
    return Paper(Path(out), results, accepted)


def curve_files(results: Results) -> tuple[str, ...]:
    """The charts and their numbers; none where the plan leaves them out."""
    prefixes = PREFIXES[: len(results.curves)]
    return tuple(name for prefix in prefixes for name in names(prefix))


def _tally(accepted: int) -> dict[str, int]:
    # A report with a rejected certificate is not written.
    return {"accepted": accepted, "rejected": 0}


def _said(accepted: int) -> str:
    """``accepted 42, rejected 0``, as the kernel counts."""
    return ", ".join(f"{name} {count}" for name, count in _tally(accepted).items())


def _write(results: Results, folder: Path) -> int:
    """Write all files, and return how many certificates the kernel accepts."""
    # The certificates come first: what links to them is written only if the kernel accepts them.
    accepted = write_checked(results.certified, folder)
    first = table1(results.classified, marks(results.certified))
    tables = (first, table2(results.published), table3(results.published))
    sizes, series = parity_series((results.split[0], results.split[-1]))
    figure1, figure2 = spectrum_chart(results.figure), parity_chart(sizes, series)
    charts = [write_curves(seen, folder, prefix) for prefix, seen in zip(PREFIXES, results.curves, strict=False)]
    files = (*FILES[1:], *curve_files(results))
    shown = Shown(*tables, figure1, figure2, _said(accepted), files, tuple(charts))
    run = {**facts(results), "certificates": _tally(accepted)}
    texts = {
        "index.html": page(results, shown),
        "theorems.md": theorems.markdown(results.derived, results.rules),
        "theorems.tex": theorems.latex(results.derived, results.rules),
        "figure1.svg": figure1.svg,
        "run.json": json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for number, table in enumerate(tables, start=1):
        texts |= {
            f"table{number}.md": table.markdown(),
            f"table{number}.tex": table.latex(),
            f"table{number}.csv": table.csv(),
        }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    (folder / "figure1.png").write_bytes(figure1.png)
    write_table(joined(results.runs), folder)
    return accepted
