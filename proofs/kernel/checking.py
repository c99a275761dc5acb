"""A certificate: schema, version, statement, evidence; and which evidence proves which claim."""

from collections.abc import Callable
from typing import Any

from proofs.kernel.counterexamples import check_counterexample, check_tiling
from proofs.kernel.derivations import check_typing
from proofs.kernel.patterns import check_pattern
from proofs.kernel.reading import integer, read_json, take, word
from proofs.kernel.rejection import TOO_LARGE, Rejected, require
from proofs.kernel.statements import Statement, read_statement

SCHEMA, VERSION = "equinorm certificate", 1

EVIDENCE: dict[str, tuple[Callable[[Any, Statement], None], tuple[str, ...]]] = {
    "typing": (check_typing, ("equivariant",)),
    "counterexample": (check_counterexample, ("not equivariant",)),
    "tiling": (check_tiling, ("not equivariant", "nowhere equivariant")),
    "pattern": (check_pattern, ("not equivariant", "nowhere equivariant")),
}
"""For each kind of evidence its checker and the claims that it can prove."""


def check(text: str) -> Statement:
    """The statement that a certificate proves. Raises Rejected."""
    try:
        return _checked(read_json(text))
    except (MemoryError, SystemError):  # the latter where Python itself loses the former
        reason = TOO_LARGE
    except RecursionError:
        reason = "nested too deeply"
    raise Rejected(reason)  # not above, where the exception still holds all that memory


def _checked(document: Any) -> Statement:
    schema, version, statement, evidence = take(document, "schema version statement evidence")
    word(schema, SCHEMA)
    integer(version, VERSION, VERSION)
    found = read_statement(statement)
    kind = evidence.get("kind") if isinstance(evidence, dict) else None
    checker, claims = EVIDENCE[word(kind, *EVIDENCE)]
    require(found.claim in claims, f"{kind} is no evidence for {found.claim!r}")
    checker(evidence, found)
    return found


def verdict(text: str) -> str | None:
    """``None`` if a certificate proves its statement, else the reason why not."""
    try:
        check(text)
    except Rejected as reason:
        return str(reason)
    return None
