"""One feature map batch under every variant and transformation: f(T x) against T f(x), one row a sample.

For each transformation T the map x (B, C, H, W) is moved once, each sample by its own displacement. Of the layers that
T passes through no other array is moved or even made (:mod:`numerics.experiment.shared`); each other layer f is applied
to x and to T x, and f(T x) is compared with T f(x) (:mod:`numerics.experiment.alone`). Both take two passes over pieces
of a few samples, several pieces at a time. The number of threads changes no result.

Under PROJECT x loses its Nyquist bins once, before the layer; the energy removed is reported relative to that of x.

References: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, section 4.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

from numerics.arrays import Array, Floats, namespace_of, on_host, unit_roundoff
from numerics.experiment.alone import Parameters
from numerics.experiment.draws import Source
from numerics.experiment.passes import ArrayPasses, Passes
from numerics.experiment.pieces import Opening
from numerics.experiment.pulling import carrier, passes_through
from numerics.experiment.study import Measurement, Study
from numerics.experiment.variants import Initialization, Variant, variants
from numerics.translations import prepare
from theory.spec.actions import ActionKind, NyquistPolicy
from theory.spec.axes import BCHW
from theory.spec.errors import refuse

WORKERS = 2


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
    pieces: int = 1,
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
        pieces: into which the samples are cut at least, for a device whose memory is short; may change roundings.

    Raises:
        SpecificationError: another shape or dtype, or NaN and infinity in ``x``.
    """
    namespace_of(x)
    if x.ndim != len(BCHW) or 0 in x.shape:
        raise refuse(f"x of shape {tuple(x.shape)}", "maps (B, C, H, W)")
    sizes = tuple(x.shape[2:])
    tables = {kind: source.displacements(kind, x.shape[0], sizes) for kind in ActionKind}
    motions = {kind: prepare(kind, x, table, policy=policy) for kind, table in tables.items()}
    chosen = variants()
    together = tuple(i for i, v in enumerate(chosen) if share and passes_through(v.body.layer, _drawn(v)))
    carriers = tuple(dict.fromkeys(carrier(chosen[number].body.layer) for number in together))
    opening = Opening(source.position, motions, carriers, policy, passes or ArrayPasses())
    with ThreadPoolExecutor(workers if on_host(x) and workers > 1 else 1) as pool:
        draws = pool.map(lambda variant: _parameters(variant, source, x), chosen)
        batch = opening.batch(x, pool, pieces)
        study = Study(opening, batch, tuple(x.shape), unit_roundoff(x), tables, chosen, together, share, tuple(draws))
        found = study.run(pool)
    return MapResult(tuple(found[case] for case in product(range(len(chosen)), ActionKind)), batch.nyquist_energy)


def _drawn(variant: Variant) -> bool:
    return variant.initialization is Initialization.DRAWN


def _parameters(variant: Variant, source: Source, x: Array) -> Parameters:
    return source.affine(variant.body.name, variant.body.layer, x) if _drawn(variant) else (None, None)
