r"""A verdict in LaTeX: the derivation as numbered lines, or the counterexample with both values enclosed.

Terms are formulas as in :mod:`proofs.emit.typesetting`. The input of a counterexample is a sum of products of profiles,
one for each axis; [n = k] is 1 where the index n is k, and 0 elsewhere (Iverson's bracket).

It needs amsmath and amssymb. Tables are cut into pieces between which a page may end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import product

from proofs.emit.refutations import of_witness
from proofs.emit.statements import Document
from proofs.emit.typesetting import number, typeset
from theory.calculus.conditions import relation
from theory.calculus.facts import Condition, Judgement
from theory.calculus.setting import Setting
from theory.calculus.simplify import Occurrence
from theory.calculus.trials import occurrences
from theory.decision.reasons import reason, spell_condition, spell_facts
from theory.decision.verdicts import Counterexample, Derivation, Proof, Verdict
from theory.spec.terms import Epsilon, Term, walk

ROWS = 12
"""Rows of a piece of a table."""


def _facts(node: Judgement, setting: Setting) -> str:
    return re.sub(r"degree (\S+?)(?=,|$)", r"degree ${\1}$", spell_facts(node.facts, setting))


def _condition(condition: Condition, setting: Setting) -> str:
    from sympy import latex

    _, _, values = spell_condition(condition, setting).partition(" with ")
    asked = [f"$t$ {value[2:]}" if value == "t whole" else f"${{{value}}}$" for value in values.split(", ") if value]
    return f"${latex(relation(condition.rule))}$" + (f" with {', '.join(asked)}" if asked else "")


def _steps(derivation: Derivation) -> dict[Judgement, int]:
    """The judgements of a derivation, premises first, each once with its number."""
    numbers: dict[Judgement, int] = {}
    for node in derivation.judgement.walk():
        numbers.setdefault(node, len(numbers) + 1)
    return numbers


def _row(node: Judgement, numbers: dict[Judgement, int], setting: Setting, names: str) -> str:
    rule = node.rule
    if node.premises:
        rule += f" of {', '.join(f'({numbers[premise]})' for premise in dict.fromkeys(node.premises))}"
    asked = dict.fromkeys(_condition(condition, setting) for condition in node.conditions if condition.holds)
    rule += "".join(f"; {condition}" for condition in asked)
    cells = (f"${typeset(node.term, names)}$", _facts(node, setting), rule)
    return rf"({numbers[node]}) & " + " & ".join(rf"\raggedright {cell}" for cell in cells) + r" \tabularnewline"


def proof_lines(derivation: Derivation, names: str) -> Iterator[str]:
    """One derivation as a table: number, term, fact, and the rule with its premises and what it asked."""
    numbers = _steps(derivation)
    rows = [_row(node, numbers, derivation.setting, names) for node in numbers]
    for start in range(0, len(rows), ROWS):
        yield r"\noindent\begin{tabular}{@{}r@{\quad}p{.36\linewidth}p{.22\linewidth}p{.27\linewidth}@{}}"
        if start == 0:
            yield r"& \emph{term} & \emph{fact} & \emph{rule} \tabularnewline"
        yield from rows[start : start + ROWS]
        yield r"\end{tabular}\par"


def _index(name: str) -> str:
    return name.lower()


def _profile(profile: str, name: str, size: int) -> str:
    """A profile along one axis as a factor; nothing for a constant one."""
    kind, _, number = profile.partition(" ")
    n, k = _index(name), int(number or 0)
    if kind == "entry":
        return f"[{n} = {k % size}]"
    if kind == "pair":
        return rf"[{n} \in \{{{k % size}, {(k + 1) % size}\}}]"
    return "" if kind == "constant" else rf"\{kind[:3]}\tfrac{{{2 * k}\pi {n}}}{{{size}}}"


def _input(parts: Iterable[Document], names: str, sizes: list[int]) -> str:
    found = []
    for part in parts:
        profiles = [_profile(*each) for each in zip(part["profiles"], names, sizes, strict=True)]
        factors = [profile for profile in profiles if profile]
        amplitude = Fraction(part["amplitude"])
        lead = [number(abs(amplitude))] if abs(amplitude) != 1 or not factors else []
        found.append(("-" if amplitude < 0 else "+", r"\,".join([*lead, *factors])))
    text = "".join(f" {sign} {product_}" for sign, product_ in found)
    return "0" if not text else text[3:] if text[1] == "+" else "-" + text[3:]


def _parameter(occurrence: Occurrence, values: list[str], instance: Document, names: str, sizes: list[int]) -> str:
    """The values of a parameter: the one that it takes most often, and where it takes others."""
    name = typeset(occurrence, names)
    usual = max(dict.fromkeys(values), key=values.count)
    if len(set(values)) == 1:
        return f"${name} = {number(usual)}$"
    choices = []
    for letter, size, listed in zip(names, sizes, instance["cells"], strict=True):
        if letter in occurrence.axes:
            n = _index(letter)
            choices.append([f"{n} = {k}" for k in range(listed)] + ([rf"{n} \ge {listed}"] if size > listed else []))
    places = zip(product(*choices), values, strict=True)
    seldom = [f"${number(value)}$ at ${', '.join(place)}$" for place, value in places if value != usual]
    return f"${name}$ is {', '.join(seldom)}, else ${number(usual)}$"


def _displacement(displacement: Document, size: int) -> str:
    if "samples" in displacement:
        return f"$t = {number(displacement['samples'])}$"
    turned = rf"\tfrac{{2\pi t}}{{{size}}}"
    cosine, sine = number(displacement["cosine"]), number(displacement["sine"])
    return rf"$t$ with $\cos{turned} = {cosine}$ and $\sin{turned} = {sine}$"


def example_lines(example: Document, term: Term, names: str) -> Iterator[str]:
    """A counterexample as it stands in a certificate; the numbered term stands for the layer."""
    instance, sizes = example["instance"], example["sizes"]
    letters, indices = r" \times ".join(names), ",".join(map(_index, names))
    moving = instance["axis"]
    counts = r" \times ".join(map(str, sizes))
    eps = rf", with $\varepsilon = {number(instance['eps'])}$," if Epsilon() in walk(term) else ""
    yield f"On the grid ${letters} = {counts}${eps} take"
    entries = _input(instance["input"], names, sizes)
    yield rf"\[ x_{{{indices}}} = {entries}, \]"
    given = zip(occurrences(term), instance["parameters"], strict=True)
    said = [_parameter(each, values, instance, names, sizes) for each, values in given]
    if "[" in entries:
        said.insert(0, r"$[\cdot]$ is $1$ where the condition holds and $0$ elsewhere")
    if said:
        yield f"where {'; '.join(said)}."
    samples = "every sample" if instance["moves"] == "all" else "the first sample alone"
    by = _displacement(example["displacement"], sizes[names.index(moving)])
    yield rf"Let $T$ move {samples} along {moving} by {by}."
    yield rf"At $({indices}) = ({', '.join(map(str, instance['entry']))})$ the exact values lie in"
    yield r"\begin{align*}"
    for side, end, key in (("f(Tx)", r", \\", "moved_then_layer"), ("T f(x)", ".", "layer_then_moved")):
        yield rf"{side} &\in [{', '.join(example[key])}]{end}"
    yield r"\end{align*}"


def why(verdict: Verdict) -> str:
    """The reason of a verdict as a sentence of LaTeX; the term that it names is a formula."""
    names, sentence = verdict.claim.grid.layout.names, reason(verdict)
    sentence = sentence[:1].upper() + sentence[1:] + "."
    if isinstance(verdict, Proof):
        return sentence
    found = verdict.violation if isinstance(verdict, Counterexample) else verdict.derivation
    named = found.judgement.term
    before, _, after = sentence.partition(str(named))
    # What stands around the term is words and whole numbers.
    return f"{before}${typeset(named, names)}$" + re.sub(r"(?<!\w)-(?=\d)", "$-$", after)


def evidence_lines(verdict: Verdict) -> Iterator[str]:
    """The evidence of a verdict in LaTeX: derivations, or the sentence why and the counterexample."""
    names = verdict.claim.grid.layout.names
    if isinstance(verdict, Proof) and verdict.derivations:
        # Two axes that play the same part have the same derivation; it is shown once.
        alike: dict[tuple[str, ...], list[Derivation]] = {}
        for derivation in verdict.derivations:
            alike.setdefault(tuple(proof_lines(derivation, names)), []).append(derivation)
        for lines, found in alike.items():
            axes = ", and word for word along ".join(derivation.setting.moving.name for derivation in found)
            yield f"Proof along {axes} ({found[0].form} term):"
            yield r"\par\smallskip"
            yield from lines
        return
    yield why(verdict)
    if isinstance(verdict, Counterexample):
        derivation = verdict.derivation
        found_example = of_witness(derivation.given, verdict.witness, derivation.setting)
        if found_example is not None:  # else floats and long floats fail to tell the values apart cell by cell
            yield from example_lines(found_example.document, derivation.given, names)
