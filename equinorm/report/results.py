"""All results of a report, computed one after the other; nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from equinorm.deriving import Derived, derive
from equinorm.experiment.options import Options
from equinorm.experiment.run import run_experiment
from equinorm.experiment.setting import versions
from equinorm.inputs.images import Picture, find_pictures
from equinorm.progress import Listener, Progress, State
from equinorm.report.certificates import Certified, certify
from equinorm.report.classes import Classified, classify_all
from equinorm.report.curves.catalogue import WORK, catalogue_curves
from equinorm.report.curves.computed import Seen
from equinorm.report.findings import Findings, findings
from equinorm.report.measured import Measured
from equinorm.report.plan import Plan
from equinorm.report.rules import PrintedRule, printed_rules
from equinorm.report.spectra import Spectra, spectra
from numerics.backends import Backend, load_backend

LIBRARIES = ("jinja2", "matplotlib", "scikit-image", "sympy")
"""Those that a report needs besides what measures."""


@dataclass(frozen=True)
class Results:
    """Everything that a report shows.

    ``published`` is the run of Tables 2 and 3, ``split`` the runs of the split by parity and policy, ``curves`` the
    panels of each input of :mod:`equinorm.report.curves.catalogue`, none where the plan leaves them out.
    """

    plan: Plan
    derived: Derived
    rules: tuple[PrintedRule, ...]
    classified: tuple[Classified, ...]
    certified: tuple[Certified, ...]
    published: Measured
    split: tuple[Measured, ...]
    figure: Spectra
    findings: Findings
    curves: tuple[Seen, ...] = ()

    @property
    def runs(self) -> tuple[Measured, ...]:
        """All runs, that of the tables first."""
        return (self.published, *self.split)


def compute(plan: Plan, listener: Listener | None = None) -> Results:
    """Derive, decide, measure and transform, as ``plan`` says; ``listener`` is told each stage.

    Raises:
        SpecificationError: the bundled pictures are missing.
    """
    pictures = plan.choose(find_pictures())
    backend = load_backend(plan.published.backend)
    derived = derive(axes=plan.derive_axes, progress=listener)
    deciding = Progress("deciding the named layers", 1, listener)
    rules, classified = printed_rules(), classify_all()
    deciding.step(1)
    certifying = Progress("certifying their verdicts", 1, listener)
    certified = certify(classified)
    certifying.step(1)
    stages = (plan.published, *plan.split)
    runs = [
        _measured(options, backend, pictures, f"{place} of {len(stages)}", listener)
        for place, options in enumerate(stages, start=1)
    ]
    transforming = Progress("computing spectra", 1, listener)
    figure = spectra(plan.published, backend, pictures)
    transforming.step(1)
    split = tuple(runs[1:])
    found = findings(derived, classified, split, figure)
    curves: tuple[Seen, ...] = ()
    if plan.curves:
        drawing = Progress("computing curves", WORK, listener)
        curves = catalogue_curves(pictures, plan.published.crop, plan.published.seed, drawing)
    return Results(plan, derived, rules, classified, certified, runs[0], split, figure, found, curves)


def _measured(
    options: Options, backend: Backend, pictures: tuple[Picture, ...], number: str, listener: Listener | None
) -> Measured:
    stage = f"measuring, {number} ({options.dtype}, {options.nyquist}, crop {options.crop})"

    def tell(state: State) -> None:
        if listener is not None:
            listener(State(stage, state.share, state.elapsed))

    run = run_experiment(options, backend, pictures, listener=tell)
    return Measured(options.crop, options.dtype, options.nyquist, run)


def facts(results: Results) -> dict[str, Any]:
    """What ``run.json`` holds: versions, seeds, options, device, and what was used and skipped; no clock."""
    about = versions()
    about["libraries"] = {**about["libraries"], **{name: version(name) for name in LIBRARIES}}
    found = results.findings
    return {
        "verb": "paper",
        **about,
        "options": {"quick": results.plan.quick},
        "left_out": list(results.plan.left_out),
        "device": results.published.run.facts["device"],
        "seed": results.plan.published.seed,
        "weights": results.published.run.facts["weights"],
        "runs": [
            {key: value for key, value in one.run.facts.items() if key not in about and key != "verb"}
            for one in results.runs
        ],
        "figure1": {
            "position": results.figure.position,
            "shape": list(results.figure.shape),
            "images": results.figure.images,
            "dtype": results.figure.dtype,
        },
        "curves": [
            {"input": one.input.described, "shape": list(one.input.given.shape), "dtype": one.dtype}
            for one in results.curves
        ],
        "table1_as_published": found.agreeing,
        "layers": found.layers,
    }
