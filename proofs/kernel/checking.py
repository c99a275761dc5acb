"""A certificate: schema, version, statement, evidence; and which evidence proves which claim."""

from collections.abc import Callable
from typing import Any

from proofs.kernel.counterexamples import check_counterexample, check_tiling
from proofs.kernel.derivations import check_typing
from proofs.kernel.patterns import check_pattern
from proofs.kernel.reading import TOO_LARGE, Rejected, integer, read_json, require, take, word
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
    """The statement that a certificate proves. Raises Rejected, and the errors of what is too large or too deep."""
    schema, version, statement, evidence = take(read_json(text), "schema version statement evidence")
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
    except (MemoryError, SystemError):  # the latter where Python itself loses the former
        return TOO_LARGE
    except RecursionError:
        return "nested too deeply"
    return None
