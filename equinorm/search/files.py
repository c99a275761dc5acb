"""Counterexamples in files, to be computed again elsewhere: canonical JSON, with floating-point numbers in hexadecimal.

    schema, version     "equinorm counterexample", 1
    subject             {"kind": "layer" | "term" | "target", "spelling": …}
    claim               {"action", "scope", "axes", "domain", "nyquist"}, words as on the command line
    x, parameters       {"shape": …, "values": ["0x1p+0", …]} in row-major order
    displacements       fractions of samples as text, a row for all samples or for each
    eps, entry, moved_then_layer, layer_then_moved, seed, examples, versions

A file is read strictly, and all that is wrong with it is named at once.
"""

from __future__ import annotations

import json
import math
import platform
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import numpy as np

from equinorm.questions import Words, read_subject
from equinorm.search.questions import MOST_ENTRIES, Question, read_question
from equinorm.search.readings import Reading
from equinorm.search.subjects import Subject, Unknown, shapes_of_parameters
from equinorm.search.trials import Trial
from theory.spec.actions import ActionKind
from theory.spec.errors import SpecificationError, refuse
from theory.spec.layers import parse_eps

Floats = np.ndarray[Any, np.dtype[np.float64]]
Document = dict[str, Any]
Value = TypeVar("Value")

SCHEMA, VERSION = "equinorm counterexample", 1
KINDS = ("layer", "term", "target")
CLAIM = ("action", "scope", "axes", "domain", "nyquist")
KEYS = {
    *("schema", "version", "subject", "claim", "x", "parameters", "displacements", "eps", "entry"),
    *("moved_then_layer", "layer_then_moved", "seed", "examples", "versions"),
}
LARGEST_FILE = 2**28


@dataclass(frozen=True)
class Kept:
    """What a file holds: a question about one shape, a trial, where it was seen, and the two values there."""

    question: Question
    trial: Trial
    entry: tuple[int, ...]
    moved_then_layer: float
    layer_then_moved: float
    seed: int
    versions: Mapping[str, str]


def versions() -> dict[str, str]:
    """Of all that has a part in what is drawn and computed."""
    import equinorm

    return {
        "equinorm": equinorm.__version__,
        "hypothesis": hypothesis.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def written(question: Question, trial: Trial, reading: Reading, seed: int, examples: int) -> str:
    """The text of a file: one line, keys sorted, no blanks, ASCII."""
    claim = question.document()
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "subject": {"kind": question.kind, "spelling": question.name},
        "claim": {name: claim[name] for name in CLAIM},
        "x": _array(trial.x),
        "parameters": [_array(values) for values in trial.parameters],
        "displacements": [[str(t) for t in row] for row in trial.displacements],
        "eps": str(trial.eps),
        "entry": list(reading.entry),
        "moved_then_layer": reading.moved_then_layer.hex(),
        "layer_then_moved": reading.layer_then_moved.hex(),
        "seed": seed,
        "examples": examples,
        "versions": versions(),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True) + "\n"


def _array(values: Floats) -> Document:
    return {"shape": list(values.shape), "values": [float(value).hex() for value in values.ravel()]}


def read_kept(path: str | Path) -> Kept:
    """The counterexample in a file; that of a target has a subject that cannot be called yet.

    Raises:
        SpecificationError: all that is wrong with the file, in one line.
    """
    given = f"path={path}"
    try:
        kind = Path(path).stat()
        if not stat.S_ISREG(kind.st_mode) and not stat.S_ISDIR(kind.st_mode):
            # A device may never end, and a pipe need not even open.
            raise refuse(given, "a regular file", "this is a pipe, a device or a socket")
        if kind.st_size > LARGEST_FILE:
            raise refuse(given, f"a file of at most {LARGEST_FILE} bytes")
        text = Path(path).read_text(encoding="utf-8")
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, SpecificationError):
            raise
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)[:200] or "nested too deeply"
        raise refuse(given, "a file that `equinorm hunt --out` wrote", reason) from None
    reader = _Reader()
    found = reader.kept(document)
    if found is None or reader.faults:
        raise refuse(given, f"{SCHEMA}, version {VERSION}", "; ".join(reader.faults))
    return found


def _object(pairs: list[tuple[str, Any]]) -> Document:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _no_constant(text: str) -> Any:
    raise ValueError(f"the number {text}")


class _Reader:
    """Reads piece by piece and collects what is wrong; a piece that is wrong becomes ``None``."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def piece(self, name: str, expected: str, read: Callable[[], Value]) -> Value | None:
        """What ``read`` makes of a piece; a fault where it raises."""
        try:
            return read()
        except SpecificationError as error:
            self.faults.append(f"{name}: {error}")
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
            self.faults.append(f"{name} is not {expected}")
        return None

    def kept(self, document: Any) -> Kept | None:
        """The whole document."""
        if not isinstance(document, dict):
            self.faults.append("it is no JSON object")
            return None
        if document.get("schema") != SCHEMA or type(document.get("version")) is not int:
            self.faults.append(f"schema={str(document.get('schema'))[:60]!r} where {SCHEMA!r} belongs")
            return None
        if document["version"] != VERSION:
            self.faults.append(f"version={document['version']}, which this equinorm does not read")
            return None
        for problem, names in (("misses", KEYS - set(document)), ("has the unknown", set(document) - KEYS)):
            if names:
                self.faults.append(f"it {problem} {', '.join(sorted(name[:40] for name in names))}")
        if self.faults:
            return None
        x = self.piece("x", "an array of four axes", lambda: _read_array(document["x"], 4))
        eps = self.piece("eps", "a positive fraction", lambda: parse_eps(_text(document["eps"])))
        given = [
            self.piece(f"parameter {place}", "an array of four axes", partial(_read_array, each, 4))
            for place, each in enumerate(
                self.piece("parameters", "a list", lambda: _list(document["parameters"])) or []
            )
        ]
        table = self.piece("displacements", "rows of fractions", lambda: _read_table(document["displacements"]))
        values = [
            self.piece(name, "a hexadecimal number", partial(_number, document[name]))
            for name in ("moved_then_layer", "layer_then_moved")
        ]
        seed = self.piece("seed", "a whole number", lambda: _whole(document["seed"]))
        self.piece("examples", "a whole number", lambda: _whole(document["examples"]))
        noted = self.piece("versions", "names with versions", lambda: _strings(document["versions"]))
        entry = self.piece("entry", "four places", lambda: tuple(_whole(n) for n in _list(document["entry"], 4)))
        question = self.piece(
            "the claim", "a claim", lambda: _read_claim(document["subject"], document["claim"], x, eps)
        )
        parameters = tuple(each for each in given if each is not None)
        if self.faults or x is None or eps is None or table is None or question is None or entry is None:
            return None
        self._check(question, x, parameters, table, entry)
        first, second = values
        if self.faults or first is None or second is None or seed is None or noted is None:
            return None
        trial = Trial(x, table, parameters, eps)
        return Kept(question, trial, entry, first, second, seed, noted)

    def _check(self, question: Question, x: Floats, parameters: tuple[Floats, ...], table: Any, entry: Any) -> None:
        """That the pieces fit together."""
        expected = shapes_of_parameters(question.subject, x.shape)
        shapes = tuple(values.shape for values in parameters)
        if shapes != expected:
            self.faults.append(f"parameters of shapes {list(shapes)} where {list(expected)} belong")
        wanted = (question.rows(x.shape), len(question.places))
        if any(len(row) != wanted[1] for row in table) or len(table) != wanted[0]:
            self.faults.append(f"displacements in another shape than {wanted}")
        if question.action.kind is ActionKind.SHIFT and any(t.denominator > 1 for row in table for t in row):
            self.faults.append("a shift by no whole number of samples")
        if any(n >= size for n, size in zip(entry, x.shape, strict=True)):
            self.faults.append(f"entry {list(entry)} of an array of shape {x.shape}")


def _read_claim(subject: Any, claim: Any, x: Floats | None, eps: Fraction | None) -> Question:
    if set(subject) != {"kind", "spelling"} or set(claim) != set(CLAIM) or subject["kind"] not in KINDS:
        raise ValueError
    kind, name = subject["kind"], _text(subject["spelling"])
    shape = (2, 2, 3, 3) if x is None else x.shape
    words = Words(
        **{kind: name} if kind != "target" else {},
        **{key: _text(value) for key, value in claim.items()},
        batch=shape[0],
        channels=shape[1],
        grid=f"{shape[2]}x{shape[3]}",
    )
    own: Subject = Unknown(name, _not_loaded) if kind == "target" else read_subject(words)
    return read_question(words, own, kind, name, eps)


def _not_loaded(x: Any) -> Any:
    raise TypeError("the target is not loaded")


def _read_array(value: Any, axes: int) -> Floats:
    if set(value) != {"shape", "values"}:
        raise ValueError
    shape = tuple(_whole(n) for n in _list(value["shape"], axes))
    if not 0 < prod(shape) <= MOST_ENTRIES:
        raise ValueError
    return np.asarray([_number(each) for each in _list(value["values"], prod(shape))]).reshape(shape)


def _read_table(value: Any) -> tuple[tuple[Fraction, ...], ...]:
    table = tuple(tuple(_fraction(each) for each in _list(row)) for row in _list(value))
    if not table:
        raise ValueError
    return table


def _fraction(value: Any) -> Fraction:
    if not re.fullmatch(r"-?\d{1,9}(/[1-9]\d{0,8})?", _text(value), re.ASCII):
        raise ValueError
    return Fraction(value)


def _number(value: Any) -> float:
    found = float.fromhex(_text(value))
    if not math.isfinite(found) or found.hex() != value:
        raise ValueError
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _list(value: Any, count: int | None = None) -> list[Any]:
    if not isinstance(value, list) or count not in (None, len(value)):
        raise ValueError
    return value


def _strings(value: Any) -> dict[str, str]:
    return {_text(key): _text(each) for key, each in value.items()}
