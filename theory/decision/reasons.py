"""Verdicts in words: which rule, which step, which frequencies.

Every sentence is made from the judgements and violations of the verdict; none is kept ready for a known layer.
"""

from __future__ import annotations

from theory.calculus.conditions import relation
from theory.calculus.defects import Violation
from theory.calculus.facts import Condition, Facts
from theory.calculus.linear import Linear, spell
from theory.calculus.setting import Setting
from theory.decision.verdicts import Derivation, Proof, Unknown, Verdict
from theory.spec.terms import InverseRoot, Mean, Parameter


def spell_facts(facts: Facts, setting: Setting) -> str:
    """The facts of a judgement: ``invariant``, ``equivariant, degree N-1``, ``no fact``."""
    if facts.invariant:
        return "invariant"
    words = ["equivariant"] if facts.equivariant else []
    if facts.degree is not None:
        words.append(f"degree {spell(facts.degree, setting.moving.size)}")
    if facts.alternating:
        words.append("alternating")
    if facts.steady:
        words.append("does not move")
    return ", ".join(words) or "no fact"


def spell_condition(condition: Condition, setting: Setting) -> str:
    """A derived condition and the values it was asked for: ``L < N with L = N-1``."""
    size, given = setting.moving.size, dict(condition.values)
    values = []
    for name, value in given.items():
        if isinstance(value, Linear) and not (name == "N" and value.step):
            values.append(f"{name} = {spell(value, size)}")
        elif isinstance(value, int):
            values.append(f"{name} = {value}")
    if "s" in given and given["s"] == given.get("t"):
        values.append("s = t")
    elif given.get("t") == "integer":
        values.append("t whole")
    return f"{relation(condition.rule)} with {', '.join(values)}" if values else str(relation(condition.rule))


def deciding_conditions(derivation: Derivation) -> tuple[Condition, ...]:
    """The distinct conditions that hold in a derivation, premises first."""
    found = [c for node in derivation.judgement.walk() for c in node.conditions if c.holds]
    return tuple(dict.fromkeys(found))


def waves(violation: Violation) -> str:
    """The frequencies of a violation as a sum: ``2 + 2 = 4, which looks like 0 on 4 samples``."""
    total = sum(violation.inputs)
    count = len(violation.inputs)
    same = len(set(violation.inputs)) == 1 and count > 3
    left = f"{count} times {violation.inputs[0]}" if same else " + ".join(map(str, violation.inputs))
    text = f"frequencies {left} = {total}" if count > 1 else f"frequency {total}"
    inputs, output = violation.nyquist_waves
    if total == violation.output and output and inputs != 1:
        text += f", the Nyquist bin of {violation.size} samples, which a translation multiplies by cos(pi t)"
    elif total != violation.output:
        text += f", which looks like {violation.output} on {violation.size} samples"
    return text


def _fault(violation: Violation, setting: Setting) -> str:
    node, axis = violation.judgement, setting.moving.name
    term = node.term
    if isinstance(term, Parameter):
        return f"{term} varies along {axis}, so it sends frequency k to k + {violation.output}"
    if violation.apart:
        (sample,) = setting.separate
        return f"{term} mixes entries of {sample} that move apart: frequency 1 of one turns up in the others"
    if isinstance(term, Mean):
        degree = node.premises[0].facts.degree
        known = f" (degree {spell(degree, setting.moving.size)}, not below N)" if degree is not None else ""
        return f"{term} is not invariant along {axis}{known}{_frequencies(violation, setting)}"
    does = (
        "acts on each sample by itself and its argument varies"
        if isinstance(term, InverseRoot)
        else ("multiplies arrays that vary")
    )
    return f"{term} {does} along {axis}{_frequencies(violation, setting)}"


def _frequencies(violation: Violation, setting: Setting) -> str:
    """The waves at fault; nothing where no pattern of equal waves shows the fault."""
    return "" if violation.tolerated(setting.displacement) else f": {waves(violation)}"


def _tolerance(violation: Violation, setting: Setting) -> str:
    plain = violation.apart or isinstance(violation.judgement.term, Parameter)
    if plain or violation.tolerated(setting.displacement):
        return ""
    shifts = "shifts tolerate it" if violation.tolerated("integer") else "not even shifts tolerate it"
    return f" (defect {violation.defect}: {shifts}{'' if setting.shifts else ', translations do not'})"


def reason(verdict: Verdict) -> str:
    """One or two sentences that say why."""
    if isinstance(verdict, Proof):
        return _reason_of_proof(verdict)
    setting = verdict.derivation.setting
    if isinstance(verdict, Unknown):
        return (
            f"the typing rules stop at {verdict.derivation.judgement.term} along {setting.moving.name}, "
            "and no counterexample was found"
        )
    return f"along {setting.moving.name}, {_fault(verdict.violation, setting)}{_tolerance(verdict.violation, setting)}"


def _reason_of_proof(verdict: Proof) -> str:
    if not verdict.derivations:
        return "nothing moves: every moving axis has one sample"
    sentences: dict[str, list[str]] = {}
    for derivation in verdict.derivations:
        setting = derivation.setting
        asked = [spell_condition(condition, setting) for condition in deciding_conditions(derivation)]
        rules = dict.fromkeys(node.rule for node in derivation.judgement.walk())
        using = f" ({'; '.join(dict.fromkeys(asked))})" if asked else ""
        sentence = f"every step keeps its fact by {', '.join(rules)}{using}"
        sentences.setdefault(sentence, []).append(setting.moving.name)
    return "; ".join(f"along {' and along '.join(axes)}, {sentence}" for sentence, axes in sentences.items())
