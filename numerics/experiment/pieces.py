"""The first pass of an experiment: x is moved, piece by piece, and the moments of each map are taken.

A piece is some samples of x beside the same samples moved. Its arrays stay where they are made; what joins samples, as
the statistics of a batch do, is made of the moments of all pieces, which are numbers of maps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import array_api_compat
import numpy as np

from numerics.arrays import Array, Floats, bytes_of, namespace_of, on_host, to_numpy
from numerics.experiment.passes import Passes
from numerics.experiment.sides import MapMoments, join
from numerics.translations import Motion, remove_nyquist
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.axes import AxisSet
from theory.spec.errors import refuse

Name = ActionKind | None
"""A moved array, by its motion; ``None`` is x itself."""
Carried = tuple[Name, AxisSet | None]
"""An array, and the axes over which it is centered pixel by pixel (:func:`numerics.experiment.pulling.carrier`)."""


@dataclass(frozen=True)
class Piece:
    """The samples ``rows`` of x and of the moved arrays, and the means (b, C) of the maps of x, in its dtype."""

    rows: slice
    arrays: dict[Name, Array]
    pivots: Array


@dataclass(frozen=True)
class Batch:
    """All pieces. Per map, (B, C): the mean square of x, its mean in the dtype of x, and moments less that mean.

    ``nyquist_energy`` (B,) is relative to that of x, None unless it was removed.
    """

    pieces: tuple[Piece, ...]
    square: Floats
    pivot: Floats
    moments: dict[Carried, MapMoments]
    nyquist_energy: Floats | None

    def whole(self, name: Name) -> Array:
        """An array with all its samples."""
        parts = [piece.arrays[name] for piece in self.pieces]
        return parts[0] if len(parts) == 1 else namespace_of(parts[0]).concat(parts, axis=0)


def cut(x: Array, piece_bytes: int, least: int = 1) -> list[slice]:
    """The samples of ``x`` in an even number of pieces of about ``piece_bytes`` and nearly one size, ``least`` or more.

    The cuts are the same for any number of threads: some array expressions add in another order where there is one
    sample. On an accelerator samples stay together: there a launch costs more than a pass over the memory.
    """
    samples = x.shape[0]
    pairs = math.ceil(bytes_of(x) / piece_bytes / 2) if on_host(x) else 0
    count = min(samples, max(2 * pairs, least))
    ends = [samples * number // count for number in range(count + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


@dataclass(frozen=True)
class Opening:
    """What the first pass asks for: motions, the axes that carriers are centered over, and whose passes to use."""

    position: str
    motions: dict[ActionKind, Motion]
    carriers: Sequence[AxisSet | None]
    policy: NyquistPolicy
    passes: Passes

    def batch(self, x: Array, pool: Executor, least: int = 1) -> Batch:
        """The first pass over ``x`` (B, C, H, W), in at ``least`` so many pieces.

        Raises:
            SpecificationError: NaN, infinity, or squares that are not finite in the dtype of ``x``.
        """
        rows = cut(x, self.passes.piece_bytes, least)
        found = list(pool.map(lambda some: self._piece(x[some, ...], some), rows))
        maps = join([each for _, each, _ in found])
        return Batch(
            tuple(piece for piece, _, _ in found),
            maps.square,
            np.concatenate([to_numpy(piece.pivots) for piece, _, _ in found]).astype(np.float64),
            {key: join([moments[key] for _, _, moments in found]) for key in found[0][2]},
            maps.removed,
        )

    def _piece(self, x: Array, rows: slice) -> tuple[Piece, _Maps, dict[Carried, MapMoments]]:
        with np.errstate(over="ignore", invalid="ignore"):
            own = self.passes.moments(x, None, ends=False)
        if not np.all(np.isfinite(own.square)):
            expected = f"finite numbers whose squares are finite in {x.dtype}"
            raise refuse(f"map={self.position}", expected, "use other weights")
        removed = None
        if self.policy is NyquistPolicy.PROJECT:
            energy = own.square.sum(axis=1) * (x.shape[2] * x.shape[3])
            x, lost_energy = remove_nyquist(x)
            lost = to_numpy(lost_energy).astype(np.float64)
            removed = np.divide(lost, energy, out=np.zeros_like(lost), where=energy > 0)
            own = self.passes.moments(x, None, ends=False)
        pivots = namespace_of(x).asarray(own.mean, dtype=x.dtype, device=array_api_compat.device(x))
        arrays: dict[Name, Array] = {None: x}
        arrays |= {kind: motion(x, rows) for kind, motion in self.motions.items()}
        moments = {
            (name, axes): self.passes.moments(array, pivots, axes is not None, ends=name is not None)
            for name, array in arrays.items()
            for axes in self.carriers
        }
        return Piece(rows, arrays, pivots), _Maps(own.square, removed), moments


@dataclass(frozen=True)
class _Maps:
    square: Floats
    removed: Floats | None
