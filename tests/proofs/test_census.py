"""The census: its manifest, and two of its blocks built anew; with the profile ``thorough`` all of them."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.census.certify import certified
from proofs.census.evidence import CERTIFICATES, place_of
from proofs.census.manifest import COMMITTED, MANIFEST, Entry, key_of, read, spelled
from proofs.census.run import AXES, run
from proofs.emit.certificates import canonical, certificate
from proofs.emit.statements import FAILS_EVERYWHERE, HOLDS
from proofs.kernel.checking import check, verdict
from tests.effort import at_least
from tests.theory.test_synthesis import COUNTS, STATEMENTS
from theory.calculus.compile import compile_term
from theory.decision.blocks import Block, all_layers, blocks
from theory.decision.decide import decide
from theory.decision.formulas import Literal, conjunction
from theory.decision.parallel import ask_all
from theory.decision.synthesis import ALL_LAYERS, EMPTY_CENTERING, PAPER, decide_blocks, truth_table
from theory.decision.tables import differences
from theory.spec.catalogue import CATALOGUE
from theory.spec.syntax import parse

THOROUGH = settings().max_examples > 1000
LAYERS = 17**3
TWO = (("shift", "common", "H", "even", "nyquist-free"), ("translation", "common", "W", "odd", "all"))
REBUILT = tuple(block for block in blocks() if THOROUGH or key_of(block) in TWO)
EMPTY = conjunction(Literal("m"), *(Literal("m" + axis, False) for axis in "BCHW"))


def rebuild(block: Block) -> tuple[tuple[bool, str], ...]:
    """The verdicts and certificates of a block by itself; a function of a module, so that a child finds it."""
    ((_, lines),) = certified((block,))
    return tuple(lines)


@dataclass(frozen=True)
class Rebuilt:
    verdicts: tuple[bool, ...]
    texts: tuple[str, ...]


@pytest.fixture(scope="module")
def rebuilt() -> dict[Block, Rebuilt]:
    found = {}
    for block, lines in ask_all(rebuild, REBUILT, 2):
        verdicts, texts = zip(*lines, strict=True)
        found[block] = Rebuilt(verdicts, texts)
    assert len(found) == (36 if THOROUGH else 2)
    return found


@pytest.fixture(scope="module")
def manifest() -> dict[tuple[str, ...], Entry]:
    return {entry.key: entry for entry in read()}


def test_the_manifest_holds_every_block_and_every_statement(manifest: dict[tuple[str, ...], Entry]) -> None:
    assert [entry.key for entry in read()] == [key_of(block) for block in blocks()]
    assert len(manifest) == 2 * 2 * 3 * 3
    assert {(e.layers, e.certificates, e.accepted) for e in manifest.values()} == {(LAYERS, LAYERS, LAYERS)}
    assert sum(entry.accepted for entry in manifest.values()) == 176_868
    assert len({entry.sha256 for entry in manifest.values()}) == len(manifest)
    assert all(len(bytes.fromhex(entry.sha256)) == 32 for entry in manifest.values())


def test_the_manifest_is_spelled_canonically() -> None:
    assert spelled(read()).encode() == COMMITTED.read_bytes()


def test_another_file_is_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST
    path.write_text(json.dumps({**json.loads(COMMITTED.read_text(encoding="utf-8")), "version": 2}))
    with pytest.raises(ValueError, match="expected a manifest of version 1"):
        read(path)


def test_the_counts_of_the_manifest_are_those_of_brute_force(manifest: dict[tuple[str, ...], Entry]) -> None:
    for (kind, scope), by_axes in COUNTS.items():
        for axes, counts in by_axes.items():
            families = (("odd", "all"), ("even", "all"), ("even", "nyquist-free"))
            found = [manifest[kind.value, scope.value, axes, *family].equivariant for family in families]
            assert tuple(found) == counts, (kind, scope, axes)


def test_the_theorems_stand_in_the_manifest(manifest: dict[tuple[str, ...], Entry]) -> None:
    by_words = {
        (block.action.kind, block.action.scope, block.arrays): block for block in blocks() if block.axes == "HW"
    }
    for words, statement in STATEMENTS.items():
        assert manifest[key_of(by_words[words])].paper_condition == statement


def test_the_conditions_of_the_manifest_say_how_many(manifest: dict[tuple[str, ...], Entry]) -> None:
    """Against a table of which only the layers are known: as many of them fulfil the condition as are counted."""
    nobody = truth_table(blocks()[0], [False] * LAYERS, ALL_LAYERS)
    assert nobody.rows == LAYERS
    for entry in manifest.values():
        assert differences(entry.condition, nobody, {EMPTY_CENTERING: EMPTY}).bit_count() == entry.equivariant


def test_a_block_built_anew_has_the_sum_of_the_manifest(
    rebuilt: dict[Block, Rebuilt], manifest: dict[tuple[str, ...], Entry]
) -> None:
    for block, found in rebuilt.items():
        entry = manifest[key_of(block)]
        assert hashlib.sha256("".join(found.texts).encode("ascii")).hexdigest() == entry.sha256
        assert (len(found.texts), sum(found.verdicts)) == (entry.certificates, entry.equivariant)


def test_a_condition_of_the_manifest_holds_on_every_row(
    rebuilt: dict[Block, Rebuilt], manifest: dict[tuple[str, ...], Entry]
) -> None:
    for block, found in rebuilt.items():
        entry = manifest[key_of(block)]
        table = truth_table(block, found.verdicts, ALL_LAYERS)
        assert (table.rows, table.true.bit_count()) == (LAYERS, entry.equivariant)
        assert differences(entry.condition, table, {EMPTY_CENTERING: EMPTY}) == 0
        assert differences(entry.paper_condition, truth_table(block, found.verdicts, PAPER)) == 0


def test_every_line_states_what_was_decided_of_its_layer(rebuilt: dict[Block, Rebuilt]) -> None:
    draw, layers = random.Random(11), all_layers()
    for block, found in rebuilt.items():
        for place in draw.sample(range(LAYERS), 400):
            document = json.loads(found.texts[place])
            stated = document["statement"]
            assert parse(stated["term"]) == compile_term(layers[place])
            assert stated["claim"] == (HOLDS if found.verdicts[place] else FAILS_EVERYWHERE)
            words = (stated["action"], stated["scope"], stated["moving"])
            assert (*words, stated["domain"]) == (*key_of(block)[:3], str(block.domain))
            family = [block.size.least, block.size.step]
            sizes = {axis["name"]: axis["size"] for axis in stated["axes"]}
            assert sizes == {"B": [2, 1], "C": [2, 1], "H": family, "W": family}
            assert canonical(document) == found.texts[place]


@at_least(25)
@given(block=st.sampled_from(REBUILT), place=st.integers(0, LAYERS - 1))
def test_a_layer_decided_alone_gets_the_verdict_of_the_census(
    rebuilt: dict[Block, Rebuilt], block: Block, place: int
) -> None:
    """By the whole search; both certificates are of one statement, and the kernel accepts both."""
    found = decide(replace(block.claim, term=compile_term(all_layers()[place])))
    assert found.name == ("equivariant" if rebuilt[block].verdicts[place] else "not_equivariant")
    own = certificate(found)
    assert own is not None
    assert check(canonical(own)) == check(rebuilt[block].texts[place])


@pytest.mark.skipif(not THOROUGH, reason="minutes; the profile `thorough` does it")
def test_the_whole_census_anew_is_the_manifest(rebuilt: dict[Block, Rebuilt], tmp_path: Path) -> None:
    assert run(AXES, tmp_path) == read()
    decided = decide_blocks(blocks())
    assert decided == {block: found.verdicts for block, found in rebuilt.items()}


def test_the_kept_certificates_are_lines_of_the_census(rebuilt: dict[Block, Rebuilt]) -> None:
    for name, entry in CATALOGUE.items():
        lines = (CERTIFICATES / f"{name}.jsonl").read_text(encoding="ascii").splitlines(keepends=True)
        for number, block in enumerate(blocks()):
            if block in rebuilt:
                assert lines[number] == rebuilt[block].texts[place_of(entry.layer)]


def test_the_kernel_itself_sees_no_difference(rebuilt: dict[Block, Rebuilt]) -> None:
    """A sample of the census in this process: accepted, and rejected with the other verdict."""
    draw = random.Random(5)
    for found in rebuilt.values():
        for place in draw.sample(range(LAYERS), 60):
            assert verdict(found.texts[place]) is None
            word, other = (HOLDS, FAILS_EVERYWHERE)[:: 1 if found.verdicts[place] else -1]
            flipped = found.texts[place].replace(f'"claim":"{word}"', f'"claim":"{other}"')
            assert flipped != found.texts[place]
            assert verdict(flipped) is not None
