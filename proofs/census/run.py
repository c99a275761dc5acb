"""The census itself: blocks in groups, each group in a process of its own, each file read back by the kernel.

The kernel runs as a process that is given the file and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import proofs
from proofs.census.certify import certified
from proofs.census.manifest import Entry, file_name
from theory.decision.blocks import Block, all_layers, blocks
from theory.decision.parallel import ask_all
from theory.decision.synthesis import ALL_LAYERS, PAPER, synthesize

AXES = ("H", "W", "HW")


class NotAccepted(ArithmeticError):
    """The kernel rejected a certificate of the census, or could not read its file."""


@dataclass(frozen=True)
class Group:
    """Blocks that are certified together, and the folder to write into."""

    blocks: tuple[Block, ...]
    folder: Path


def groups(axes: tuple[str, ...], folder: Path) -> tuple[Group, ...]:
    """The blocks of the census with these moving axes, grouped by action, scope and family of grids."""

    def shared(block: Block) -> tuple[str, ...]:
        return block.action.kind.value, block.action.scope.value, str(block.size), str(block.domain)

    # One axis first: what is found there is what two axes need.
    chosen = sorted((b for b in blocks() if b.axes in axes), key=lambda block: (shared(block), len(block.axes)))
    found = [Group(tuple(together), folder) for _, together in groupby(chosen, key=shared)]
    # Translations of samples apart take longest, and come first so that no processor waits for the last group.
    return tuple(reversed(found))


def census_of(group: Group) -> tuple[tuple[Block, Entry], ...]:
    """Decide, certify and check the blocks of a group.

    Raises:
        Undecided: a layer without a certificate.
        NotAccepted: a certificate that the kernel rejects.
    """
    return tuple((block, _entry(block, lines, group.folder)) for block, lines in certified(group.blocks))


def _entry(block: Block, lines: Iterable[tuple[bool, str]], folder: Path) -> Entry:
    path = folder / file_name(block)
    total, verdicts = hashlib.sha256(), []
    with path.open("w", encoding="ascii", newline="\n") as file:
        for verdict, text in lines:
            verdicts.append(verdict)
            total.update(text.encode("ascii"))
            file.write(text)
    action = block.action
    return Entry(
        action=action.kind.value,
        scope=action.scope.value,
        axes=block.axes,
        grid=str(block.size),
        domain=str(block.domain),
        layers=len(all_layers(block.layout)),
        equivariant=sum(verdicts),
        condition=synthesize(block, verdicts, ALL_LAYERS).text,
        paper_condition=synthesize(block, verdicts, PAPER).text,
        certificates=len(verdicts),
        accepted=accepted_in(path, len(verdicts)),
        sha256=total.hexdigest(),
    )


def accepted_in(path: Path, expected: int) -> int:
    """How many certificates of a file the kernel accepts, which must be all.

    Raises:
        NotAccepted: the first rejection, or what else went wrong.
    """
    root = Path(proofs.__file__).resolve().parent.parent
    done = subprocess.run(
        # -P: a folder called proofs where the user stands holds another kernel.
        [sys.executable, "-P", "-m", "proofs.kernel", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    said, complaints = done.stdout.splitlines(), done.stderr.splitlines()
    match = re.fullmatch(r"accepted (\d+), rejected 0", (said or [""])[-1])
    if done.returncode or match is None:
        # Rejections come first on standard output; a fault of the kernel's own ends with its name.
        reason = said[0] if said else f"{path}: {(complaints or ['the kernel said nothing'])[-1]}"
        raise NotAccepted(reason.removeprefix(f"{path.parent}{os.sep}"))
    if int(match[1]) != expected:
        raise NotAccepted(f"{path.name}: the kernel found {match[1]} certificates of {expected}")
    return expected


def run(
    axes: tuple[str, ...],
    folder: Path,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Entry, ...]:
    """The census over some moving axes, its certificates written into ``folder``; in the order of the blocks.

    ``progress`` is told how many groups of blocks are done, 0 first, and of how many. Raises as :func:`census_of`.
    """
    asked = groups(axes, folder)
    found: dict[Block, Entry] = {}
    if progress:
        progress(0, len(asked))
    count = min(workers or os.cpu_count() or 1, len(asked))
    for done, (_, entries) in enumerate(ask_all(census_of, asked, count), start=1):
        found.update(entries)
        if progress:
            progress(done, len(asked))
    return tuple(found[block] for block in blocks() if block.axes in axes)
