"""The second pass of an experiment: all variants over the pieces of a batch, with their bounds.

Variants that a motion passes through share their moved array (:mod:`numerics.experiment.shared`), the others come alone
(:mod:`numerics.experiment.alone`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from numerics.arrays import Floats, to_numpy
from numerics.bounds import Sizes, bound_from_sizes, transform_growth
from numerics.experiment.alone import LayerAlone, Parameters
from numerics.experiment.pieces import Batch, Opening, Piece
from numerics.experiment.pulling import gain_follows
from numerics.experiment.shared import Found, SharedExperiment, Subject
from numerics.experiment.sides import Line, Some, join
from numerics.experiment.variants import Body, Variant
from numerics.translations import Table
from theory.spec.actions import ActionKind

Case = tuple[int, ActionKind]
"""A variant, by its number, under a motion."""


@dataclass(frozen=True)
class Measurement:
    """One variant under one transformation: float64 arrays of shape (B,), displacements (B, 2) in samples."""

    variant: Variant
    transformation: ActionKind
    displacements: Table
    relative_l2: Floats
    relative_maximum: Floats
    cosine: Floats
    bound: Floats


@dataclass(frozen=True)
class Study:
    """Variants over a batch: those of the numbers ``together`` share their moved array.

    ``shape`` is that of x, ``unit`` the unit roundoff of its dtype; ``parameters`` belong to the variants.
    """

    opening: Opening
    batch: Batch
    shape: tuple[int, ...]
    unit: float
    tables: dict[ActionKind, Table]
    variants: tuple[Variant, ...]
    together: tuple[int, ...]
    share: bool
    parameters: tuple[Parameters, ...]

    def run(self, pool: Executor) -> dict[Case, Measurement]:
        """All measurements."""
        motions, passes = self.opening.motions, self.opening.passes
        rest: dict[Body, list[int]] = {}
        for number, variant in enumerate(self.variants):
            if number not in self.together:
                rest.setdefault(variant.body, []).append(number)
        alone = [(LayerAlone(body, self.batch, motions, passes), numbers) for body, numbers in rest.items()]
        for layer, _ in alone:
            _ = layer.statistics  # what the pieces have in common is made before the threads ask for it
        subjects = {number: self._subject(number) for number in self.together}
        shared = SharedExperiment(self.batch, subjects, tuple(motions), passes)
        _ = shared.lines
        parts = list(pool.map(lambda piece: (shared.cosines(piece), self._alone(alone, piece)), self.batch.pieces))
        # Numbers of maps from here on: threads would wait for each other longer than they compute.
        cosines = _joined([own for own, _ in parts])
        found = dict(shared.results(cosines)) | _joined([own for _, own in parts])
        return {case: self._measurement(case, each) for case, each in found.items()}

    def _alone(self, layers: Iterable[tuple[LayerAlone, list[int]]], piece: Piece) -> dict[Case, Found]:
        cases: dict[Case, Found] = {}
        for layer, numbers in layers:
            chosen = {self.variants[number].initialization: number for number in numbers}
            if self.share and gain_follows(layer.body.layer):
                lines = {start: self._line(number) for start, number in chosen.items()}
                found = layer.errors_on_lines(piece, lines)
            else:
                found = layer.errors(piece, {start: self.parameters[number] for start, number in chosen.items()})
            cases |= {(chosen[start], kind): each for (start, kind), each in found.items()}
        return cases

    def _measurement(self, case: Case, found: Found) -> Measurement:
        number, kind = case
        variant, (gain, bias) = self.variants[number], self.parameters[number]
        square, y, expected = (
            values[..., None, None] for values in (self.batch.square, found.y, found.errors.expected)
        )
        variance = None if found.variance is None else found.variance[..., None, None]
        sizes, growth = Sizes(self.shape, square, y, expected, variance), transform_growth(kind, self.shape[2:])
        bound = bound_from_sizes(variant.body.layer, sizes, self.unit, growth, gain, bias)
        errors = found.errors.relative_l2, found.errors.relative_maximum, found.errors.cosine
        return Measurement(variant, kind, self.tables[kind], *errors, bound)

    def _subject(self, number: int) -> Subject:
        line = self._line(number)
        return Subject(self.variants[number].body.layer, line.alpha, line.beta)

    def _line(self, number: int) -> Line:
        """Gain and bias, constant along the spatial axes, as one number for each map."""
        gain, bias = (
            np.asarray(default) if value is None else to_numpy(value).astype(np.float64)[..., 0, 0]
            for value, default in zip(self.parameters[number], (1.0, 0.0), strict=True)
        )
        return Line(*(np.asarray(np.broadcast_to(value, self.shape[:2])) for value in (gain, bias)))


def _joined(parts: Sequence[dict[Case, Some]]) -> dict[Case, Some]:
    """What the pieces gave for each case."""
    return {case: join([part[case] for part in parts]) for case in parts[0]}
