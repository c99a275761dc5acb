"""The manifest: for each block what was counted, the condition that was found, and a sum of its certificates.

The sum is the SHA-256 of the block's canonical certificates, one line each, in the order of the layers; whoever runs
the census anew can compare it without keeping the certificates. ``manifest.json`` beside this file is that of the whole
census, and the folder ``certificates`` holds the lines of the five layers of the paper. Both are written from a census:

    equinorm census --out DIR           decides, certifies and checks; DIR/manifest.json must be the same bytes
    python -m proofs.census DIR         copies DIR/manifest.json and the paper's lines here
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from theory.decision.blocks import Block

SCHEMA, VERSION = "equinorm census", 1

MANIFEST = "manifest.json"

COMMITTED = Path(__file__).parent / MANIFEST
"""The manifest of the whole census."""


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

    @property
    def key(self) -> tuple[str, ...]:
        """What was asked: see :func:`key_of`."""
        return self.action, self.scope, self.axes, self.grid, self.domain


def key_of(block: Block) -> tuple[str, ...]:
    """Action, scope, moving axes, grids and arrays of a block in words."""
    action = block.action
    return action.kind.value, action.scope.value, block.axes, str(block.size), str(block.domain)


def file_name(block: Block) -> str:
    """The name of the file of a block's certificates: ``translation-common-HW-even-nyquist-free.jsonl``."""
    return "-".join(key_of(block)) + ".jsonl"


def spelled(entries: Iterable[Entry]) -> str:
    """The canonical text of a manifest: keys sorted, one to a line so that differences can be read, in UTF-8."""
    document = {"schema": SCHEMA, "version": VERSION, "blocks": [entry.document() for entry in entries]}
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def read(path: Path = COMMITTED) -> tuple[Entry, ...]:
    """The entries of a manifest, in the order of the blocks; inverse of :func:`spelled`.

    Raises:
        ValueError: the file is no manifest of this version.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if (document.get("schema"), document.get("version")) != (SCHEMA, VERSION):
        raise ValueError(f"{path}: expected a manifest of version {VERSION}")
    return tuple(Entry(**entry) for entry in document["blocks"])
