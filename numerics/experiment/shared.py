"""The layers that a motion passes through, measured together: one moved array for all of them.

Both sides of each such layer are alpha Z + beta (:mod:`numerics.experiment.pulling`), so that a few sums over Z give
all their errors (:mod:`numerics.experiment.sides`). Two passes: the first takes the moments of each map
(:mod:`numerics.experiment.pieces`), of which the statistics of all layers are made, also those that join the samples
of a batch; the second the sums at each pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from numerics.arrays import Floats
from numerics.experiment.passes import Passes
from numerics.experiment.pieces import Batch, Name, Piece
from numerics.experiment.pulling import carrier
from numerics.experiment.sides import Errors, Line, Pair, errors_of, mean_over
from theory.spec.actions import ActionKind
from theory.spec.axes import AxisSet
from theory.spec.layers import Normalization, Statistics


@dataclass(frozen=True)
class Subject:
    """A layer with its parameters, each broadcast to (B, C)."""

    layer: Normalization
    gain: Floats
    bias: Floats


@dataclass(frozen=True)
class Found:
    """One layer under one motion: its errors, the mean squares and the smallest variances of maps, (B, C)."""

    errors: Errors
    y: Floats
    variance: Floats | None


@dataclass(frozen=True)
class SharedExperiment:
    """Subjects, by numbers of theirs, over one batch."""

    batch: Batch
    subjects: dict[int, Subject]
    kinds: Sequence[ActionKind]
    passes: Passes

    @cached_property
    def lines(self) -> dict[int, dict[Name, tuple[Line, Floats | None]]]:
        """Each subject with the statistics of each array; the very same line where there are none of an array."""
        found = {}
        for i, subject in self.subjects.items():
            own = {None: self._line(subject, None)}
            constant = subject.layer.statistics is Statistics.RUNNING
            found[i] = own | {kind: own[None] if constant else self._line(subject, kind) for kind in self.kinds}
        return found

    @cached_property
    def numbers(self) -> dict[AxisSet | None, list[int]]:
        """The subjects that have one carrier."""
        found: dict[AxisSet | None, list[int]] = {}
        for i, subject in self.subjects.items():
            found.setdefault(carrier(subject.layer), []).append(i)
        return found

    def cosines(self, piece: Piece) -> dict[tuple[int, ActionKind], Floats]:
        """The second pass: the cosine errors of the samples of a piece."""
        found: dict[tuple[int, ActionKind], Floats] = {}
        for kind in self.kinds:
            for axes, chosen in self.numbers.items():
                pairs = [self._pair(i, kind, piece.rows) for i in chosen]
                errors = self.passes.cosines(piece.arrays[kind], piece.pivots, axes is not None, pairs)
                found.update(zip(((i, kind) for i in chosen), errors.T, strict=True))
        return found

    def _pair(self, i: int, kind: ActionKind, rows: slice) -> Pair:
        left, right = self.lines[i][kind][0], self.lines[i][None][0]
        own = right.of(rows)
        return (own if left is right else left.of(rows)), own

    def results(self, cosines: dict[tuple[int, ActionKind], Floats]) -> Iterator[tuple[tuple[int, ActionKind], Found]]:
        """All of each subject under each motion, once its cosine errors are known."""
        for axes, chosen in self.numbers.items():
            still = self.batch.moments[None, axes]
            for i in chosen:
                right, variance = self.lines[i][None]
                y = right.mean_square(still)
                for kind in self.kinds:
                    moved = self.batch.moments[kind, axes]
                    yield (
                        (i, kind),
                        Found(errors_of(self.lines[i][kind][0], right, moved, cosines[i, kind]), y, variance),
                    )

    def _line(self, subject: Subject, name: Name) -> tuple[Line, Floats | None]:
        """The layer with the statistics of one array as a line over Z, and the variances that it divides by."""
        layer, pivot, z = subject.layer, self.batch.pivot, self.batch.moments[name, carrier(subject.layer)]
        own = pivot if carrier(layer) is None else pivot - pivot.mean(axis=1, keepdims=True)
        eps, variance = float(layer.eps), None
        if layer.statistics is Statistics.RUNNING:
            offset, root = own, (1 + eps) ** -0.5 if layer.scale is not None else 1.0
            alpha = subject.gain * root
        else:
            centered = layer.center is not None and carrier(layer) is None
            offset = own - mean_over(z.mean + own, layer.center or frozenset()) if centered else own
            alpha = subject.gain
            if layer.scale is not None:
                squares = np.maximum(z.square + 2 * z.mean * offset + offset**2, 0.0)
                variance = mean_over(squares, layer.scale)
                alpha = alpha / np.sqrt(variance + eps)
        return Line(alpha, alpha * offset + subject.bias), variance
