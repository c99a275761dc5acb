"""The manifest: for each block what was counted, the condition that was found, and a sum of its certificates.

The sum is the SHA-256 of the block's canonical certificates, one line each, in the order of the layers; whoever runs
the census anew can compare it without keeping the certificates.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from theory.decision.blocks import Block


@dataclass(frozen=True)
class Entry:
    """One block of the census; ``condition`` is that of all layers, ``paper_condition`` that of the paper's layers."""

    action: str
    scope: str
    axes: str
    grid: str
    domain: str
    layers: int
    equivariant: int
    condition: str
    paper_condition: str
    certificates: int
    accepted: int
    sha256: str

    def document(self) -> dict[str, Any]:
        """The entry as plain data."""
        return asdict(self)


def file_name(block: Block) -> str:
    """The name of the file of a block's certificates: ``translation-common-HW-even-nyquist-free.jsonl``."""
    action = block.action
    parts = (action.kind.value, action.scope.value, block.axes, str(block.size), str(block.domain))
    return "-".join(parts) + ".jsonl"
