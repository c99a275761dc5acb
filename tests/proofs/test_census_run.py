"""The census at work on fewer axes: what it counts, what it shares between blocks, and what stops it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from proofs.census import certify
from proofs.census.certify import Certifier, Undecided, certified
from proofs.census.evidence import CERTIFICATES
from proofs.census.manifest import file_name, key_of
from proofs.census.run import AXES, NotAccepted, accepted_in, census_of, groups, run
from proofs.emit.certificates import canonical
from proofs.emit.statements import HOLDS
from tests.command import eventually, interrupt, started_python
from theory.calculus.compile import compile_term
from theory.calculus.setting import settings
from theory.calculus.simplify import numbered
from theory.decision.blocks import Block, all_layers, blocks
from theory.decision.decide import decide
from theory.decision.formulas import Literal, conjunction
from theory.decision.synthesis import ALL_LAYERS, EMPTY_CENTERING, decide_blocks, truth_table
from theory.decision.tables import differences
from theory.decision.verdicts import Counterexample, Unknown
from theory.spec.actions import ActionKind, Scope
from theory.spec.axes import BCHW, Layout
from theory.spec.grids import ODD

ONE_AXIS = Layout(tuple(axis for axis in BCHW if axis.name in "BH"))

posix = pytest.mark.skipif(os.name != "posix", reason="process groups and named pipes are those of POSIX")


def small_blocks() -> tuple[Block, ...]:
    """Common translations of H over (B, H), on the three families of grids: 125 layers each."""
    return blocks((ActionKind.TRANSLATION,), (Scope.COMMON,), ONE_AXIS)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> tuple[Block, ...]:
    """The census asks about :func:`small_blocks` only."""
    monkeypatch.setattr("proofs.census.run.blocks", small_blocks)
    return small_blocks()


def test_a_census_counts_what_the_calculus_decides(small: tuple[Block, ...], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    entries = run(AXES, tmp_path, workers=2, progress=lambda *done: told.append(done))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    decided = decide_blocks(small, workers=1)
    assert [entry.key for entry in entries] == [key_of(block) for block in small]
    for block, entry in zip(small, entries, strict=True):
        data = (tmp_path / file_name(block)).read_bytes()
        assert entry.sha256 == hashlib.sha256(data).hexdigest()
        assert (entry.layers, entry.certificates, entry.accepted) == (125, 125, 125)
        claims = [json.loads(line)["statement"]["claim"] for line in data.splitlines()]
        assert tuple(claim == HOLDS for claim in claims) == decided[block]
        assert entry.equivariant == sum(decided[block])
        named = {EMPTY_CENTERING: conjunction(Literal("m"), Literal("mB", False), Literal("mH", False))}
        assert differences(entry.condition, truth_table(block, decided[block], ALL_LAYERS), named) == 0


def test_the_certificates_of_a_block_do_not_depend_on_its_company() -> None:
    """Blocks that are certified together share what was found, down to the last byte."""
    draw = random.Random(3)
    together = Certifier()
    found = blocks((ActionKind.TRANSLATION,), (Scope.PER_SAMPLE,))
    chosen = [block for block in found if block.size == ODD]
    assert [block.axes for block in chosen] == ["HW", "H", "W"]
    for layer in draw.sample(all_layers(), 50):
        plain = compile_term(layer)
        for block in reversed(chosen):
            asked = numbered(plain), replace(block.claim, term=plain), settings(block.claim)
            assert together.certificate(*asked) == Certifier().certificate(*asked)
    assert len(together.known) == 2 * 50


def test_blocks_are_grouped_without_losing_one(tmp_path: Path) -> None:
    for axes in (AXES, ("H",), ("HW",)):
        asked = [block for group in groups(axes, tmp_path) for block in group.blocks]
        assert len(asked) == len(set(asked))
        assert set(asked) == {block for block in blocks() if block.axes in axes}


def wrong_lines(asked: tuple[Block, ...]) -> Iterator[tuple[Block, Iterator[tuple[bool, str]]]]:
    """Certificates of which one has the enclosures of both values exchanged, so that they do not hold."""

    def one_wrong(lines: Iterator[tuple[bool, str]]) -> Iterator[tuple[bool, str]]:
        pending = True
        for holds, text in lines:
            document = json.loads(text)
            if pending and not holds:
                example, pending = document["evidence"]["example"], False
                sides = example["moved_then_layer"], example["layer_then_moved"]
                example["layer_then_moved"], example["moved_then_layer"] = sides
            yield holds, canonical(document)

    return ((block, one_wrong(lines)) for block, lines in certified(asked))


def test_a_wrong_enclosure_is_not_accepted(
    small: tuple[Block, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("proofs.census.run.certified", wrong_lines)
    for group in groups(AXES, tmp_path):
        (block,) = group.blocks
        with pytest.raises(NotAccepted, match=rf"^{file_name(block)}:\d+: rejected: [^\n]*$"):
            census_of(group)


def test_a_file_with_fewer_certificates_or_none_is_not_accepted(tmp_path: Path) -> None:
    path = tmp_path / "few.jsonl"
    shutil.copy(CERTIFICATES / "BatchNorm.jsonl", path)
    with pytest.raises(NotAccepted, match="the kernel found 36 certificates of 37"):
        accepted_in(path, 37)
    path.unlink()
    with pytest.raises(NotAccepted, match="No such file"):
        accepted_in(path, 36)


def test_a_kernel_of_somebody_else_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = tmp_path / "proofs" / "kernel"
    stranger.mkdir(parents=True)
    for name in ("proofs/__init__.py", "proofs/kernel/__init__.py"):
        (tmp_path / name).write_text("")
    (stranger / "__main__.py").write_text("print('accepted 36, rejected 0')")
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n" * 36)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAccepted, match=r"^broken.jsonl:1: rejected"):
        accepted_in(broken, 36)


def test_a_layer_without_a_verdict_stops_the_census(small: tuple[Block, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certify, "pattern", lambda *_: None)
    refuted = decide(replace(small[0].claim, term=compile_term(all_layers(ONE_AXIS)[-1])))
    assert isinstance(refuted, Counterexample)
    monkeypatch.setattr(certify, "decide", lambda claim: Unknown(claim, refuted.derivation))
    ((_, lines), *_) = certified(small)
    with pytest.raises(Undecided, match="no verdict"):
        list(lines)


def test_a_refutation_on_one_grid_only_stops_the_census(
    small: tuple[Block, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("proofs.census.certify", "proofs.emit.certificates"):
        monkeypatch.setattr(f"{module}.pattern", lambda *_: None)
    monkeypatch.setattr("proofs.emit.certificates.tiling", lambda *_: None)
    ((_, lines), *_) = certified(small)
    with pytest.raises(Undecided, match="refuted on one grid, and not on every grid"):
        list(lines)


WAITING = """
import sys
from pathlib import Path
from proofs.census.run import accepted_in
from tests.proofs.test_census_run import wait_for_kernel
from theory.decision.parallel import ask_all
list(ask_all(wait_for_kernel, [sys.argv[1]], 1))
"""


def wait_for_kernel(path: str) -> int:
    """Ask the kernel about one file; a function of a module, so that a child finds it."""
    return accepted_in(Path(path), 1)


@posix
def test_an_interrupted_census_leaves_no_kernel_behind(tmp_path: Path) -> None:
    """A kernel that reads from a named pipe waits for what is written; when it has ended, the pipe has no reader."""
    pipe = tmp_path / "certificates.jsonl"
    os.mkfifo(pipe)
    with started_python("-c", WAITING, str(pipe)) as child:
        writing = eventually(lambda: opened(pipe))
        try:
            assert "KeyboardInterrupt" in interrupt(child)[1]
            assert eventually(lambda: not has_reader(pipe), 30)
        finally:
            os.close(writing)


def opened(pipe: Path) -> int | None:
    """The end of a pipe to write to, or ``None`` while it has no reader."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def has_reader(pipe: Path) -> bool:
    end = opened(pipe)
    if end is not None:
        os.close(end)
    return end is not None
