"""Certificates: a verdict as a statement with evidence, in canonical JSON, for the kernel to check.

proof            typing derivations for all sizes of the claim
counterexample   on a family of grids: a pattern on every grid and an example on the smallest; an example that tiles
every grid; or an example on one grid. On one grid: an example, or a pattern where it is large.
"""

from __future__ import annotations

import json
from dataclasses import replace
from math import prod

from proofs.emit.refutations import by_candidates, of_witness, pattern, tiling
from proofs.emit.statements import FAILS, FAILS_EVERYWHERE, HOLDS, Document, fitted, statement
from proofs.emit.steps import derivation_steps
from proofs.kernel.checking import SCHEMA, VERSION
from proofs.kernel.checking import verdict as refusal
from proofs.kernel.reading import MOST_BITS
from proofs.kernel.statements import read_statement
from theory.decision.verdicts import Counterexample, Proof, Unknown, Verdict
from theory.spec.grids import Grid

LARGEST_EXAMPLE = 600
"""Beyond so many entries a refutation on one grid is a pattern, if there is one."""


def canonical(document: Document) -> str:
    """The canonical text of a certificate: one line, keys sorted, no blanks, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True) + "\n"


def assembled(stated: Document, evidence: Document) -> Document:
    """A certificate from its two halves."""
    return {"schema": SCHEMA, "version": VERSION, "statement": stated, "evidence": evidence}


def certificate(verdict: Verdict) -> Document | None:
    """The certificate of a verdict; ``None`` for an unknown, and where no evidence is small enough to be written."""
    claim = verdict.claim
    if isinstance(verdict, Unknown):
        return None
    if isinstance(verdict, Proof):
        derivations = [derivation_steps(derivation, claim.grid.layout) for derivation in verdict.derivations]
        return assembled(statement(claim, HOLDS), {"kind": "typing", "derivations": derivations})
    return _refuted(verdict)


def accepted_certificate(verdict: Verdict) -> Document | None:
    """The certificate of a verdict, its numbers in as many digits as the kernel needs to accept it."""
    found = certificate(verdict)
    while found is not None and (reason := refusal(canonical(found))) is not None:
        example = found["evidence"].get("example")
        if example is None or example["bits"] * 2 > MOST_BITS:
            raise ArithmeticError(f"the kernel rejects a certificate of {verdict.claim.term}: {reason}")
        example["bits"] *= 2
    return found


def _refuted(verdict: Counterexample) -> Document | None:
    claim = replace(verdict.claim, grid=Grid(verdict.claim.grid.layout, fitted(verdict.claim)))
    setting, term = verdict.derivation.setting, verdict.derivation.given
    one = all(size.exact for size in claim.grid.sizes)
    stated = statement(claim, FAILS if one else FAILS_EVERYWHERE)
    if not one or prod(size.least for size in claim.grid.sizes) > LARGEST_EXAMPLE:
        evidence = pattern(term, setting, read_statement(stated)) or tiling(term, claim, setting.moving.name)
        if evidence is not None:
            return assembled(stated, evidence)
    found = by_candidates(term, setting, claim.eps) if one else None
    found = found or of_witness(term, verdict.witness, setting)
    if found is None:
        return None
    return assembled(statement(claim, FAILS), {"kind": "counterexample", "example": found.document})
