"""The certificates of whole blocks: one line for each layer, in the order of the layers.

Blocks of one action, scope and family of grids ask the same of an axis wherever the other axes are restricted alike, so
they are certified together and share what was found; each certificate is complete all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from proofs.emit.certificates import assembled, canonical, certificate
from proofs.emit.refutations import pattern
from proofs.emit.statements import FAILS_EVERYWHERE, HOLDS, Document, statement
from proofs.emit.steps import derivation_steps
from proofs.kernel.statements import read_statement
from theory.calculus.compile import compile_term
from theory.calculus.setting import Setting, settings
from theory.calculus.simplify import at_one, numbered
from theory.calculus.trials import occurrences
from theory.decision.blocks import Block, all_layers
from theory.decision.decide import decide, derive
from theory.decision.verdicts import Unknown
from theory.spec.axes import Layout
from theory.spec.claims import Claim
from theory.spec.terms import Term


class Undecided(ArithmeticError):
    """A layer that is neither proved nor refuted on every grid; the census has a hole."""


@dataclass
class _Found:
    """What is known of one layer along an axis: its derivation as steps, or its refutation."""

    steps: Document | None = None
    refutation: Document | None = None


@dataclass
class Certifier:
    """Certifies layers, and remembers what it found along an axis.

    A layer whose parameters are constant along the axis is refuted by what refutes it with all of them at 1; so the 17
    affine steps share their refutations.
    """

    known: dict[tuple[Term, Setting], _Found] = field(default_factory=dict)
    plain: dict[tuple[Term, Setting], Document | None] = field(default_factory=dict)

    def certificate(self, term: Term, claim: Claim, along: tuple[Setting, ...]) -> tuple[bool, Document]:
        """Whether the claim holds for a numbered term, and the certificate of that; ``along`` are the claim's settings.

        Raises:
            Undecided: there is no verdict, or the claim holds on some grids of its family and not on others.
        """
        proved = []
        stated = statement(claim, FAILS_EVERYWHERE)
        for setting in along:
            found = self.known.get((term, setting))
            if found is None:
                found = self.known[term, setting] = self._along(term, setting, claim)
            if found.refutation is not None:
                return False, assembled(stated, found.refutation)
            if found.steps is None:
                return _searched(claim)
            proved.append(found.steps)
        return True, assembled({**stated, "claim": HOLDS}, {"kind": "typing", "derivations": proved})

    def _along(self, term: Term, setting: Setting, claim: Claim) -> _Found:
        """The cheap questions: is there a pattern with the parameters at 1; does the term type; is there a pattern."""
        plain = at_one(term, setting.moving.name)
        if not occurrences(plain):
            if (plain, setting) not in self.plain:
                self.plain[plain, setting] = _refuted(plain, setting, claim)
            refutation = self.plain[plain, setting]
            if refutation is not None:
                return _Found(refutation=_with_ones(refutation, len(occurrences(term))))
        derivation = derive(term, setting)
        if derivation.holds:
            return _Found(steps=derivation_steps(derivation, claim.grid.layout))
        return _Found(refutation=_refuted(term, setting, claim))


def _refuted(term: Term, setting: Setting, claim: Claim) -> Document | None:
    """The pattern that refutes a term along an axis, if it does not type and one is found."""
    if derive(term, setting).holds:
        return None
    return pattern(term, setting, read_statement(statement(replace(claim, term=term), FAILS_EVERYWHERE)))


def _with_ones(refutation: Document, count: int) -> Document:
    """A refutation of a term without parameters as one of a term with so many, all 1."""
    ones = {"parameters": [["1"]] * count}
    found, example = refutation["pattern"], refutation["example"]
    return {
        **refutation,
        "pattern": {**found, "instance": {**found["instance"], **ones}},
        "example": {**example, "instance": {**example["instance"], **ones}},
    }


def _searched(claim: Claim) -> tuple[bool, Document]:
    """The certificate by the whole search."""
    verdict = decide(claim)
    found = certificate(verdict)
    if isinstance(verdict, Unknown) or found is None:
        raise Undecided(f"{claim.term}: no verdict, or none that can be written")
    claimed = found["statement"]["claim"]
    if claimed not in (HOLDS, FAILS_EVERYWHERE):
        raise Undecided(f"{claim.term}: refuted on one grid, and not on every grid of the family")
    return claimed == HOLDS, found


def certified(blocks: tuple[Block, ...]) -> Iterator[tuple[Block, Iterator[tuple[bool, str]]]]:
    """For each block, for each layer, whether it is equivariant and the text of its certificate."""
    certifier = Certifier()
    for block in blocks:
        yield block, _lines(block, certifier)


def _lines(block: Block, certifier: Certifier) -> Iterator[tuple[bool, str]]:
    along = settings(block.claim)
    for plain, term in _terms(block.layout):
        verdict, document = certifier.certificate(term, replace(block.claim, term=plain), along)
        yield verdict, canonical(document)


@lru_cache(maxsize=4)
def _terms(layout: Layout) -> tuple[tuple[Term, Term], ...]:
    """The terms of all layers, plain and numbered; one object each, so that what is remembered is found quickly."""
    plain = [compile_term(layer) for layer in all_layers(layout)]
    return tuple(zip(plain, map(numbered, plain), strict=True))
