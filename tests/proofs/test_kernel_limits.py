"""The limits of the kernel: each is met by a certificate within it and by one beyond it.

Time and memory are limited by the command, so it runs by itself here, and it says why on any terminal. What once broke
the kernel, or kept it busy where no alarm is heard, is rejected.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofs.kernel import reading
from proofs.kernel.checking import SCHEMA, VERSION
from proofs.kernel.translations import LARGEST_TURN
from tests.proofs.tampering import originals, replaced
from tests.proofs.test_reader_fuzz import answered, good

Document = dict[str, Any]


def document(stated: Document, evidence: Document) -> str:
    return json.dumps({"schema": SCHEMA, "version": VERSION, "statement": stated, "evidence": evidence})


def stated(text: str = "x", claim: str = "equivariant", sizes: tuple[int, int] = (1, 3), **more: Any) -> Document:
    """A statement about an index axis C and a moving axis W."""
    axes = [
        {"name": name, "kind": kind, "size": [size, 0]}
        for name, kind, size in zip("CW", ("index", "spatial"), sizes, strict=True)
    ]
    common = {"term": text, "axes": axes, "action": "shift", "scope": "common", "moving": "W", "domain": "all"}
    return {**common, "claim": claim, **more}


def step(rule: str, *of: int, invariant: bool = False, **own: Any) -> Document:
    facts = {"equivariant": True, "degree": [0, 0] if invariant else None, "steady": invariant, "alternating": False}
    return {"rule": rule, "of": list(of), "with": own, "facts": facts}


def typing(steps: list[Document], text: str = "x") -> str:
    return document(stated(text), {"kind": "typing", "derivations": [{"axis": "W", "steps": steps}]})


def padded(length: int) -> str:
    return json.dumps(good()).ljust(length)


def with_number(digits: int) -> str:
    return typing([step("number", invariant=True, value="0" * digits), step("input")])


def doubled(times: int) -> str:
    return typing([step("input"), *(step("sum", n, n) for n in range(times)), step("input")])


def refuted(
    text: str = "x*par(W)", sizes: tuple[int, int] = (1, 2), listed: int = 0, bits: int = 64, values: int = 1
) -> str:
    """A refutation of x*par(W) by a shift of two samples; ``values`` values for each further parameter."""
    parameters = [["1", "0"], *([["1/3"] * values] * (text.count("par") - 1))]
    part = {"amplitude": "1", "profiles": ["constant", "entry 0"]}
    instance = {"axis": "W", "moves": "all", "cells": [listed, 2], "input": [part], "parameters": parameters}
    instance |= {"eps": "1", "entry": [0, 0]}
    example: Document = {"sizes": list(sizes), "instance": instance, "displacement": {"samples": "1"}, "bits": bits}
    example |= {"moved_then_layer": ["0", "0"], "layer_then_moved": ["0", "0"]}
    if text == "x*par(W)":
        # At entry 0 stands x[1] par[0] = 0 on the one side, x[1] par[1] = 0 on the other; at entry 1 they differ.
        example |= {"layer_then_moved": ["1", "1"]}
        instance["entry"] = [0, 1]
    return document(stated(text, "not equivariant", sizes), {"kind": "counterexample", "example": example})


def of_order(order: int) -> str:
    found = originals("pattern, shift")[0]
    return json.dumps(replaced(found, ("evidence", "pattern", "order"), order))


def multiplied(power: int) -> str:
    """A sum of twelve products to a power; the derivation is about another term, so normal forms are compared."""
    many = " + ".join(f"mean(x^{n}, W)" for n in range(2, 14))
    return typing([step("input")], f"({many})^{power} + x")


def heavy(nodes: int) -> str:
    """So many arrays of 10 000 numbers of 8 192 bits each."""
    text = "par(C)"
    for n in range(nodes):
        text = f"({text} + {n + 1}/3)"
    found = json.loads(refuted(f"x*par(W)*{text}", (10_000, 2), 10_000, 8_192, 10_000))
    return json.dumps(replaced(found, ("evidence", "example", "instance", "input"), []))


def slow(levels: int) -> str:
    """Powers of powers of a number, none of which is ever written."""
    steps = [
        step("number", invariant=True, value="7"),
        *(step("power", n, invariant=True, exponent=64) for n in range(levels)),
    ]
    return typing([*steps, step("input"), step("product", levels, levels + 1)])


LIMITS: dict[str, tuple[Callable[[int], str], int, int, str]] = {
    "LARGEST_TEXT": (padded, 4_000_000, 4_000_001, "characters"),
    "LONGEST_NUMBER": (with_number, 2_200, 2_201, "no rational number"),
    "LARGEST_SIZE": (
        lambda n: document(stated(sizes=(n, 1)), {"kind": "typing", "derivations": []}),
        10**6,
        10**6 + 1,
        "expected 1 to",
    ),
    "MOST_STEPS": (lambda n: typing([step("input")] * n), 5_000, 5_001, "a list of 5001 items"),
    "MOST_NODES": (doubled, 16, 17, "operations"),
    "MOST_CELLS": (lambda n: refuted(sizes=(n, 2), listed=n), 2_000, 10_001, "cells"),
    "MOST_PRODUCTS": (multiplied, 2, 8, "too long"),
    "MOST_BITS": (lambda n: refuted(bits=n), 8_192, 8_193, "expected 8 to"),
    "LARGEST_ORDER": (of_order, 16, 17, "expected 0 to"),
}
"""For each limit of the kernel a text by a number, a number within the limit, one beyond, and what the reason says."""


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_met(name: str) -> None:
    text, within, beyond, why = LIMITS[name]
    assert why not in (answered(text(within)) or "")
    assert why in (answered(text(beyond)) or "")


def test_every_limit_is_met() -> None:
    names = {name for name, value in vars(reading).items() if name.isupper() and isinstance(value, int)}
    assert names == {*LIMITS, "SECONDS", "MEGABYTES"}


@pytest.mark.parametrize(
    ("name", "within"), [(name, LIMITS[name][1]) for name in ("LARGEST_TEXT", "MOST_STEPS", "MOST_BITS")]
)
def test_what_is_within_the_limit_is_accepted(name: str, within: int) -> None:
    assert answered(LIMITS[name][0](within)) is None


def run(*paths: Path, seconds: float = 5.0, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command of the kernel on files, with this limit of time for each certificate."""
    program = f"import sys, proofs.kernel.__main__ as m; m.SECONDS = {seconds}; sys.exit(m.main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_time_is_limited(tmp_path: Path) -> None:
    """The alarm rings in the midst of large numbers, and what comes afterwards has its own time."""
    path = tmp_path / "slow.jsonl"
    path.write_text("\n".join([slow(6), json.dumps(good()), slow(4), json.dumps(good())]))
    done = run(path, seconds=0.3)
    assert done.stdout.count("rejected: more than 0.3 seconds") == 2
    assert done.stdout.endswith("accepted 2, rejected 2\n")
    assert (done.returncode, done.stderr) == (1, "")


def test_the_memory_is_limited(tmp_path: Path) -> None:
    paths = [tmp_path / "heavy.json", tmp_path / "good.json"]
    paths[0].write_text(heavy(40))
    paths[1].write_text(json.dumps(good()))
    done = run(*paths)
    assert "heavy.json: rejected: more memory than one certificate may take" in done.stdout
    assert done.stdout.endswith("accepted 1, rejected 1\n")
    assert (done.returncode, done.stderr) == (1, "")


def test_a_reason_is_printed_on_any_terminal(tmp_path: Path) -> None:
    """Lone surrogates, other scripts, bytes that are no text, and line breaks: one line for each, in ASCII."""
    path = tmp_path / "odd.jsonl"
    lines = [json.dumps({**good(), "statement": odd}) for odd in ("\ud800", "\u0663", "\u2028", "a\nb")]
    path.write_bytes(b"\n".join([*(line.encode() for line in lines), b"\xff\xfe", json.dumps(good()).encode()]))
    done = run(path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (1, "")
    assert len(done.stdout.splitlines()) == 6
    assert done.stdout.endswith("accepted 1, rejected 5\n")


def full_cells() -> str:
    found = json.loads(refuted())
    instance = found["evidence"]["example"]["instance"]
    pattern = {"kind": "shift", "order": 1, "instance": instance, "wave": None}
    return json.dumps({**found, "evidence": {"kind": "pattern", "pattern": pattern, "example": None}})


def shared(levels: int) -> str:
    """Two equal terms of 2^levels operations each, compared with one another."""
    steps = [step("input"), step("input")]
    for n in range(levels):
        steps += [step("sum", 2 * n, 2 * n), step("sum", 2 * n + 1, 2 * n + 1)]
    top = len(steps)
    steps += [
        step("mean", top - 1, axes="W"),
        step("number", invariant=True, value="-1"),
        step("product", top + 1, top),
    ]
    steps.append(step("centered pair", top - 2, top + 2))
    derivation = {"kind": "typing", "derivations": [{"axis": "W", "steps": steps}]}
    return document(stated("x", sizes=(1, 2)), derivation)


CRASHES: dict[str, Callable[[], str]] = {
    "a power of 5 000 digits": lambda: typing([step("input")], "x^" + "9" * 5_000),
    "a superscript as the number of an entry": lambda: refuted().replace("entry 0", "entry \u00b2"),
    "a shift on samples that all have cells of their own": full_cells,
    "terms that share their operands": lambda: shared(40),
}
"""Texts that once broke the kernel, or kept it busy where no alarm is heard."""


@pytest.mark.parametrize("name", CRASHES)
def test_what_once_broke_the_kernel_is_rejected(name: str) -> None:
    assert answered(CRASHES[name]()) is not None


@pytest.mark.parametrize("samples", ["10001", "-10001", "1/10001", "1/2", "0.5"])
def test_displacements_beyond_the_limits(samples: str) -> None:
    assert LARGEST_TURN == 10_000
    assert answered(refuted().replace('"samples": "1"', f'"samples": "{samples}"')) is not None
    assert answered(refuted().replace('"samples": "1"', '"samples": "-9999"')) is None
