"""The verb ``census``: every layer decided, certified and checked; for each block its counts and its condition."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from equinorm.checks import check_choice
from equinorm.files import replacing_folder
from equinorm.progress import Listener, Progress
from proofs.census.manifest import MANIFEST, Entry, spelled
from proofs.census.run import AXES, run


@dataclass(frozen=True)
class Census:
    """The blocks that were counted, and the folder of their certificates, if they were kept."""

    entries: tuple[Entry, ...]
    out: Path | None

    @property
    def certificates(self) -> int:
        """The number of certificates, all of them accepted."""
        return sum(entry.accepted for entry in self.entries)

    def document(self) -> dict[str, Any]:
        """The census as plain data."""
        import equinorm

        return {"blocks": [entry.document() for entry in self.entries], "version": equinorm.__version__}

    def text(self) -> str:
        """The census for a terminal: a theorem for each block, over all layers and over those of the paper."""
        lines = []
        for entry in self.entries:
            arrays = {"all": "all real arrays", "nyquist-free": "Nyquist-free arrays"}[entry.domain]
            lines += [
                f"{entry.action}s of {' and '.join(entry.axes)}, {entry.scope}, {entry.grid} grids, {arrays}:",
                f"  equivariant iff {entry.condition}   [{entry.equivariant} of {entry.layers} layers]",
                f"  with all three steps and a non-empty centring, iff {entry.paper_condition}",
                f"  certificates: {entry.accepted} of {entry.certificates} accepted, sha256 {entry.sha256[:16]}…",
            ]
        total = sum(entry.certificates for entry in self.entries)
        lines.append(f"{len(self.entries)} blocks, {total} statements, none undecided, {self.certificates} accepted")
        return "\n".join(lines)


def census(axes: str | None = None, out: str | Path | None = None, progress: Listener | None = None) -> Census:
    """Decide, certify and check every layer over (B, C, H, W).

    Args:
        axes: the axes that move, ``H``, ``W`` or ``HW``; all three cases if left out.
        out: a folder for the certificates (1.4 kB each) and the manifest, which is the committed one
            (``proofs/census/manifest.json``) byte for byte if all axes are asked; nothing is kept if left out.
        progress: told how far the work is.

    Returns:
        For each block of statements its counts, its synthesised condition and the sum of its certificates. Two of the
        conditions are Theorems 1 and 2 of Scanvic, Barthélemy and Tachella (2025, arXiv 2505.19805).

    Raises:
        SpecificationError: other axes; a folder that holds anything else than what equinorm wrote.
        Undecided: a layer without a certificate.
        NotAccepted: a certificate that the kernel rejects.
    """
    chosen = AXES if axes is None else (check_choice("axes", axes, AXES),)
    with ExitStack() as stack:
        if out is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="equinorm-census-")))
        else:
            folder = stack.enter_context(replacing_folder(out))
        told: list[Progress] = []

        def tell(done: int, total: int) -> None:
            if not told:
                told.append(Progress("census", total, progress))
            told[0].step(done - told[0].done)

        found = Census(run(chosen, folder, progress=tell), None if out is None else Path(out))
        if out is not None:
            (folder / MANIFEST).write_text(spelled(found.entries), encoding="utf-8", newline="\n")
    return found
