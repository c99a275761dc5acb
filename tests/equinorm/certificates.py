"""A certificate to begin with, changes of it, and what ``equinorm check`` says of files."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import equinorm
from equinorm.cli.main import main

LAYER_C = "(x - mean(x, C))*rsqrt(mean((x - mean(x, C))^2, C) + eps)*par(C) + par(C)"


def certificate() -> dict[str, Any]:
    """LayerNorm-C moved by half a pixel on 3 samples, as in the README."""
    kinds = {"B": ("sample", [2, 1]), "C": ("index", [2, 1]), "H": ("spatial", [3, 2]), "W": ("spatial", [3, 2])}
    example = {
        "sizes": [2, 2, 3, 3],
        "instance": {
            "axis": "W",
            "moves": "all",
            "cells": [1, 1, 1, 3],
            "input": [{"amplitude": "1", "profiles": ["entry 0"] * 4}],
            "parameters": [["1"], ["0"]],
            "eps": "1/100000",
            "entry": [0, 1, 0, 2],
        },
        "displacement": {"samples": "1/2"},
        "bits": 96,
        "moved_then_layer": ["0.9998", "0.9999"],
        "layer_then_moved": ["0.3333", "0.3334"],
    }
    return {
        "schema": "equinorm certificate",
        "version": 1,
        "statement": {
            "term": LAYER_C,
            "axes": [{"name": name, "kind": kind, "size": size} for name, (kind, size) in kinds.items()],
            "action": "translation",
            "scope": "common",
            "moving": "W",
            "domain": "all",
            "claim": "not equivariant",
        },
        "evidence": {"kind": "counterexample", "example": example},
    }


def changed(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> str:
    """The certificate after ``change`` of its statement and its example."""
    document = copy.deepcopy(certificate())
    change(document["statement"], document["evidence"]["example"])
    return json.dumps(document)


def touching(statement: dict[str, Any], example: dict[str, Any]) -> None:
    """Enclosures that meet prove nothing."""
    example["layer_then_moved"] = ["0.3333", "0.9999"]


def slow(statement: dict[str, Any], example: dict[str, Any]) -> None:
    """A fractional translation of 3001 samples takes millions of cosines."""
    statement.update(term="x", axes=[*statement["axes"][:3], {"name": "W", "kind": "spatial", "size": [3001, 0]}])
    example.update(sizes=[2, 2, 3, 3001], displacement={"samples": "1/3"})
    part = {"amplitude": "1", "profiles": ["constant"] * 3 + ["entry 0"]}
    example["instance"].update(cells=[0, 0, 0, 3001], input=[part], parameters=[], entry=[0, 0, 0, 0])


def large(statement: dict[str, Any], example: dict[str, Any]) -> None:
    """Forty sums, each of 18000 numbers of a thousand digits."""
    axes = [{"name": "C", "kind": "index", "size": [9000, 0]}, {"name": "W", "kind": "spatial", "size": [2, 0]}]
    statement.update(term="(" * 40 + "x" + " + x)" * 40, axes=axes)
    part = {"amplitude": "9" * 1000, "profiles": ["constant", "constant"]}
    example.update(sizes=[9000, 2], bits=8)
    example["instance"].update(cells=[9000, 2], input=[part], parameters=[], entry=[0, 0])


GOOD, BAD = json.dumps(certificate()), changed(touching)
MEET = "the two enclosures meet"
STRANGE = "expected the keys schema version statement evidence, found []"


def check_json(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, int, dict[str, str]]:
    status = main(["check", *map(str, paths), "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data.keys() == {"accepted", "rejected", "version"}
    assert data["version"] == equinorm.__version__
    return status, data["accepted"], {one["place"]: one["reason"] for one in data["rejected"]}


def refused(capsys: pytest.CaptureFixture[str], *paths: Path | str) -> str:
    """The one line about bad input."""
    assert main(["check", *map(str, paths)]) == 2
    out, err = capsys.readouterr()
    *progress, line = err.splitlines()
    assert out == ""
    assert all(told.startswith("checking: ") for told in progress)
    assert line.startswith("equinorm: error: path=")
    assert line.isprintable()
    return line.removeprefix("equinorm: error: ")
