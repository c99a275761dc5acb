"""The certificates behind Table 1: one file for each verdict that a class rests on, and what the kernel says of them.

A file is named by its question, ``LayerNorm-C-translation-common-even.json``, and holds one certificate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from equinorm.deciding import Decision
from equinorm.report.classes import Classified
from equinorm.report.table import Mark
from proofs.emit.certificates import accepted_certificate, canonical
from proofs.kernel.checking import verdict as refusal

FOLDER = "certificates"
"""The folder in a report that holds them and nothing else."""


@dataclass(frozen=True)
class Certified:
    """The certificate of one decision: the cell it stands in, what was decided, the file, and its text."""

    anchor: str
    action: str
    verdict: str
    file: str
    text: str

    @property
    def mark(self) -> Mark:
        """The link beside the class: S for shifts, T for translations."""
        negation = "not " if self.verdict == "not_equivariant" else ""
        return Mark(self.action[:1].upper(), self.file, f"certificate: {negation}equivariant to {self.action}s")


def certify(classified: Iterable[Classified]) -> tuple[Certified, ...]:
    """The certificates of all decisions behind the cells; none for a verdict that cannot be certified.

    Raises:
        ArithmeticError: the kernel rejects a certificate, in however many digits.
    """
    found = (_certified(one, decision) for one in classified for decision in one.decisions)
    return tuple(one for one in found if one is not None)


def _certified(one: Classified, decision: Decision) -> Certified | None:
    _, verdict = decision.deciding
    document = accepted_certificate(verdict)
    if document is None:
        return None
    action = decision.words.action
    name = f"{one.layer}-{action}-{one.scope.value}-{one.arrays.key}.json"
    return Certified(one.anchor, action, decision.verdict, f"{FOLDER}/{name}", canonical(document))


def marks(certified: Iterable[Certified]) -> dict[str, tuple[Mark, ...]]:
    """The links beside each class, by the anchor of its cell."""
    found: dict[str, tuple[Mark, ...]] = {}
    for one in certified:
        found[one.anchor] = (*found.get(one.anchor, ()), one.mark)
    return found


def write_checked(certified: Iterable[Certified], folder: Path) -> int:
    """Write the certificates into the report at ``folder``, and let the kernel read each file back.

    Returns:
        How many it accepts, which is all of them.

    Raises:
        ArithmeticError: it rejects one; a report must not link to that.
    """
    (folder / FOLDER).mkdir()
    accepted = 0
    for one in certified:
        path = folder / one.file
        path.write_text(one.text, encoding="ascii", newline="\n")
        reason = refusal(path.read_text(encoding="utf-8"))
        if reason is not None:
            raise ArithmeticError(f"{one.file}: the kernel rejects this certificate: {reason}")
        accepted += 1
    return accepted
