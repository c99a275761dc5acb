"""The verb ``self_test``: the laws of the translation in use, measured on the sizes at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equinorm.checks import check_choice, check_measured_seed
from equinorm.experiment.laws import Case, Law, laws
from equinorm.inputs.array_files import opened_arrays
from equinorm.progress import Listener, Progress
from numerics.backends import DTYPES, load_backend
from numerics.resnet.architecture import feature_shapes
from theory.spec.actions import NyquistPolicy
from theory.spec.errors import refuse
from theory.spec.grids import LARGEST_SIZE

CROP = 224
"""Pixels of the pictures whose maps are tested where no size is asked for."""


@dataclass(frozen=True)
class SelfTest:
    """The laws of every case that was tested, with the facts: plain data."""

    found: tuple[tuple[Case, tuple[Law, ...]], ...]
    facts: dict[str, Any]

    @property
    def passed(self) -> bool:
        """True when every law that should hold does, and every other fails by as much as predicted."""
        return all(law.passed for _, each in self.found for law in each)

    def document(self) -> dict[str, Any]:
        """Everything as plain data; an infinite error, of arrays with NaN, is None."""
        cases = [
            {
                "height": case.height,
                "width": case.width,
                "nyquist": case.policy.value,
                "dtype": case.dtype,
                "laws": [_law_document(law) for law in each],
            }
            for case, each in self.found
        ]
        return {**self.facts, "passed": self.passed, "cases": cases}

    def text(self) -> str:
        """The answer for a terminal."""
        lines = [f"laws of the translation; {self.facts['device']}; seed {self.facts['seed']}"]
        for case, each in self.found:
            lines += ["", f"{case.height}x{case.width}, {case.policy.value}, {case.dtype}"]
            lines += _aligned(each)
        failed = sum(not law.passed for _, each in self.found for law in each)
        count = sum(len(each) for _, each in self.found)
        lines += ["", f"{count - failed} of {count} as they should be" + (f", {failed} NOT" if failed else "")]
        return "\n".join(lines)


def self_test(
    sizes: str | Sequence[str] = (),
    *,
    maps: str | Path | None = None,
    crop: int = CROP,
    nyquist: str | None = None,
    dtype: str | None = None,
    backend: str = "numpy",
    seed: int = 0,
    progress: Listener | None = None,
) -> SelfTest:
    """Measure the laws of the translation on random arrays.

    Args:
        sizes: of maps, as ``56x56``, one or a list; none: those of the arrays in ``maps``, or of the maps that a
            ResNet-18 makes of pictures of ``crop`` pixels.
        maps: a file of arrays, as for :func:`equinorm.measure_maps`; only its shapes are read.
        crop: side of the pictures in pixels.
        nyquist: ``one-sided``, ``symmetric`` or ``project``; left out, all three.
        dtype: ``float32`` or ``float64``; left out, both.
        backend: ``numpy``, ``torch`` or ``cupy``; ``numba`` computes as ``numpy`` here.
        seed: of the arrays and displacements.
        progress: called after each case.

    Raises:
        SpecificationError: an option that cannot be used.

    >>> self_test(["5x7", "4x6"], dtype="float64").passed
    True
    """
    if nyquist is not None:
        check_choice("nyquist", nyquist, [policy.value for policy in NyquistPolicy])
    if dtype is not None:
        check_choice("dtype", dtype, DTYPES)
    check_measured_seed(seed)
    library = load_backend(backend)
    cases = [
        Case(height, width, policy, each, library, seed)
        for height, width in _sizes(sizes, maps, crop)
        for policy in NyquistPolicy
        if nyquist in (None, policy.value)
        for each in DTYPES
        if dtype in (None, each)
    ]
    counter = Progress("testing", sum(case.height * case.width for case in cases), progress)
    found = []
    for case in cases:
        found.append((case, tuple(laws(case))))
        counter.step(case.height * case.width)
    return SelfTest(tuple(found), _facts(str(library), seed))


def _facts(device: str, seed: int) -> dict[str, Any]:
    import equinorm

    return {"verb": "self-test", "version": equinorm.__version__, "device": device, "seed": seed}


def _sizes(given: str | Sequence[str], maps: str | Path | None, crop: int) -> list[tuple[int, int]]:
    """Height and width of each case, each once."""
    if given:
        return list(dict.fromkeys(_size(text) for text in ([given] if isinstance(given, str) else given)))
    if maps is not None:
        with opened_arrays(maps) as arrays:
            found = dict.fromkeys((array.shape[2], array.shape[3]) for array in arrays)
        return [_checked(f"input={maps}", *size) for size in found]
    if not 1 <= crop <= LARGEST_SIZE:
        raise refuse(f"crop={crop}", f"a number of pixels from 1 to {LARGEST_SIZE}")
    return list(dict.fromkeys((shape[1], shape[2]) for shape in feature_shapes(crop, crop).values()))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", text)
    if match is None:
        raise refuse(f"size={text}", "two sizes such as 56x56")
    return _checked(f"size={text}", int(match[1]), int(match[2]))


def _checked(given: str, height: int, width: int) -> tuple[int, int]:
    if not (1 <= height <= LARGEST_SIZE and 1 <= width <= LARGEST_SIZE):
        raise refuse(given, f"maps of 1 to {LARGEST_SIZE} samples a side")
    return height, width


def _law_document(law: Law) -> dict[str, Any]:
    numbers = {name: getattr(law, name) for name in ("measured", "expected", "off", "bound")}
    return {
        "name": law.name,
        "statement": law.statement,
        "holds": law.holds,
        **{name: None if value == float("inf") else value for name, value in numbers.items()},
        "passed": law.passed,
    }


def _aligned(found: Sequence[Law]) -> list[str]:
    rows = [["law", "", "measured", "expected", "apart", "bound", ""]]
    for law in found:
        numbers = [f"{value:.1e}" for value in (law.measured, law.expected, law.off, law.bound)]
        words = "" if law.holds else "does not hold, as predicted"
        rows.append([law.name, law.statement, *numbers, words if law.passed else "FAILS"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if 2 <= place <= 5 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
