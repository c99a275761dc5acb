"""A verdict as plain data: mappings, lists, strings and numbers, ready for JSON, that stand alone.

proof           one derivation for each moving axis: steps, premises before conclusions, each with its term, facts,
rule and the derived conditions that it used
counterexample  the sizes, the input entry by entry, the parameters, epsilon, the displacement, the output entry
and both values there, and the frequencies at fault
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from proofs.emit.numbers import describe_input, input_entries, parameter_entries, spell_number
from theory.calculus.facts import Judgement
from theory.calculus.setting import Setting, settings
from theory.calculus.simplify import Occurrence
from theory.calculus.trials import occurrences
from theory.calculus.witness import Witness, refined
from theory.decision.decide import PRINTABLE
from theory.decision.reasons import spell_condition, spell_facts
from theory.decision.verdicts import Counterexample, Derivation, Proof, Unknown, Verdict
from theory.spec.axes import Layout
from theory.spec.grids import Grid, Size
from theory.spec.terms import spell

Document = dict[str, Any]


def derivation_document(derivation: Derivation, layout: Layout) -> Document:
    """One typing derivation, its steps numbered from the leaves up; the last one is the conclusion."""
    steps: list[Document] = []
    numbers: dict[Judgement, int] = {}

    def visit(node: Judgement) -> int:
        if node in numbers:
            return numbers[node]
        premises = [visit(premise) for premise in node.premises]
        numbers[node] = len(steps)
        steps.append(
            {
                "term": spell(node.term, layout),
                "rule": node.rule,
                "facts": spell_facts(node.facts, derivation.setting),
                "premises": premises,
                "conditions": [spell_condition(c, derivation.setting) for c in node.conditions if c.holds],
            }
        )
        return numbers[node]

    visit(derivation.judgement)
    return {
        "axis": derivation.setting.moving.name,
        "given": spell(derivation.given, layout),
        "form": derivation.form,
        "steps": steps,
    }


def _setting_of(verdict: Counterexample, witness: Witness) -> Setting:
    # How a board is folded depends on the setting that the witness was looked for in: the claim's or the small one.
    own = witness is verdict.witness
    grid = verdict.claim.grid if own else Grid(verdict.claim.grid.layout, tuple(map(Size, witness.sizes)))
    (found,) = (s for s in settings(replace(verdict.claim, grid=grid)) if s.moving.name == witness.axis)
    return found


def witness_document(verdict: Counterexample, witness: Witness) -> Document:
    """The numbers of a witness; arrays only where they are short enough to print."""
    layout = verdict.claim.grid.layout
    names = layout.names
    printable = prod(witness.sizes) <= PRINTABLE
    if printable:
        witness = refined(verdict.derivation.given, witness, _setting_of(verdict, witness))
    trial = witness.trial
    data: Document = {
        "sizes": dict(zip(names, witness.sizes, strict=True)),
        "axis": witness.axis,
        "displacement": str(trial.displacement),
        "moves": f"{witness.only}=0 only" if witness.only else "all",
        "eps": spell_number(trial.eps),
        "input": describe_input(witness, names),
        "entry": dict(zip(names, witness.entry, strict=True)),
        "moved_then_layer": spell_number(witness.moved_then_layer),
        "layer_then_moved": spell_number(witness.layer_then_moved),
        "error": spell_number(witness.error),
    }
    if printable:
        entries = input_entries(witness)
        data["x"] = {"shape": list(entries.shape), "entries": list(entries.entries), "exact": entries.exact}
        data["parameters"] = [_parameter(witness, o, layout) for o in occurrences(verdict.derivation.given)]
    return data


def _parameter(witness: Witness, occurrence: Occurrence, layout: Layout) -> Document:
    entries = parameter_entries(witness, occurrence, layout.names)
    return {"par": spell(occurrence, layout), "shape": list(entries.shape), "entries": list(entries.entries)}


def counterexample_document(verdict: Counterexample) -> Document:
    """The term, the frequencies at fault, and the witness; beyond 64 numbers also one on the smallest grid alike."""
    layout, fault = verdict.claim.grid.layout, verdict.violation
    data: Document = {
        "given": spell(verdict.derivation.given, layout),
        "fault": {
            "term": spell(fault.judgement.term, layout),
            "rule": fault.judgement.rule,
            "axis": verdict.derivation.setting.moving.name,
            "samples": fault.size,
            "frequencies": list(fault.inputs),
            "output_frequency": fault.output,
            "defect": fault.defect,
            "across_entries": fault.apart,
        },
        "witness": witness_document(verdict, verdict.witness),
    }
    if verdict.small is not None and verdict.small is not verdict.witness:
        data["smallest_grid"] = witness_document(verdict, verdict.small)
    return data


def evidence(verdict: Verdict) -> Document | None:
    """``{"kind": …, "content": …}`` for a proof or a counterexample; ``None`` for an unknown."""
    layout = verdict.claim.grid.layout
    if isinstance(verdict, Unknown):
        return None
    if isinstance(verdict, Proof):
        derivations = [derivation_document(derivation, layout) for derivation in verdict.derivations]
        return {"kind": "proof", "content": {"derivations": derivations}}
    return {"kind": "counterexample", "content": counterexample_document(verdict)}
