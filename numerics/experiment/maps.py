"""One feature map batch under every variant and transformation: f(T x) against T f(x), one row a sample.

For each transformation T the map x (B, C, H, W) is moved once, each sample by its own displacement. Of the layers that
T passes through no other array is moved or even made (:mod:`numerics.experiment.shared`). Each other body f (layer
without affine step) is applied to x and to T x, both initializations put gain and bias on its result, and f(T x) is
compared with T f(x); where gain and bias are constant along the moving axes, they are put on after T, so that T f(x) is
made once for both. The work goes sample by sample, so that its thirty steps find their arrays in the cache, and on two
cores at a time. How the samples are cut into pieces changes no result.

Under PROJECT x loses its Nyquist bins once, before the layer; the energy removed is reported relative to that of x.

References: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from numerics.arrays import Array, blocks, namespace_of, on_host, to_numpy, unit_roundoff
from numerics.bounds import Sizes, bound_from_sizes, mean_square, smallest_per_map, transform_growth
from numerics.experiment.draws import Source
from numerics.experiment.pulling import gain_follows, passes_through
from numerics.experiment.shared import SharedExperiment, Subject
from numerics.experiment.sides import Line, errors_of_lines, map_moments
from numerics.experiment.variants import Body, Initialization, Variant, bodies, variants
from numerics.layers import Moments, moments, normalize, normalize_with_variance
from numerics.metrics import compare
from numerics.translations import Table, move, remove_nyquist
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.axes import BCHW
from theory.spec.errors import refuse
from theory.spec.layers import Statistics

Floats = np.ndarray[Any, np.dtype[np.float64]]

WORKERS = 2
PIECE_BYTES = 2**20
"""Bytes of x in one piece: small enough for the cache of one core together with the arrays made of it."""

_SPATIAL = tuple(BCHW.index(name) for name in "HW")


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
class MapResult:
    """All measurements of a batch at one position; ``nyquist_energy`` (B,) is relative, None unless it was removed."""

    measurements: tuple[Measurement, ...]
    nyquist_energy: Floats | None


def measure_map(
    x: Array, source: Source, policy: NyquistPolicy, workers: int = WORKERS, share: bool = True
) -> MapResult:
    """Measure every variant under a shift and a translation.

    Args:
        x: feature maps (B, C, H, W) of one batch, float32 or float64; B couples the samples in training mode.
        source: the random draws.
        policy: what a translation does to the bin N/2 of an even axis.
        workers: threads for arrays in the main memory; the result does not depend on it.
        share: moved arrays and passes over them among layers. Without, each layer is applied and moved as if it were
            alone: the definition, slower; the errors differ by rounding.

    Raises:
        SpecificationError: another shape or dtype, or NaN and infinity in ``x``.
    """
    namespace_of(x)
    if x.ndim != len(BCHW) or 0 in x.shape:
        raise refuse(f"x of shape {tuple(x.shape)}", "maps (B, C, H, W)")
    with np.errstate(over="ignore", invalid="ignore"):
        square = mean_square(BCHW, x)
    if not np.all(np.isfinite(square)):
        raise refuse(
            f"map={source.position}", f"finite numbers whose squares are finite in {x.dtype}", "use other weights"
        )
    removed = None
    if policy is NyquistPolicy.PROJECT:
        energy = square.mean(axis=tuple(range(1, x.ndim))) * math.prod(x.shape[1:])
        x, lost_energy = remove_nyquist(x, _SPATIAL)
        square = mean_square(BCHW, x)
        lost = to_numpy(lost_energy).astype(np.float64)
        removed = np.divide(lost, energy, out=np.zeros_like(lost), where=energy > 0)
    sizes = tuple(x.shape[axis] for axis in _SPATIAL)
    tables = {kind: source.displacements(kind, x.shape[0], sizes) for kind in ActionKind}
    moved = {kind: move(kind, x, table, _SPATIAL, policy) for kind, table in tables.items()}
    task = _Task(x, square, moved, tables, source, policy, share)
    with ThreadPoolExecutor(workers if on_host(x) and workers > 1 else 1) as pool:
        found = {(each.variant, each.transformation): each for each in _study_together(task, pool)} if share else {}
        for body in bodies():
            rest = [start for start in body.initializations if (Variant(body, start), ActionKind.SHIFT) not in found]
            found.update({(each.variant, each.transformation): each for each in _study(body, rest, task, pool)})
    return MapResult(tuple(found[key] for key in product(variants(), ActionKind)), removed)


@dataclass(frozen=True)
class _Task:
    x: Array
    square: Floats
    moved: dict[ActionKind, Array]
    tables: dict[ActionKind, Table]
    source: Source
    policy: NyquistPolicy
    share: bool

    def parameters(self, body: Body, initialization: Initialization) -> tuple[Array | None, Array | None]:
        """Gain and bias; None where they are 1 and 0."""
        drawn = initialization is Initialization.DRAWN
        return self.source.affine(body.name, body.layer, self.x) if drawn else (None, None)

    def growth(self, kind: ActionKind) -> float:
        """That of the motion; see :func:`numerics.bounds.transform_growth`."""
        return transform_growth(kind, [self.x.shape[axis] for axis in _SPATIAL])


Key = tuple[Initialization, ActionKind]
Parameters = dict[Initialization, tuple[Array | None, Array | None]]


@dataclass
class _Piece:
    """What some samples gave: the three errors, and the sizes that the bound asks for, per map."""

    errors: dict[Key, tuple[Floats, Floats, Floats]]
    y: dict[Initialization, Floats]
    expected: dict[Key, Floats]
    variance: Floats | None


class _Applied:
    """A body as a function of pieces of x and of the moved arrays.

    Where it couples the samples, the statistics are those of the whole batch, kept as constants while the pieces go
    one by one; the outputs are the same bit by bit.
    """

    def __init__(self, body: Body, task: _Task) -> None:
        self.layer = body.layer
        self.bare = replace(body.layer, affine=None)
        self.constant = replace(self.bare, statistics=Statistics.RUNNING)
        # None stands for x itself.
        self.arrays: dict[ActionKind | None, Array] = {None: task.x}
        for kind, moved in task.moved.items():
            self.arrays[kind] = moved
        self.statistics = (
            {name: moments(self.bare, x) for name, x in self.arrays.items()} if body.couples_samples else {}
        )

    def __call__(self, name: ActionKind | None, rows: slice) -> tuple[Array, Array | None]:
        """The output for the samples ``rows``, and its variance, None where the batch shares it or there is none."""
        x = self.arrays[name][rows, ...]
        if not self.statistics:
            y, variance = normalize_with_variance(self.bare, x)
            return y, variance if self.bare.statistics is Statistics.BATCH else None
        whole = self.statistics[name]
        return normalize(self.constant, x, running=Moments(_cut(whole.mean, rows), _cut(whole.variance, rows))), None

    def shared_variance(self) -> Floats | None:
        """The smallest variance of x in each map, where the statistics are those of the whole batch."""
        if not self.statistics or self.bare.scale is None:
            return None
        return smallest_per_map(BCHW, self.statistics[None].variance)


def _cut(value: Array | None, rows: slice) -> Array | None:
    return value if value is None or value.shape[0] == 1 else value[rows, ...]


def _study_together(task: _Task, pool: Executor) -> Iterator[Measurement]:
    """All measurements of the variants that a motion passes through."""
    chosen = [v for v in variants() if passes_through(v.body.layer, v.initialization is Initialization.DRAWN)]
    parameters = [task.parameters(variant.body, variant.initialization) for variant in chosen]
    shape = tuple(task.x.shape)
    subjects = [
        Subject(variant.body.layer, _by_map(gain, 1.0, shape), _by_map(bias, 0.0, shape))
        for variant, (gain, bias) in zip(chosen, parameters, strict=True)
    ]
    for (i, kind), found in SharedExperiment(task.x, task.moved, subjects, pool).run().items():
        y, expected = found.y[..., None, None], found.expected[..., None, None]
        variance = None if found.variance is None else found.variance[..., None, None]
        layer = chosen[i].body.layer
        sizes = Sizes(shape, task.square, y, expected, None if layer.statistics is Statistics.RUNNING else variance)
        bound = bound_from_sizes(layer, sizes, unit_roundoff(task.x), task.growth(kind), *parameters[i])
        errors = found.relative_l2, found.relative_maximum, found.cosine
        yield Measurement(chosen[i], kind, task.tables[kind], *errors, bound)


def _study(body: Body, initializations: Sequence[Initialization], task: _Task, pool: Executor) -> Iterator[Measurement]:
    """The measurements of one body with these initializations."""
    if not initializations:
        return
    apply = _Applied(body, task)
    parameters = {initialization: task.parameters(body, initialization) for initialization in initializations}
    cuts = [block[0] for block in blocks(task.x, block_bytes=PIECE_BYTES)]
    pieces = list(pool.map(lambda rows: _piece(apply, parameters, task, rows), cuts))
    variances = [piece.variance for piece in pieces if piece.variance is not None]
    variance = np.concatenate(variances) if variances else apply.shared_variance()
    for initialization, kind in product(initializations, ActionKind):
        key = initialization, kind
        sizes = Sizes(
            tuple(task.x.shape),
            task.square,
            np.concatenate([piece.y[initialization] for piece in pieces]),
            np.concatenate([piece.expected[key] for piece in pieces]),
            variance,
        )
        bound = bound_from_sizes(
            body.layer, sizes, unit_roundoff(task.x), task.growth(kind), *parameters[initialization]
        )
        l2, maximum, cosine = (np.concatenate(parts) for parts in zip(*(p.errors[key] for p in pieces), strict=True))
        yield Measurement(Variant(body, initialization), kind, task.tables[kind], l2, maximum, cosine, bound)


def _piece(apply: _Applied, parameters: Parameters, task: _Task, rows: slice) -> _Piece:
    """Measure the samples ``rows``."""
    of_x, variance = apply(None, rows)
    piece = _Piece({}, {}, {}, None if variance is None else smallest_per_map(BCHW, variance))
    of_moved = {kind: apply(kind, rows)[0] for kind in task.moved}
    if task.share and gain_follows(apply.layer):
        _put_on_after(piece, of_x, of_moved, parameters, task, rows)
        return piece
    for initialization, (gain, bias) in parameters.items():
        y = _affine(of_x, gain, bias)
        piece.y[initialization] = mean_square(BCHW, y)
        for kind in task.moved:
            expected = _moved(task, kind, y, rows)
            errors = compare(_affine(of_moved[kind], gain, bias), expected, BCHW.index("C"))
            piece.errors[initialization, kind] = (
                to_numpy(errors.relative_l2).astype(np.float64),
                to_numpy(errors.relative_maximum).astype(np.float64),
                to_numpy(errors.cosine).astype(np.float64),
            )
            # A shift permutes the entries of each map, so that their squares need no second look.
            same = kind is ActionKind.SHIFT
            piece.expected[initialization, kind] = piece.y[initialization] if same else mean_square(BCHW, expected)
    return piece


def _put_on_after(
    piece: _Piece, of_x: Array, of_moved: dict[ActionKind, Array], parameters: Parameters, task: _Task, rows: slice
) -> None:
    """Measure with gain and bias put on after the motion, which they commute with, for all initializations at once."""
    xp = namespace_of(of_x)
    shape = (of_x.shape[0], of_x.shape[1], -1)
    lines = []
    for gain, bias in parameters.values():
        alpha, beta = (_by_map(value, default, task.x.shape) for value, default in ((gain, 1.0), (bias, 0.0)))
        lines.append(Line(alpha, beta).of(rows))
    still = map_moments(xp, xp.reshape(of_x, shape), ends=False)
    for initialization, line in zip(parameters, lines, strict=True):
        piece.y[initialization] = line.mean_square(still)[..., None, None]
    for kind, moved in of_moved.items():
        expected = xp.reshape(_moved(task, kind, of_x, rows), shape)
        for initialization, found in zip(
            parameters, errors_of_lines(xp, xp.reshape(moved, shape), expected, lines), strict=True
        ):
            piece.errors[initialization, kind] = found.relative_l2, found.relative_maximum, found.cosine
            piece.expected[initialization, kind] = found.expected[..., None, None]


def _by_map(value: Array | None, default: float, shape: Sequence[int]) -> Floats:
    """Gain or bias, constant along the spatial axes, as one number for each map: (B, C)."""
    given = np.asarray(default) if value is None else to_numpy(value).astype(np.float64)[..., 0, 0]
    return np.asarray(np.broadcast_to(given, tuple(shape[:2])))


def _moved(task: _Task, kind: ActionKind, y: Array, rows: slice) -> Array:
    return move(kind, y, task.tables[kind][rows], _SPATIAL, task.policy)


def _affine(y: Array, gain: Array | None, bias: Array | None) -> Array:
    """The affine step, in the two roundings that a layer makes of it."""
    if gain is None or bias is None:
        return y
    found = y * gain
    found += bias
    return found
