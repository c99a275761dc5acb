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

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from numerics.arrays import Array, Floats, namespace_of, on_host, to_numpy, unit_roundoff
from numerics.bounds import Sizes, bound_from_sizes, transform_growth
from numerics.experiment.alone import LayerAlone, Parameters
from numerics.experiment.draws import Source
from numerics.experiment.passes import ArrayPasses, Passes
from numerics.experiment.pieces import Batch, Opening, Piece
from numerics.experiment.pulling import carrier, gain_follows, passes_through
from numerics.experiment.shared import Found, SharedExperiment, Subject
from numerics.experiment.sides import Line, join
from numerics.experiment.variants import Body, Initialization, Variant, bodies, variants
from numerics.translations import Table, prepare
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.axes import BCHW
from theory.spec.errors import refuse

WORKERS = 2


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
    x: Array,
    source: Source,
    policy: NyquistPolicy,
    workers: int = WORKERS,
    share: bool = True,
    passes: Passes | None = None,
) -> MapResult:
    """Measure every variant under a shift and a translation.

    Args:
        x: feature maps (B, C, H, W) of one batch, float32 or float64; B couples the samples in training mode.
        source: the random draws.
        policy: what a translation does to the bin N/2 of an even axis.
        workers: threads for arrays in the main memory; the result does not depend on it.
        share: moved arrays and passes over them among layers. Without, each layer is applied and moved as if it were
            alone: the definition, slower; the errors differ by rounding.
        passes: over the arrays (:func:`numerics.experiment.passes.passes_of`); left out, array expressions.

    Raises:
        SpecificationError: another shape or dtype, or NaN and infinity in ``x``.
    """
    namespace_of(x)
    if x.ndim != len(BCHW) or 0 in x.shape:
        raise refuse(f"x of shape {tuple(x.shape)}", "maps (B, C, H, W)")
    sizes = tuple(x.shape[2:])
    tables = {kind: source.displacements(kind, x.shape[0], sizes) for kind in ActionKind}
    motions = {kind: prepare(kind, x, table, policy=policy) for kind, table in tables.items()}
    together = tuple(v for v in variants() if share and passes_through(v.body.layer, _drawn(v)))
    carriers = tuple(dict.fromkeys(carrier(variant.body.layer) for variant in together))
    opening = Opening(source.position, motions, carriers, policy, passes or ArrayPasses())
    workers = max(workers, 1) if on_host(x) else 1
    with ThreadPoolExecutor(workers) as pool:
        draws = pool.map(lambda variant: _parameters(variant, source, x), variants())
        batch = opening.batch(x, pool, workers)
        parameters = dict(zip(variants(), draws, strict=True))
        study = _Study(opening, batch, tuple(x.shape), together, share, parameters)
        found = study.run(pool)

        def measured(case: tuple[Variant, ActionKind]) -> Measurement:
            variant, kind = case
            each = found[case]
            square, y, expected = map(_full, (batch.square, each.y, each.errors.expected))
            variance = None if each.variance is None else _full(each.variance)
            maps = Sizes(tuple(x.shape), square, y, expected, variance)
            growth, (gain, bias) = transform_growth(kind, sizes), parameters[variant]
            bound = bound_from_sizes(variant.body.layer, maps, unit_roundoff(x), growth, gain, bias)
            errors = each.errors.relative_l2, each.errors.relative_maximum, each.errors.cosine
            return Measurement(variant, kind, tables[kind], *errors, bound)

    # Numbers of maps only: threads would wait for each other longer than they compute.
    return MapResult(tuple(map(measured, product(variants(), ActionKind))), batch.nyquist_energy)


def _full(values: Floats) -> Floats:
    """Numbers of maps, (B, C), in full rank."""
    return values[..., None, None]


def _drawn(variant: Variant) -> bool:
    return variant.initialization is Initialization.DRAWN


def _parameters(variant: Variant, source: Source, x: Array) -> Parameters:
    return source.affine(variant.body.name, variant.body.layer, x) if _drawn(variant) else (None, None)


@dataclass(frozen=True)
class _Study:
    """The second pass: the variants ``together`` share their moved array, the others come alone."""

    opening: Opening
    batch: Batch
    shape: tuple[int, ...]
    together: tuple[Variant, ...]
    share: bool
    parameters: dict[Variant, Parameters]

    def run(self, pool: Executor) -> dict[tuple[Variant, ActionKind], Found]:
        """Everything but the bounds."""
        motions, passes = self.opening.motions, self.opening.passes
        lines = {variant: self._line(variant) for variant in self.together}
        subjects = [Subject(variant.body.layer, line.alpha, line.beta) for variant, line in lines.items()]
        shared = SharedExperiment(self.batch, subjects, tuple(motions), passes)
        alone = [LayerAlone(body, self.batch, motions, passes) for body in bodies() if self._rest(body)]
        # What the pieces have in common is made before the threads ask for it.
        _ = shared.lines, [layer.statistics for layer in alone]

        def second(
            piece: Piece,
        ) -> tuple[dict[tuple[int, ActionKind], Floats], dict[tuple[Variant, ActionKind], Found]]:
            return shared.cosines(piece), {key: one for layer in alone for key, one in self._alone(layer, piece)}

        parts = list(pool.map(second, self.batch.pieces))
        found = {key: join([own[key] for _, own in parts]) for key in parts[0][1]}
        for i, kind in parts[0][0]:
            cosine = np.concatenate([cosines[i, kind] for cosines, _ in parts])
            found[self.together[i], kind] = shared.result(i, kind, cosine)
        return found

    def _rest(self, body: Body) -> list[Variant]:
        both = (Variant(body, initialization) for initialization in body.initializations)
        return [variant for variant in both if variant not in self.together]

    def _alone(self, layer: LayerAlone, piece: Piece) -> Iterator[tuple[tuple[Variant, ActionKind], Found]]:
        rest = self._rest(layer.body)
        if self.share and gain_follows(layer.body.layer):
            found = layer.errors_on_lines(piece, {v.initialization: self._line(v) for v in rest})
        else:
            found = layer.errors(piece, {v.initialization: self.parameters[v] for v in rest})
        for (initialization, kind), each in found.items():
            yield (Variant(layer.body, initialization), kind), each

    def _line(self, variant: Variant) -> Line:
        """Gain and bias, constant along the spatial axes, as one number for each map."""
        gain, bias = (
            np.asarray(default) if value is None else to_numpy(value).astype(np.float64)[..., 0, 0]
            for value, default in zip(self.parameters[variant], (1.0, 0.0), strict=True)
        )
        return Line(*(np.asarray(np.broadcast_to(value, self.shape[:2])) for value in (gain, bias)))
