"""Evidence in LaTeX: formulas that can be read back, arrays and enclosures that are those of a certificate."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import cos, isclose, pi, sin
from typing import Any

import pytest
from hypothesis import example, given, settings

from equinorm.strategies import claims, grids, terms
from proofs.emit.certificates import assembled, canonical, certificate
from proofs.emit.document import derivation_document
from proofs.emit.latex import ROWS, evidence_lines, example_lines, proof_lines
from proofs.emit.numbers import input_entries
from proofs.emit.refutations import of_witness
from proofs.emit.statements import FAILS, statement
from proofs.emit.typesetting import definition, typeset
from proofs.kernel.checking import verdict as refusal
from proofs.kernel.reading import MOST_BITS
from tests.theory.sampling import telling
from theory.calculus.simplify import numbered
from theory.calculus.trials import occurrences
from theory.decision.decide import decide
from theory.decision.reasons import reason
from theory.decision.verdicts import Counterexample, Proof
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW
from theory.spec.claims import Claim
from theory.spec.grids import ALL, EVEN, NYQUIST_FREE, Domain, Grid, Size, band
from theory.spec.syntax import parse
from theory.spec.terms import (
    EPS,
    Constant,
    InverseRoot,
    Mean,
    Parameter,
    Term,
    X,
    add,
    multiply,
    negate,
    power,
)

TOKEN = re.compile(
    r"\s*(?:\\(?:[bB]igg?[lr])?(?=[()\\])|\\,)*\s*(\\rangle_\{[^}]*\}?\}|\\langle|\\varepsilon|\\tfrac\{\d+\}\{\d+\}"
    r"|\\gamma_\{(?:\\mathrm\{\w+\}|\\varnothing)\}|\^\{-1/2\}|\^\{\d+\}|\d+|[x()+-])"
)


class Reader:
    """Reads a formula back, juxtaposed factors binding tighter than signs and powers tighter still."""

    def __init__(self, text: str) -> None:
        self.tokens, place = [], 0
        while match := TOKEN.match(text, place):
            self.tokens.append(match[1])
            place = match.end()
        assert text[place:].strip() == "", text[place:]
        self.place = 0

    @property
    def token(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.token
        self.place += 1
        return token

    def sum(self) -> Term:
        found = []
        while not found or self.token in ("+", "-"):
            sign = self.take() if self.token in ("+", "-") else "+"
            found.append(self.product() if sign == "+" else negate(self.product()))
        return add(*found)

    def product(self) -> Term:
        found = [self.factor()]
        while self.token and self.token not in ("+", "-", ")") and not self.token.startswith(r"\rangle"):
            found.append(self.factor())
        return multiply(*found)

    def factor(self) -> Term:
        found = self.atom()
        # A power of a power has brackets, or it could not be typeset.
        if self.token == "^{-1/2}":
            self.take()
            return InverseRoot(found)
        return power(found, int(self.take()[2:-1])) if self.token.startswith("^") else found

    def atom(self) -> Term:
        token = self.take()
        if token in ("x", r"\varepsilon"):
            return X if token == "x" else EPS
        if token == "(":
            found = self.sum()
            assert self.take() == ")"
            return found
        if token == r"\langle":
            found = self.sum()
            return Mean(found, axes(self.take()))
        if token.startswith(r"\gamma"):
            return Parameter(axes(token))
        numbers = [int(number) for number in re.findall(r"\d+", token)]
        assert numbers, token
        return Constant(Fraction(*numbers))


def axes(token: str) -> frozenset[str]:
    return frozenset("".join(re.findall(r"\\mathrm\{(\w+)\}", token)))


@settings(max_examples=300)
@given(terms())
@example(parse("-x*rsqrt((x - 1)^2 + eps)^3 - 1/2*mean(mean(x^2, empty) + par(empty), HW)^2"))
@example(parse("rsqrt(rsqrt(x^2 + 1)) * (par(B) - mean(x, C)) * (-3)"))
def test_a_formula_is_read_back_as_its_term(term: Term) -> None:
    reader = Reader(typeset(term, "BCHW"))
    assert reader.sum() == term
    assert reader.token == ""


def test_parameters_are_numbered_and_their_axes_named() -> None:
    term = parse("par(C)*x + mean(par(HW), W) + par(empty)")
    text = definition(term, "BCHW")
    assert typeset(numbered(term), "BCHW") in text
    said = [r"$\gamma_{1}$ over $\mathrm{C}$", r"$\gamma_{2}$ over $\mathrm{HW}$", r"$\gamma_{3}$ over $\varnothing$"]
    assert " and ".join(said) in text
    assert r"\langle\cdot\rangle" in text
    assert definition(parse("x"), "BCHW") == "$f(x) = x$"


def check_proof(verdict: Proof) -> None:
    """A row for each step, with its term, its fact and its rule, resting on rows above."""
    names = verdict.claim.grid.layout.names
    shown = "\n".join(evidence_lines(verdict))
    for derivation in verdict.derivations:
        lines = list(proof_lines(derivation, names))
        assert "\n".join(lines) in shown
        rows = [line for line in lines if line.startswith("(")]
        steps = derivation_document(derivation, verdict.claim.grid.layout)["steps"]
        assert len(rows) == len(steps)
        assert lines.count(r"\end{tabular}\par") == -(-len(rows) // ROWS)
        for number, (row, step) in enumerate(zip(rows, steps, strict=True), start=1):
            first, _, fact, rule = row.removesuffix(r" \tabularnewline").split(" & ")
            assert first == f"({number})"
            assert re.sub(r"[${}]", "", fact) == rf"\raggedright {step['facts']}"
            premises = list(dict.fromkeys(premise + 1 for premise in step["premises"]))
            head = rule.removeprefix(r"\raggedright ").partition(";")[0]
            of = ", ".join(f"({premise})" for premise in premises)
            assert head == step["rule"] + (f" of {of}" if of else "")
            assert all(premise < number for premise in premises)
            assert rule.count(";") == len(set(step["conditions"]))


def array(formula: str, names: str, sizes: tuple[int, ...]) -> list[float]:
    """The entries that the formula of an input describes, in row-major order."""
    text = formula.replace(r"\,", " * ").replace(r"\pi", " * pi * ")
    text = re.sub(r"\\(cos|sin)\\tfrac\{(.*?)\}\{(\d+)\}", r"\1((\2) / \3)", text)
    text = re.sub(r"\\tfrac\{(\d+)\}\{(\d+)\}", r"(\1 / \2)", text)
    text = re.sub(r"\[(\w) \\in \\\{(\d+), (\d+)\\\}\]", r"(\1 in (\2, \3))", text)
    text = re.sub(r"\[(\w) = (\d+)\]", r"(\1 == \2)", text)
    functions: dict[str, Any] = {"cos": cos, "sin": sin, "pi": pi, "__builtins__": {}}
    cells = product(*map(range, sizes))
    return [float(eval(text, functions, dict(zip(names.lower(), cell, strict=True)))) for cell in cells]


def check_parameters(lines: str, term: Term, document: dict[str, Any], names: str) -> None:
    """Every cell of every parameter has the value that the sentence about the parameter gives it."""
    instance = document["instance"]
    for occurrence, values in zip(occurrences(term), instance["parameters"], strict=True):
        (said,) = re.findall(rf"\\gamma_\{{{occurrence.index + 1}\}}(.*?)(?:; |\.$)", lines, flags=re.M)
        said = re.sub(r"\\tfrac\{(\d+)\}\{(\d+)\}", r"\1/\2", said)
        exceptions = re.findall(r"\$(-?[\d/]+)\$ at \$(.*?)\$", said)
        usual = re.findall(r"(?: =|else \$) ?(-?[\d/]+)\$", said)[-1]
        own = [name for name in names if name in occurrence.axes]
        sizes = dict(zip(names, document["sizes"], strict=True))
        listed = dict(zip(names, instance["cells"], strict=True))
        cells = list(product(*(range(min(sizes[name], listed[name] + 1)) for name in own)))
        assert len(values) in (1, len(cells))
        for cell, value in zip(cells, values if len(values) > 1 else values * len(cells), strict=True):
            here = {
                f"{name.lower()} = {k}" if k < listed[name] else rf"{name.lower()} \ge {k}"
                for name, k in zip(own, cell, strict=True)
            }
            found = [other for other, place in exceptions if set(place.split(", ")) == here]
            assert found == ([value] if value != usual else []), (said, cell, value)


def check_counterexample(verdict: Counterexample) -> bool:
    """The formulas describe an example that the kernel accepts; false where none is written."""
    claim, layout = verdict.claim, verdict.claim.grid.layout
    found = of_witness(verdict.derivation.given, verdict.witness, verdict.derivation.setting)
    if found is None:
        return False
    shown = "\n".join(evidence_lines(verdict))
    lines = "\n".join(example_lines(found.document, verdict.derivation.given, layout.names))
    assert shown.endswith(lines)
    for key in ("moved_then_layer", "layer_then_moved"):
        assert f"[{', '.join(found.document[key])}]" in lines
    (formula,) = re.findall(r"\\\[ x_\{.*?\} = (.*), \\\]", lines)
    if len(input_entries(found.witness).entries) <= 4096:
        expected = [float(Fraction(entry)) for entry in input_entries(found.witness).entries]
        got = array(formula, layout.names, found.witness.sizes)
        assert all(isclose(a, b, abs_tol=1e-12) for a, b in zip(got, expected, strict=True))
    check_parameters(lines, verdict.derivation.given, found.document, layout.names)
    one = replace(claim, grid=Grid(layout, tuple(map(Size, found.document["sizes"]))))
    document, rejected = dict(found.document), None
    while document["bits"] <= MOST_BITS:
        evidence = {"kind": "counterexample", "example": document}
        rejected = refusal(canonical(assembled(statement(one, FAILS), evidence)))
        if rejected is None:
            break
        document["bits"] *= 2
    assert rejected is None
    return True


def test_evidence_of_random_claims() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=120)
    @given(claims(on=grids(largest=6)))
    def each(claim: Claim) -> None:
        verdict = decide(claim)
        if isinstance(verdict, Proof) and verdict.derivations:
            check_proof(verdict)
            seen["proof"] += telling(claim.term)
        elif isinstance(verdict, Counterexample):
            seen["counterexample" if check_counterexample(verdict) else "not written"] += telling(claim.term)
            seen["varied"] += bool(verdict.witness.trial.variation)

    each()
    assert min(seen["proof"], seen["counterexample"]) >= 10, seen
    assert seen["varied"] >= 3, seen
    assert seen["not written"] == 0


@pytest.mark.parametrize(
    ("text", "domain", "scope", "profile"),
    [
        ("mean(x^4, H) - x", NYQUIST_FREE, Scope.PER_SAMPLE, r"[h \in \{0, 1\}]"),
        ("x*rsqrt(x^2 + eps) - 1/2", band(2), Scope.COMMON, r"\cos\tfrac{4\pi h}{8}"),
        ("mean(x, B)*par(BC)", ALL, Scope.PER_SAMPLE, "[h = 0]"),
    ],
)
def test_every_kind_of_profile(text: str, domain: Domain, scope: Scope, profile: str) -> None:
    action = Action(ActionKind.TRANSLATION, frozenset("HW"), scope)
    verdict = decide(Claim(parse(text), action, Grid(BCHW, tuple(map(Size, (2, 2, 8, 6)))), domain))
    assert isinstance(verdict, Counterexample)
    assert check_counterexample(verdict)
    assert profile in "\n".join(evidence_lines(verdict))


def test_a_displacement_may_be_given_by_its_phase() -> None:
    action = Action(ActionKind.TRANSLATION, frozenset("HW"), Scope.COMMON)
    verdict = decide(
        Claim(parse("x*rsqrt(mean(x^2, HW) + eps)"), action, Grid(BCHW, (Size(2, 1), Size(2, 1), *[EVEN] * 2)))
    )
    assert isinstance(verdict, Counterexample)
    found = certificate(verdict)
    assert found is not None
    assert found["evidence"]["example"]["displacement"] == {"cosine": "3/5", "sine": "4/5"}
    text = "\n".join(example_lines(found["evidence"]["example"], verdict.derivation.given, "BCHW"))
    assert r"by $t$ with $\cos\tfrac{2\pi t}{4} = \tfrac{3}{5}$ and $\sin\tfrac{2\pi t}{4} = \tfrac{4}{5}$." in text
    assert r"with $\varepsilon = 1$, take" in text


@pytest.mark.parametrize("grid", [(1, 1, 3, 3), (2, 2, 4, 5)])
def test_the_sentence_names_the_term_as_a_formula(grid: tuple[int, ...]) -> None:
    term = parse("x*rsqrt(x^2 + eps)")
    action = Action(ActionKind.TRANSLATION, frozenset("W"), Scope.COMMON)
    verdict = decide(Claim(term, action, Grid(BCHW, tuple(map(Size, grid)))))
    text = "\n".join(evidence_lines(verdict))
    assert "rsqrt" in reason(verdict)
    assert "rsqrt" not in text
    assert r"Along W, $(x^{2} + \varepsilon)^{-1/2}$ acts on each sample by itself" in text
