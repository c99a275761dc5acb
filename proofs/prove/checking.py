"""The cross-check of a certificate of the kind "typing": z3 on each claim of each step, and on the layer itself.

z3 is asked for arrays, a T and bands that obey the axioms and not the claim. If there are none (``unsat``) the claim is
proved, from axioms that z3 names. If there are (``sat``) the axioms do not prove the claim, which may be true still.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

from proofs.kernel.normal_forms import equal
from proofs.kernel.reading import items, require, take, word
from proofs.kernel.statements import ONE, Axis, Statement, read_statement
from proofs.kernel.terms import Term
from proofs.prove.arrays import flat
from proofs.prove.axioms import Formula, Instance, Motion, instances, samples
from proofs.prove.problems import problem
from proofs.prove.steps import Step, equivariant, read_steps

MILLISECONDS = 5_000
"""The time that z3 has for one claim; then it says ``unknown``."""


@dataclass(frozen=True)
class Answer:
    """A claim, what z3 said to its negation, and the names of axioms that prove it."""

    claim: str
    said: str
    axioms: tuple[str, ...]

    @property
    def proved(self) -> bool:
        """True if z3 found no way around the claim."""
        return self.said == "unsat"


@dataclass(frozen=True)
class StepCheck:
    """One step of a derivation: its place, its rule, and the answers to its claims."""

    place: int
    rule: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class AxisCheck:
    """One moving axis: the steps, and the goal for the layer as it is ``stated`` and as its derivation ends."""

    axis: str
    steps: tuple[StepCheck, ...]
    stated: Answer
    derived: Answer

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers to all claims of the derivation."""
        return (*(answer for step in self.steps for answer in step.answers), self.derived)

    @property
    def proved(self) -> bool:
        """True if the layer is equivariant along this axis and every claim on the way is true."""
        return all(answer.proved for answer in self.answers)


@dataclass(frozen=True)
class CrossCheck:
    """The axes of a certificate in turn."""

    axes: tuple[AxisCheck, ...]

    @property
    def proved(self) -> bool:
        """True if z3 proves all claims along all axes."""
        return all(axis.proved for axis in self.axes)

    @cached_property
    def axioms(self) -> tuple[str, ...]:
        """The axioms that the layer's equivariance needs, over all axes."""
        return tuple(sorted({name for axis in self.axes for name in axis.derived.axioms}))

    def __str__(self) -> str:
        if self.proved:
            return f"proved from {', '.join(self.axioms) or 'nothing, since nothing moves'}"
        axis = next(axis for axis in self.axes if not axis.proved)
        answer = next(answer for answer in axis.answers if not answer.proved)
        place = next((f"step {step.place}, {step.rule}" for step in axis.steps if answer in step.answers), "the layer")
        return f"not proved: along {axis.axis}, {place}: {answer.claim}: {answer.said}"


def cross_check(certificate: Mapping[str, Any]) -> CrossCheck:
    """Ask z3 about every claim of a typing certificate.

    Raises:
        Rejected: the certificate is malformed, of another kind, or its last step is about another term.
        ModuleNotFoundError: z3 is not installed.
    """
    z3 = load_z3()
    data, evidence = take(certificate, "schema version statement evidence")[2:]
    statement = read_statement(data)
    kind, derivations = take(evidence, "kind derivations")
    word(kind, "typing")
    word(statement.claim, "equivariant")
    moving, found = _moving(statement), []
    for axis, derivation in zip(moving, items(derivations, 26, len(moving)), strict=True):
        name, steps = take(derivation, "axis steps")
        word(name, axis.name)
        found.append(_cross_check_axis(Motion(statement, axis), read_steps(steps, statement), z3))
    return CrossCheck(tuple(found))


def cross_check_layer(statement: Mapping[str, Any]) -> tuple[Answer, ...]:
    """Ask z3 whether the layer of a statement is equivariant along each moving axis, without a derivation.

    What is claimed of the layer is not looked at. Raises as :func:`cross_check`.
    """
    z3, found = load_z3(), read_statement(statement)
    layer, goals = flat(found.term, found), {"stated": equivariant(flat(found.term, found))}
    motions = [Motion(found, axis) for axis in _moving(found)]
    return tuple(answer for motion in motions for _, answer in _answers(axioms_about([layer], motion), goals, z3))


def axioms_about(terms: list[Term], motion: Motion) -> list[Instance]:
    """The axioms about some flat terms, each instance once."""
    return list(dict.fromkeys([*samples(motion), *(axiom for term in terms for axiom in instances(term, motion))]))


def _moving(statement: Statement) -> list[Axis]:
    return [axis for axis in statement.axes if axis.moves and axis.size != ONE]


def _cross_check_axis(motion: Motion, steps: list[Step], z3: ModuleType) -> AxisCheck:
    statement, name = motion.statement, motion.moving.name
    known = equal(steps[-1].term, statement.term, statement)
    require(known, f"along {name}, the last step is about another term")
    layer = flat(statement.term, statement)
    goals = {f"step{i}.{claim}": formula for i, step in enumerate(steps) for claim, formula in step.claims.items()}
    goals |= {"stated": equivariant(layer), "derived": equivariant(steps[-1].array)}
    answers = dict(_answers(axioms_about([layer, *(step.array for step in steps)], motion), goals, z3))
    checked = [
        StepCheck(i, step.rule, tuple(answers[f"step{i}.{claim}"] for claim in step.claims))
        for i, step in enumerate(steps)
    ]
    return AxisCheck(name, tuple(checked), answers["stated"], answers["derived"])


def _answers(axioms: list[Instance], goals: dict[str, Formula], z3: ModuleType) -> Iterator[tuple[str, Answer]]:
    """What z3 says to the negation of each goal."""
    solver = z3.SolverFor("QF_UFLIA")
    solver.set("timeout", MILLISECONDS)
    solver.set("core.minimize", True)
    solver.from_string(problem([formula for _, formula in axioms], {f"|{name}|": goals[name] for name in goals}))
    switches = {f"axiom{number}": name for number, (name, _) in enumerate(axioms)}
    on = [z3.Bool(switch) for switch in switches]
    if str(solver.check(*on)) != "sat":
        # From axioms that contradict each other everything would follow.
        raise ArithmeticError("the axioms about T contradict each other")
    for name in goals:
        said = str(solver.check(*on, z3.Bool(name)))
        core = map(str, solver.unsat_core()) if said == "unsat" else ()
        used = sorted({switches[switch] for switch in core if switch in switches})
        yield name, Answer(name.partition(".")[2] or "equivariant", said, tuple(used))


def load_z3() -> ModuleType:
    """The module z3. Raises ModuleNotFoundError, naming the extra that brings it."""
    try:
        return import_module("z3")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("z3=absent: expected the extra 'prove': pip install 'equinorm[prove]'") from error
