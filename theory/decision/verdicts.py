"""Verdicts: Proof, Counterexample or an explicit Unknown; never a bare yes or no."""

from __future__ import annotations

from dataclasses import dataclass

from theory.calculus.defects import Violation
from theory.calculus.facts import Judgement
from theory.calculus.setting import Setting
from theory.calculus.witness import Witness
from theory.spec.claims import Claim
from theory.spec.terms import Term


@dataclass(frozen=True)
class Derivation:
    """One moving axis: the term as it was given and as it was rewritten, and the judgement of the latter.

    ``form`` is ``simplified`` or ``expanded``; both keep the value of the term on every array of the setting.
    """

    setting: Setting
    given: Term
    form: str
    judgement: Judgement

    @property
    def holds(self) -> bool:
        """True if the judgement says equivariant."""
        return self.judgement.facts.equivariant


@dataclass(frozen=True)
class Proof:
    """The claim holds: one typing derivation for each moving axis (none if nothing moves)."""

    claim: Claim
    derivations: tuple[Derivation, ...]
    name = "equivariant"


@dataclass(frozen=True)
class Counterexample:
    """The claim does not hold: a witness on a grid of the claim, the rule at fault and its frequencies.

    ``small`` is a witness of the same claim on the smallest grid of the same parities, where the claim's own grid is
    too large to print; it may be ``witness`` itself.
    """

    claim: Claim
    derivation: Derivation
    violation: Violation
    witness: Witness
    small: Witness | None
    name = "not_equivariant"


@dataclass(frozen=True)
class Unknown:
    """Neither a derivation nor a witness was found; ``derivation`` shows where the typing got stuck."""

    claim: Claim
    derivation: Derivation
    name = "unknown"


Verdict = Proof | Counterexample | Unknown
