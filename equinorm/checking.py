"""The verb ``check``: which certificates the kernel accepts, and why it rejects the others.

What is no JSON, and no text, is bad input; JSON that proves nothing is a rejected certificate.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from equinorm.inputs.certificates import find_certificates
from equinorm.kernels import NO_JSON, Team
from equinorm.progress import Listener, Progress
from theory.spec.errors import refuse


@dataclass(frozen=True)
class Rejection:
    """A certificate that proves nothing: its ``place``, a path or ``path:line``, and why."""

    place: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """How many certificates were accepted, and the others in their order."""

    accepted: int
    rejected: tuple[Rejection, ...]

    def document(self) -> dict[str, Any]:
        """The answer as plain data."""
        import equinorm

        rejected = [{"place": one.place, "reason": one.reason} for one in self.rejected]
        return {"accepted": self.accepted, "rejected": rejected, "version": equinorm.__version__}

    def text(self) -> str:
        """The answer for a terminal: a line for each rejection, then the count."""
        lines = [f"{one.place}: rejected: {one.reason}" for one in self.rejected]
        return "\n".join([*lines, f"accepted {self.accepted}, rejected {len(self.rejected)}"])


def check(*paths: str | os.PathLike[str], progress: Listener | None = None) -> Checked:
    """Check certificates with the kernel: processes that have the standard library and ``proofs`` alone.

    Args:
        paths: files, ``.jsonl`` with one certificate on each line, others with one; folders, for all their ``*.json``
            and ``*.jsonl``.
        progress: called after each certificate.

    Returns:
        The number of accepted certificates, and the place and reason of each rejection. More than 5 seconds of
        processor time or 256 MB for one certificate is a reason.

    Raises:
        SpecificationError: paths that hold no certificates, cannot be read, are named twice or lead out of their
            folder; what is no JSON in UTF-8.
    """
    if os.name != "posix":
        raise refuse(f"system={os.name}", "one that limits the time and memory of a process", "use Linux or macOS")
    sources = find_certificates(paths)
    told = Progress("checking", len(sources), progress)
    answers = Team(sources, lambda: told.step(1)).run()
    rejected = [Rejection(sources[n].place, reason) for n, reason in sorted(answers.items()) if reason is not None]
    for one in rejected:
        if one.reason.startswith(NO_JSON):
            raise refuse(f"path={one.place}", "a certificate in JSON", one.reason.removeprefix(NO_JSON))
    return Checked(len(sources) - len(rejected), tuple(rejected))
