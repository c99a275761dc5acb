"""The arguments of the assertion, read and checked: what is asked of the layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np

from numerics.equivariance import Motion
from numerics.translations import Table
from theory.spec.actions import ActionKind, NyquistPolicy, Scope
from theory.spec.axes import BCHW
from theory.spec.errors import refuse
from theory.spec.grids import ALL, NYQUIST_FREE, Domain, band

Word = TypeVar("Word", bound=Enum)

LARGEST_INPUT = 2**26
"""The most entries of the array; far more than a test needs."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        shape: of the input; axis 0 holds the samples.
        motion: kind, moving axes (from the end) and Nyquist policy.
        scope: whether all samples move alike.
        domain: on which arrays; a band is one along the moving axes.
        displacements: (B, k) or (1, k), or None: drawn.
        trials: how many arrays are tried.
        seed: of arrays and displacements.
        tolerance: a relative L2 error that is accepted, or None: only what rounding explains.
    """

    shape: tuple[int, ...]
    motion: Motion
    scope: Scope
    domain: Domain
    displacements: Table | None
    trials: int
    seed: int
    tolerance: float | None

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the moving axes."""
        return tuple(self.shape[axis] for axis in self.motion.axes)


def read_question(
    shape: Sequence[int],
    action: str | ActionKind,
    scope: str | Scope | None,
    axes: str | Sequence[int],
    displacements: Any,
    nyquist: str | NyquistPolicy,
    domain: str | int | Domain,
    trials: int,
    seed: int,
    tolerance: float | None,
) -> Question:
    """Check the arguments of :func:`equinorm.testing.assert_equivariant`.

    Raises:
        SpecificationError: one that cannot be used, or two that contradict each other.
    """
    sizes = _shape(shape)
    moving = _axes(axes, sizes)
    kind, policy = _word(ActionKind, "action", action), _word(NyquistPolicy, "nyquist", nyquist)
    table = None if displacements is None else _table(displacements, sizes[0], len(moving), kind)
    wanted = None if scope is None else _word(Scope, "scope", scope)
    _check_number("trials", trials, 1)
    _check_number("seed", seed, 0)
    _check_tolerance(tolerance)
    if all(sizes[axis] == 1 for axis in moving):
        raise refuse(f"shape={sizes}", f"two samples or more along one of the axes {moving}", "nothing would move")
    found = _domain(domain, policy, tuple(sizes[axis] for axis in moving))
    scope = _scope(wanted, table, sizes[0])
    return Question(sizes, Motion(kind, moving, policy), scope, found, table, int(trials), int(seed), tolerance)


def _check_number(name: str, number: Any, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
        raise refuse(f"{name}={number!r}", f"a whole number from {least} up")


def _check_tolerance(tolerance: Any) -> None:
    if tolerance is not None and not (isinstance(tolerance, int | float) and 0 <= tolerance < 1):
        raise refuse(f"tolerance={tolerance!r}", "a relative error from 0 up to, and without, 1")


def _word(words: type[Word], name: str, given: str | Word) -> Word:
    if isinstance(given, words):
        return given
    for word in words:
        if isinstance(given, str) and given.replace("_", "-") == word.value:
            return word
    raise refuse(f"{name}={given!r}", f"one of {', '.join(word.value for word in words)}")


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    try:
        sizes = tuple(int(size) for size in shape)
        good = sizes == tuple(shape) and len(sizes) >= 2 and min(sizes) >= 1
    except (TypeError, ValueError):
        good = False
    if not good:
        raise refuse(f"shape={shape!r}", "sizes from 1 up, the samples first, such as (2, 8, 15, 17)")
    if np.prod(sizes, dtype=np.float64) > LARGEST_INPUT:
        raise refuse(f"shape={sizes}", f"at most {LARGEST_INPUT} entries", "a small array shows as much")
    return sizes


def _axes(axes: str | Sequence[int], sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes counted from the end, so that they are those of an output of another rank, too."""
    rank = len(sizes)
    if isinstance(axes, str):
        if rank != len(BCHW) or not axes or not set(axes) <= set(BCHW.names):
            raise refuse(f"axes={axes!r}", "numbers such as (-2, -1), or letters of BCHW where the shape has four axes")
        axes = [BCHW.index(name) for name in axes]
    try:
        places = [int(axis) + rank if axis < 0 else int(axis) for axis in axes]
    except (TypeError, ValueError):
        places = []
    if not places or len(set(places)) < len(places) or not all(0 < place < rank for place in places):
        raise refuse(f"axes={axes!r}", f"distinct axes of {rank}, and not axis 0, which holds the samples")
    return tuple(place - rank for place in places)


def _table(displacements: Any, batch: int, count: int, kind: ActionKind) -> Table:
    expected = f"{count} numbers, or a table of shape (1, {count}) or ({batch}, {count})"
    try:
        table = np.atleast_2d(np.asarray(displacements, dtype=np.float64))
    except (TypeError, ValueError):
        raise refuse(f"displacements={displacements!r}", expected) from None
    if table.shape not in {(1, count), (batch, count)} or not np.all(np.isfinite(table)):
        raise refuse(f"displacements={np.asarray(displacements).tolist()}", expected, "in samples, finite")
    if not table.any():
        raise refuse(f"displacements={table.tolist()}", "one that is not 0", "nothing would move")
    if kind is ActionKind.SHIFT and not np.all(table == np.rint(table)):
        raise refuse(f"displacements={table.tolist()}", "whole numbers for a shift", 'or action="translation"')
    return table


def _scope(scope: Scope | None, table: Table | None, batch: int) -> Scope:
    """The scope asked for; left out, that of the displacements, or per sample where there are several."""
    if table is None:
        return scope or (Scope.PER_SAMPLE if batch > 1 else Scope.COMMON)
    alike = bool(np.all(table == table[:1]))
    if scope is Scope.COMMON and not alike:
        raise refuse("scope=common", "one displacement for all samples", "or leave the scope out")
    if scope is Scope.PER_SAMPLE and len(table) < batch:
        raise refuse("scope=per-sample", f"displacements for each of the {batch} samples", "or leave the scope out")
    return scope or (Scope.PER_SAMPLE if len(table) > 1 else Scope.COMMON)


def _domain(domain: str | int | Domain, policy: NyquistPolicy, sizes: tuple[int, ...]) -> Domain:
    if isinstance(domain, int) and not isinstance(domain, bool):
        domain = band(domain)
    elif isinstance(domain, str):
        named = {"all": ALL, "nyquist-free": NYQUIST_FREE}
        if domain.replace("_", "-") not in named:
            raise refuse(f"domain={domain!r}", "`all`, `nyquist-free`, or a band K >= 0")
        domain = named[domain.replace("_", "-")]
    if not isinstance(domain, Domain):
        raise refuse(f"domain={domain!r}", "`all`, `nyquist-free`, or a band K >= 0")
    if domain.band is not None and 2 * domain.band >= min(size for size in sizes if size > 1):
        raise refuse(f"domain={domain.band}", "a band K with 2K < N on the moving axes")
    return NYQUIST_FREE if policy is NyquistPolicy.PROJECT and domain == ALL else domain
