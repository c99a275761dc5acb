"""The verb ``measure_maps``: the errors of one layer on feature maps of one's own, beside the verdict on their grid."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from equinorm.checks import check_choice, check_measured_seed
from equinorm.deciding import Decision
from equinorm.deciding import decide as decide_verb
from equinorm.experiment.compared import (
    MEANINGS,
    Compared,
    aligned,
    compared_of,
    counted,
    finite,
    rows_of,
    table_of,
)
from equinorm.experiment.given_maps import ArrayResult, Setting, Subject, measure_array
from equinorm.experiment.setting import versions
from equinorm.experiment.table import parity, write_table
from equinorm.files import replacing_folder
from equinorm.inputs.array_files import GivenArray, given_arrays, opened_arrays
from equinorm.inputs.stored_tensors import printable
from equinorm.progress import Listener, Progress
from equinorm.questions import Words, read_subject
from numerics.backends import DTYPES, load_backend
from theory.calculus.compile import compile_term
from theory.decision.reasons import reason
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.catalogue import CATALOGUE, find_layer
from theory.spec.grids import LARGEST_COUNT
from theory.spec.layers import DEFAULT_EPS, Normalization, parse_eps

LARGEST_EXACT = 2**16
"""Entries of a map whose own grid is decided; on a larger one the whole family of its parity is, in no more time."""

LISTED_IN_JSON = 10_000


@dataclass(frozen=True)
class MeasuredMaps:
    """What was measured: the rows with the columns `COLUMNS`, the comparisons, and the facts, plain data."""

    table: pa.Table
    compared: tuple[Compared, ...]
    facts: dict[str, Any]
    out: Path | None = None

    @property
    def contradicted(self) -> bool:
        """True when a measurement and a verdict exclude each other."""
        return any(each.agreement == "contradiction" for each in self.compared)

    def document(self) -> dict[str, Any]:
        """Everything as plain data; of more than `LISTED_IN_JSON` rows only how many there are."""
        listed = self.table.num_rows <= LISTED_IN_JSON
        rows = [{name: finite(value) for name, value in row.items()} for row in self.table.to_pylist()]
        return {
            **self.facts,
            "compared": [each.document() for each in self.compared],
            "row_count": self.table.num_rows,
            "rows": rows if listed else None,
            "out": None if self.out is None else str(self.out),
        }

    def text(self) -> str:
        """The answer for a terminal."""
        facts = self.facts
        lines = [f"{facts['subject']}; {facts['nyquist']}; {facts['device']}; seed {facts['seed']}"]
        for array in facts["arrays"]:
            lines += ["", *_heading(array)]
            lines += aligned([row for row in rows_of(self.table) if row[0] == array["name"]])
            for each in (each for each in self.compared if each.array == array["name"]):
                grid = "" if each.grid is None else f" on {each.grid}"
                lines.append(
                    f"{each.transformation}, {each.initialization}: verdict {each.verdict or 'none'}{grid}; "
                    f"{counted(each.judgements)}: {each.agreement}, {MEANINGS[each.agreement]}"
                )
            lines += [
                f"{name}s: {found['reason']}"
                for name, found in array["verdicts"].items()
                if found["verdict"] == "not_equivariant"
            ]
        if self.out is not None:
            lines += ["", f"{self.table.num_rows} rows in {self.out}"]
        return "\n".join(lines)


def measure_maps(
    maps: str | Path | Mapping[str, Any] | Any,
    layer: str | None = None,
    *,
    center: str | None = None,
    scale: str | None = None,
    affine: str | None = None,
    term: str | None = None,
    statistics: str | None = None,
    eps: str | None = None,
    backend: str = "numpy",
    dtype: str | None = None,
    nyquist: str = "symmetric",
    seed: int = 0,
    out: str | Path | None = None,
    progress: Listener | None = None,
) -> MeasuredMaps:
    """Measure the equivariance errors of one layer, or one term, on feature maps of one's own.

    Each sample is shifted and translated by a displacement of its own; a row of the table is one sample. Beside it
    stands the verdict of :func:`equinorm.decide` on the same question and the grid of the maps.

    Args:
        maps: a file .npy, .npz or .safetensors of floating arrays N x C x H x W or C x H x W, an array, or arrays by
            name; half precision becomes float32, exactly.
        layer: a catalogue name, with its own eps, or ``norm[center=C, scale=CHW, affine=C]``.
        center: the axes of the centring, or ``empty``, or ``absent``; the steps stand in place of a layer.
        scale: the axes of the scaling.
        affine: the axes of the affine step.
        term: a term of x, par, mean, rsqrt, eps, numbers, + - * ^, in place of a layer.
        statistics: ``batch``, or ``running``: fresh ones, mean 0 and variance 1.
        eps: a positive number as text, such as ``"1e-5"``.
        backend: ``numpy``, ``torch`` or ``cupy``; ``numba`` computes as ``numpy`` here.
        dtype: ``float32`` or ``float64``; left out, the array's own.
        nyquist: what a translation does at N/2 of an even axis: ``symmetric``, ``one-sided``, or ``project`` (maps lose
            that bin once, before the layer).
        seed: of the displacements and parameters.
        out: a folder for ``results.parquet``, ``results.csv`` and ``run.json``, complete or absent; None writes
            nothing.
        progress: called after each piece with the share done and the seconds left.

    Raises:
        SpecificationError: a file that cannot be read, an array that is no feature map, NaN and infinities by index,
            options that contradict each other or name nothing.

    >>> import numpy as np
    >>> found = measure_maps(np.random.default_rng(0).normal(size=(2, 3, 8, 8)), "InstanceNorm")
    >>> [(each.transformation, each.verdict, each.agreement) for each in found.compared]
    [('shift', 'equivariant', 'agree'), ('translation', 'not_equivariant', 'agree')]
    """
    words = Words(
        layer=layer,
        center=center,
        scale=scale,
        affine=affine,
        term=term,
        statistics=statistics,
        eps=eps,
        nyquist=nyquist,
    )
    subject = _subject(words)
    _check(dtype, nyquist, seed)
    setting = Setting(load_backend(backend), NyquistPolicy(nyquist), dtype, seed)
    path = maps if isinstance(maps, str | Path) else None
    given = "maps=given" if path is None else f"input={printable(path)}"
    with ExitStack() as stack:
        arrays = given_arrays(maps) if path is None else stack.enter_context(opened_arrays(path))
        partial = None if out is None else stack.enter_context(replacing_folder(out))
        samples = sum(array.shape[0] for array in arrays)
        counter = Progress("measuring", samples, progress, count=samples, noun="samples")
        results = [measure_array(array, subject, setting, given, counter) for array in arrays]
        table = pa.concat_tables([table_of(result) for result in results])
        verdicts = [_verdicts(words, array, setting.policy) for array in arrays]
        compared = tuple(
            compared_of(result, series, found)
            for result, found in zip(results, verdicts, strict=True)
            for series in result.series
        )
        facts = _facts(words, subject, setting, None if path is None else str(path))
        facts["arrays"] = [_array_facts(result, found) for result, found in zip(results, verdicts, strict=True)]
        if partial is not None:
            write_table(table, partial)
            whole = {**facts, "compared": [each.document() for each in compared]}
            text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)
            (partial / "run.json").write_text(text + "\n", encoding="utf-8")
    return MeasuredMaps(table, compared, facts, None if out is None else Path(out))


def _check(dtype: str | None, nyquist: str, seed: int) -> None:
    if dtype is not None:
        check_choice("dtype", dtype, DTYPES)
    check_choice("nyquist", nyquist, [policy.value for policy in NyquistPolicy])
    check_measured_seed(seed)


def _subject(words: Words) -> Subject:
    found = read_subject(words)
    if not isinstance(found, Normalization):
        return Subject(None, found, float(DEFAULT_EPS if words.eps is None else parse_eps(words.eps)))
    if words.layer in CATALOGUE and words.eps is None:
        # A claim is about every eps, a measurement about the one that the implementation has.
        own = find_layer(words.layer or "").eps
        found = Normalization(found.center, found.scale, found.affine, own, found.statistics, found.layout)
    return Subject(found, compile_term(found), float(found.eps))


def _verdicts(words: Words, array: GivenArray, policy: NyquistPolicy) -> dict[ActionKind, Decision]:
    """The verdicts on the grid of ``array``; none where the calculus does not know the operator, or the grid."""
    count, channels, height, width = array.shape
    grid: str | None = f"{height}x{width}"
    if height * width > LARGEST_EXACT:
        grid = {"odd": "odd", "even": "even"}.get(parity(height, width)) if min(height, width) > 2 else None
    if grid is None or channels > LARGEST_COUNT:
        return {}
    found = {}
    for kind in ActionKind:
        # On an odd number of rows the one-sided operator is the symmetric one.
        if policy is NyquistPolicy.ONE_SIDED and kind is ActionKind.TRANSLATION and height % 2 == 0:
            continue
        asked = "symmetric" if policy is NyquistPolicy.ONE_SIDED else policy.value
        found[kind] = decide_verb(
            words.layer,
            center=words.center,
            scale=words.scale,
            affine=words.affine,
            term=words.term,
            statistics=words.statistics,
            eps=words.eps,
            action=kind.value,
            scope="per-sample",
            nyquist=asked,
            batch=count if count <= LARGEST_COUNT else None,
            channels=channels,
            grid=grid,
        )
    return found


def _facts(words: Words, subject: Subject, setting: Setting, path: str | None) -> dict[str, Any]:
    return {
        "verb": "measure",
        **versions(),
        "input": path,
        "subject": _named(words, subject),
        "layer": None if subject.layer is None else words.layer or str(subject.layer),
        "term": str(subject.term),
        "eps": subject.eps,
        "nyquist": setting.policy.value,
        "device": str(setting.backend),
        "seed": setting.seed,
        "displacements": "uniform over the map, one for each sample and transformation",
    }


def _named(words: Words, subject: Subject) -> str:
    spelled = str(subject.term if subject.layer is None else subject.layer)
    return f"{words.layer}: {spelled}" if words.layer in CATALOGUE else spelled


def _array_facts(result: ArrayResult, verdicts: Mapping[ActionKind, Decision]) -> dict[str, Any]:
    array = result.array
    converted = f"{array.dtype} read as {result.dtype}" if array.dtype != result.dtype else ""
    return {
        "name": array.name,
        "shape": list(array.shape),
        "dtype": array.dtype,
        "working_dtype": result.dtype,
        "parity": parity(*array.shape[2:]),
        "notes": [note for note in (array.note, converted) if note],
        "taken": "all samples together, which the layer couples" if result.whole else "some samples at a time",
        "zero_variance_channels": {
            "count": result.inspection.count,
            "first": [list(place) for place in result.inspection.constant],
        },
        "verdicts": {
            kind.value: {
                "verdict": found.verdict,
                "grid": found.words.grid,
                "reason": "; ".join(reason(verdict) for _, verdict in found.verdicts),
            }
            for kind, found in verdicts.items()
        },
    }


def _heading(array: Mapping[str, Any]) -> list[str]:
    notes = "".join(f"; {note}" for note in array["notes"])
    lines = [f"{array['name']}: {'x'.join(map(str, array['shape']))}, {array['parity']}{notes}; {array['taken']}"]
    constant = array["zero_variance_channels"]
    if constant["count"]:
        named = ", ".join(f"({b}, {c})" for b, c in constant["first"])
        more = ", …" if constant["count"] > len(constant["first"]) else ""
        lines.append(f"{constant['count']} channels without variance, (sample, channel): {named}{more}")
    return lines
