"""The layers that a motion passes through, measured together: one moved array for all of them.

Both sides of each such layer are alpha Z + beta (:mod:`numerics.experiment.pulling`), so that a few sums over Z give
all their errors (:mod:`numerics.experiment.sides`). Two passes: the first takes the moments of each map, of which
the statistics of all layers are made, also those that join the samples of a batch; the second the sums at each pixel.

The arrays are taken less a pivot, the mean of each map of x, so that squares do not cancel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from numerics.arrays import Array, blocks, namespace_of, to_numpy
from numerics.experiment.pulling import carrier
from numerics.experiment.sides import Line, MapMoments, cosine_errors, map_moments, mean_of_channels, relative_errors
from theory.spec.actions import ActionKind
from theory.spec.axes import BCHW, AxisSet
from theory.spec.layers import Normalization, Statistics

Floats = np.ndarray[Any, np.dtype[np.float64]]
Name = ActionKind | None
"""A moved array, by its motion; ``None`` is x itself."""
PIECE_BYTES = 2**20


@dataclass(frozen=True)
class Subject:
    """A layer with its parameters, each broadcast to (B, C)."""

    layer: Normalization
    gain: Floats
    bias: Floats


@dataclass(frozen=True)
class Shared:
    """One subject under one motion: errors of shape (B,); mean squares and smallest variances of maps, (B, C)."""

    relative_l2: Floats
    relative_maximum: Floats
    cosine: Floats
    y: Floats
    expected: Floats
    variance: Floats | None


class SharedExperiment:
    """Subjects over one batch of maps x (B, C, H, W) and the same maps moved."""

    def __init__(self, x: Array, moved: dict[ActionKind, Array], subjects: Sequence[Subject], pool: Executor) -> None:
        self.xp = namespace_of(x)
        self.arrays: dict[Name, Array] = {None: x, **dict(moved.items())}
        self.subjects = list(subjects)
        self.carriers = list(dict.fromkeys(carrier(subject.layer) for subject in subjects))
        self.pivots = self.xp.mean(x, axis=(2, 3))
        self.pivot = to_numpy(self.pivots).astype(np.float64)
        self.pool = pool
        self.cuts = [block[0] for block in blocks(x, block_bytes=PIECE_BYTES)]
        tasks = [(name, rows) for name in self.arrays for rows in self.cuts]
        found = list(pool.map(lambda task: self._moments(*task), tasks))
        self.moments: dict[tuple[Name, AxisSet | None], MapMoments] = {}
        for name in self.arrays:
            parts = [part for (own, _), part in zip(tasks, found, strict=True) if own == name]
            for each in self.carriers:
                fields = zip(*(vars(part[each]).values() for part in parts), strict=True)
                self.moments[name, each] = MapMoments(*map(np.concatenate, fields))

    def carried(self, name: Name, rows: slice) -> Iterator[tuple[AxisSet | None, Array]]:
        """Each Z that a subject needs, less its pivot: maps (B, C, P) of the samples ``rows``."""
        xp, array = self.xp, self.arrays[name][rows, ...]
        plain = xp.reshape(array, (array.shape[0], array.shape[1], -1)) - self.pivots[rows, :, None]
        for each in self.carriers:
            yield each, plain if each is None else plain - mean_of_channels(xp, plain)

    def _moments(self, name: Name, rows: slice) -> dict[AxisSet | None, MapMoments]:
        return {each: map_moments(self.xp, z, ends=name is not None) for each, z in self.carried(name, rows)}

    def line(self, subject: Subject, name: Name) -> tuple[Line, Floats | None]:
        """The layer with the statistics of one array as a line over Z, and the variances that it divides by."""
        layer, z = subject.layer, self.moments[name, carrier(subject.layer)]
        own = self.pivot if carrier(layer) is None else self.pivot - self.pivot.mean(axis=1, keepdims=True)
        eps, variance = float(layer.eps), None
        if layer.statistics is Statistics.RUNNING:
            offset, root = own, (1 + eps) ** -0.5 if layer.scale is not None else 1.0
            alpha = subject.gain * root
        else:
            centered = layer.center is not None and carrier(layer) is None
            offset = own - _joined(z.mean + own, layer.center or frozenset()) if centered else own
            alpha = subject.gain
            if layer.scale is not None:
                squares = np.maximum(z.square + 2 * z.mean * offset + offset**2, 0.0)
                variance = _joined(squares, layer.scale)
                alpha = alpha / np.sqrt(variance + eps)
        return Line(alpha, alpha * offset + subject.bias), variance

    def run(self) -> dict[tuple[int, ActionKind], Shared]:
        """The result of each subject, by its number, under each motion."""
        kinds = [name for name in self.arrays if name is not None]
        lines = {(i, name): self.line(s, name) for i, s in enumerate(self.subjects) for name in self.arrays}
        pairs = {(i, kind): (lines[i, kind][0], lines[i, None][0]) for i in range(len(self.subjects)) for kind in kinds}
        tasks = [(kind, rows) for kind in kinds for rows in self.cuts]
        found = list(self.pool.map(lambda task: self._cosines(task[0], task[1], pairs), tasks))
        results = {}
        for (i, kind), (left, right) in pairs.items():
            cosine = np.concatenate([part[i] for (own, _), part in zip(tasks, found, strict=True) if own is kind])
            each = carrier(self.subjects[i].layer)
            l2, largest = relative_errors(left, right, self.moments[kind, each])
            y, expected = right.mean_square(self.moments[None, each]), right.mean_square(self.moments[kind, each])
            results[i, kind] = Shared(l2, largest, cosine, y, expected, lines[i, None][1])
        return results

    def _cosines(
        self, kind: ActionKind, rows: slice, pairs: dict[tuple[int, ActionKind], tuple[Line, Line]]
    ) -> dict[int, Floats]:
        found: dict[int, Floats] = {}
        for each, z in self.carried(kind, rows):
            numbers = [i for i, subject in enumerate(self.subjects) if carrier(subject.layer) == each]
            cut = [(pairs[i, kind][0].of(rows), pairs[i, kind][1].of(rows)) for i in numbers]
            found.update(zip(numbers, cosine_errors(self.xp, z, cut).T, strict=True))
        return found


def _joined(values: Floats, axes: AxisSet) -> Floats:
    """The mean of one number for each map, (B, C), over the index axes among ``axes``; of shape (B, C)."""
    places = tuple(place for place, name in enumerate(BCHW.names[:2]) if name in axes)
    return np.asarray(values.mean(axis=places, keepdims=True) + np.zeros_like(values)) if places else values
