"""The layers that a motion does not pass through: each is applied to x and to T x, and its output is moved.

Where gain and bias are constant along the moving axes they are put on after T, so that T f(x) is made once for all
initializations, and both sides are lines over two arrays. Any other pair of gain and bias is a layer of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from numerics.arrays import Array, Floats
from numerics.bounds import smallest_per_map
from numerics.experiment.passes import Known, Normalized, Passes
from numerics.experiment.pieces import Batch, Name, Piece
from numerics.experiment.shared import Found
from numerics.experiment.sides import Line
from numerics.experiment.variants import Body, Initialization
from numerics.layers import Moments, moments, normalize
from numerics.translations import Motion
from theory.spec.actions import ActionKind
from theory.spec.axes import BCHW
from theory.spec.layers import Statistics

Parameters = tuple[Array | None, Array | None]
"""Gain and bias; None where they are 1 and 0."""


@dataclass(frozen=True)
class LayerAlone:
    """One body over the pieces of a batch.

    Where it couples the samples, the statistics are those of the whole batch, kept as constants while the pieces go
    one by one; the outputs are the same bit by bit.
    """

    body: Body
    batch: Batch
    motions: dict[ActionKind, Motion]
    passes: Passes

    @cached_property
    def statistics(self) -> dict[Name, Moments]:
        """Of each whole array, where the samples are coupled."""
        if not self.body.couples_samples:
            return {}
        bare = replace(self.body.layer, affine=None)
        return {name: moments(bare, self.batch.whole(name)) for name in (None, *self.motions)}

    def errors(
        self, piece: Piece, parameters: dict[Initialization, Parameters]
    ) -> dict[tuple[Initialization, ActionKind], Found]:
        """Each initialization, applied before the motion."""
        found = {}
        for initialization, affine in parameters.items():
            y, variance = self._applied(None, piece, affine)
            squares = self.passes.moments(y, None, ends=False).square
            for kind, motion in self.motions.items():
                expected = motion(y, piece.rows)
                errors = self.passes.compared(self._applied(kind, piece, affine)[0], expected)
                found[initialization, kind] = Found(errors, squares, variance)
        return found

    def errors_on_lines(
        self, piece: Piece, lines: dict[Initialization, Line]
    ) -> dict[tuple[Initialization, ActionKind], Found]:
        """Each initialization as a line, put on after the motion."""
        found = {}
        y, variance = self._applied(None, piece, (None, None))
        still, chosen = self.passes.moments(y, None, ends=False), [line.of(piece.rows) for line in lines.values()]
        for kind, motion in self.motions.items():
            left = self._applied(kind, piece, (None, None))[0]
            errors = self.passes.compared_on_lines(left, motion(y, piece.rows), chosen)
            for initialization, line, each in zip(lines, chosen, errors, strict=True):
                found[initialization, kind] = Found(each, line.mean_square(still), variance)
        return found

    def _applied(self, name: Name, piece: Piece, affine: Parameters) -> tuple[Array, Floats | None]:
        """The output for the samples of a piece, and the smallest variance of each map, (b, C)."""
        gain, bias = affine
        layer = self.body.layer if gain is not None else replace(self.body.layer, affine=None)
        if not self.statistics:
            return self._with_variance(
                self.passes.normalized(layer, piece.arrays[name], gain, bias, self._known(name, piece))
            )
        whole = self.statistics[name]
        of_rows = Moments(_cut(whole.mean, piece.rows), _cut(whole.variance, piece.rows))
        constant = replace(layer, statistics=Statistics.RUNNING)
        y = normalize(constant, piece.arrays[name], gain, bias, running=of_rows)
        return self._with_variance((y, None if of_rows.variance is None else smallest_per_map(BCHW, of_rows.variance)))

    def _known(self, name: Name, piece: Piece) -> Known | None:
        found = self.batch.moments.get((name, None))
        return None if found is None else (self.batch.pivot[piece.rows], found.of(piece.rows))

    def _with_variance(self, found: Normalized) -> tuple[Array, Floats | None]:
        y, variance = found
        if variance is None or self.body.layer.statistics is Statistics.RUNNING:
            return y, None
        return y, variance[..., 0, 0] + np.zeros(y.shape[:2])


def _cut(value: Array | None, rows: slice) -> Array | None:
    return value if value is None or value.shape[0] == 1 else value[rows, ...]
