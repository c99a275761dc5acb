"""The answer, part by part: what was found, the number that says so, and what fits as well."""

from __future__ import annotations

from dataclasses import dataclass, field

from numerics.identification.formula import Formula


@dataclass(frozen=True)
class Finding:
    """One part: its value, the evidence (a number that was measured and what it was compared with), and what else fits.

    ``alternatives`` fit equally well on the arrays that were tried.
    """

    part: str
    value: str
    evidence: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """The formula against the function on fresh arrays: the largest relative error in units of its bound, and both."""

    error: float
    bound: float
    arrays: int

    @property
    def holds(self) -> bool:
        """True when rounding explains the difference."""
        return self.error <= self.bound


@dataclass(frozen=True)
class Identification:
    """What a function is.

    ``formula`` is None where it could not be told; ``misfit`` then says what does not fit. ``untold`` is what the
    arrays cannot tell, whatever the answer.
    """

    shape: tuple[int, ...]
    unit: float
    calls: int
    formula: Formula | None
    findings: tuple[Finding, ...]
    untold: tuple[str, ...] = ()
    misfit: str | None = None
    check: Check | None = None

    @property
    def identified(self) -> bool:
        """True when a formula was found that predicts the function on fresh arrays."""
        return self.formula is not None and self.check is not None and self.check.holds


class MisfitError(Exception):
    """The function is none of those that can be told; the reason in words, and what was found until then."""

    def __init__(self, reason: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(reason)
        self.reason, self.findings = reason, findings


@dataclass
class Notes:
    """What is collected on the way."""

    findings: list[Finding] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)

    def add(self, part: str, value: str, evidence: str, alternatives: tuple[str, ...] = ()) -> None:
        """Write a finding down."""
        self.findings.append(Finding(part, value, evidence, alternatives))

    def rename(self, old: str, part: str, value: str) -> None:
        """Put one finding in the place of two parts, with the evidence of both."""
        evidence = "; ".join(dict.fromkeys(each.evidence for each in self.findings if each.part in (old, part)))
        kept = [each for each in self.findings if each.part not in (old, part)]
        self.findings = [*kept, Finding(part, value, evidence)]

    def misfit(self, reason: str) -> MisfitError:
        """The error that carries the findings so far."""
        return MisfitError(reason, tuple(self.findings))
