"""How large the relative L2 error may be by rounding alone, and the judgement of a measured error.

If a layer f is equivariant, f(T x) = T f(x) in exact arithmetic, and what is measured is rounding. The bound follows
it to first order through both sides. With u the unit roundoff, and root mean squares over the pixels of one map (one
entry of the batch and channel axes):

1. T rounds by tau u |x|: tau = 0 for shifts, :func:`transform_growth` for translations.
2. Centering rounds by (|x| + (s + 1)|m|) u, where |m| is the root mean square of the maps that the mean joins, and s
   the growth of a sum (:func:`sum_growth`). So D = ((tau + 2)|x| + (tau + 2 s + 2)|m|) u is the error of c on both
   sides together.
3. Dividing by sqrt(v + eps) turns D into D / sqrt(v + eps), and once more through the variance v itself, whose own
   sum adds (s' + 6) u relative to y.
4. Gain, bias and the translation of y add (2 + tau) u relative to y.

So the bound is about (tau + s) u sqrt(kappa), with the conditioning kappa = (mean^2 + var) / (var + eps): a map of
large mean and small variance loses its digits in the first centering, whatever comes after. Where D is not small
against sqrt(v + eps) the expansion fails and only |y| <= 1 before the affine step is left, which bounds the error
by twice that; the judgement there is that nothing can be said.

How loose: for translations the bound was 7 to 1000 times the error seen, mostly 60 times (11 layers, maps of mean up
to 1000 times their deviation and down to 1e-6, float32 and float64). Shifts round far less than it allows, often not
at all, because equal sums of permuted entries round alike.

References: Higham (2002), Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 4.2 (sums) and 24.1 (FFT,
error proportional to log2 N); Chan, Golub and LeVeque (1983), The American Statistician 37(3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from numerics.arrays import Array, Floats, blocks, namespace_of, sum_of_products, to_numpy, unit_roundoff
from numerics.layers import Moments, moments
from theory.spec.actions import ActionKind
from theory.spec.axes import AxisKind, AxisSet, Layout
from theory.spec.errors import refuse
from theory.spec.layers import Normalization, Statistics

GENERIC_VIOLATION = 1e-4
"""The relative L2 error that a violation is expected to exceed where the caller of :func:`judge` knows no better.

Seen, for violations that come from the Nyquist bin alone: 2e-3 to 2e-2 on feature maps of photographs, 1.4e-4 on noise
summed along both axes (56 x 56). It is no theorem: on narrow bands violations are smaller still.
"""


class Judgement(Enum):
    """Three values: what a number says depends on how much rounding could have made it."""

    WITHIN = "within"
    ABOVE = "above"
    UNDECIDABLE = "undecidable"


def judge(error: float, bound: float, violation: float = GENERIC_VIOLATION) -> Judgement:
    """Judge one measured relative L2 error.

    ABOVE: the error exceeds the bound, so it is no rounding. WITHIN: it does not, and a violation of the size
    ``violation`` would have shown. UNDECIDABLE: it does not, but such a violation could hide under the bound; or the
    error or the bound is NaN.

    >>> judge(1e-6, 1e-5).value, judge(1e-2, 1e-5).value, judge(1e-6, 1e-2).value
    ('within', 'above', 'undecidable')
    """
    if math.isnan(error) or math.isnan(bound):
        return Judgement.UNDECIDABLE
    if error > bound:
        return Judgement.ABOVE
    return Judgement.WITHIN if bound < violation else Judgement.UNDECIDABLE


def transform_growth(kind: ActionKind, sizes: Sequence[int]) -> float:
    """The error of one transformation in units of u |x|: 0 for shifts, 4 + 2 log2 N for a translation of N samples.

    Forward and inverse transform each lose about one unit a stage, the phases the rest; ``sizes`` are those of the
    moving axes, N their product. Seen, over sizes 2 to 512, primes included: at most 0.6 log2 N + 1.7.
    """
    return 0.0 if kind is ActionKind.SHIFT else 4 + 2 * math.log2(max(2, math.prod(sizes)))


def sum_growth(shape: Sequence[int], reduced: Sequence[int]) -> float:
    """The error of a mean over the axes ``reduced``, in units of u times the mean absolute value.

    Along the trailing reduced axes, contiguous in memory, NumPy adds eight partial sums within blocks of 128, these in
    pairs, and then the blocks in pairs: 20 + log2(n / 128) units from 128 numbers on. Any other axis is added row by
    row: n units. Other libraries add in trees.
    """
    trailing = 1
    for axis in range(len(shape) - 1, -1, -1):
        if axis not in reduced:
            break
        trailing *= shape[axis]
    strided = math.prod(shape[axis] for axis in reduced) // trailing
    in_pairs = min(trailing, 128) / 8 + 4 + math.log2(max(1.0, trailing / 128))
    return min(trailing - 1, in_pairs) + (strided - 1)


def rounding_bound(
    layer: Normalization,
    x: Array,
    y: Array,
    expected: Array,
    growth: float,
    gain: Array | None = None,
    bias: Array | None = None,
    running: Moments | None = None,
) -> Floats:
    """A bound on the relative L2 error that rounding makes between f(T x) and T f(x), for each entry of axis 0.

    Args:
        layer: the layer f, equivariant or not; axis 0 of its layout holds the samples.
        x: its input, of the dtype that everything was computed in.
        y: f(x), computed.
        expected: T f(x), computed: the error is relative to its norm.
        growth: of the transformation, from :func:`transform_growth`.
        gain: as given to the layer.
        bias: as given to the layer.
        running: as given to the layer.

    Returns:
        float64 of shape (B,); infinite where ``expected`` is 0 and rounding is not.

    Raises:
        SpecificationError: arrays of other shapes than the layer's input.
    """
    namespace_of(x)
    if not tuple(x.shape) == tuple(y.shape) == tuple(expected.shape) or x.ndim != len(layer.layout):
        raise refuse(f"arrays of shapes {tuple(x.shape)}, {tuple(y.shape)}, {tuple(expected.shape)}", "one shape")
    needs_variance = layer.statistics is Statistics.BATCH and layer.scale is not None
    sizes = Sizes(
        shape=tuple(x.shape),
        x=mean_square(layer.layout, x),
        y=mean_square(layer.layout, y),
        expected=mean_square(layer.layout, expected),
        variance=smallest_per_map(layer.layout, moments(layer, x).variance) if needs_variance else None,
    )
    return bound_from_sizes(layer, sizes, unit_roundoff(x), growth, gain, bias, running)


@dataclass(frozen=True)
class Sizes:
    """What the bound needs to know of the arrays: float64, of full rank, of size 1 on the spatial axes.

    ``shape`` is that of the arrays; ``x``, ``y`` and ``expected`` their :func:`mean_square`; ``variance`` the smallest
    variance of each map (:func:`smallest_per_map` of the layer's), only for a scaling step with batch statistics.
    """

    shape: tuple[int, ...]
    x: Floats
    y: Floats
    expected: Floats
    variance: Floats | None = None


def mean_square(layout: Layout, x: Array) -> Floats:
    """The mean square of each map, an entry of the index axes: float64, in squared units of ``x``."""
    xp = namespace_of(x)
    spatial = _spatial(layout)
    count = math.prod(x.shape[axis] for axis in spatial)
    parts = [to_numpy(sum_of_products(xp, x[b], x[b], spatial) / count) for b in blocks(x)]
    return (
        np.concatenate(parts, axis=0)
        .astype(np.float64)
        .reshape([1 if i in spatial else n for i, n in enumerate(x.shape)])
    )


def smallest_per_map(layout: Layout, values: Array) -> Floats:
    """The smallest value over the spatial axes, in float64 and of full rank."""
    return np.asarray(to_numpy(values).min(axis=_spatial(layout), keepdims=True), dtype=np.float64)


def bound_from_sizes(
    layer: Normalization,
    sizes: Sizes,
    u: float,
    growth: float,
    gain: Array | None = None,
    bias: Array | None = None,
    running: Moments | None = None,
) -> Floats:
    """:func:`rounding_bound` without the arrays, for who measures many layers of one map.

    ``u`` is the unit roundoff of their dtype; the other arguments and the result are as there.
    """
    maps = _Maps(layer, sizes.shape)
    size_x, size_y = np.sqrt(sizes.x), np.sqrt(sizes.y)
    largest_gain = np.asarray(1.0) if gain is None else maps.largest(np.abs(to_numpy(gain)))
    largest_bias = np.asarray(0.0) if bias is None else maps.largest(np.abs(to_numpy(bias)))
    error_c = u * maps.centering(size_x, growth, running)
    error = largest_gain * error_c
    if layer.scale is not None:
        error = maps.scaling(sizes.variance, error_c, size_y + largest_bias, largest_gain, u, running)
    error = np.sqrt(maps.per_sample(error**2 + (2 * u * (size_y + 2 * largest_bias)) ** 2))
    error = error + growth * u * np.sqrt(maps.per_sample(size_y**2))
    size = np.sqrt(maps.per_sample(sizes.expected))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(error == 0, 0.0, error / size), dtype=np.float64)


def _spatial(layout: Layout) -> tuple[int, ...]:
    return tuple(place for place, axis in enumerate(layout) if axis.kind is AxisKind.SPATIAL)


class _Maps:
    """Statistics per map: float64 arrays of full rank, of size 1 on the spatial axes."""

    def __init__(self, layer: Normalization, shape: tuple[int, ...]) -> None:
        self.layer = layer
        self.shape = shape
        self.spatial = _spatial(layer.layout)
        self.maps_shape = tuple(1 if place in self.spatial else size for place, size in enumerate(shape))
        self.batch = layer.statistics is Statistics.BATCH

    def places(self, axes: AxisSet) -> tuple[int, ...]:
        return tuple(place for place, name in enumerate(self.layer.layout.names) if name in axes)

    def index_places(self, axes: AxisSet) -> tuple[int, ...]:
        return tuple(place for place in self.places(axes) if place not in self.spatial)

    def largest(self, values: np.ndarray[Any, Any]) -> Floats:
        return np.asarray(values.max(axis=self.spatial, keepdims=True), dtype=np.float64)

    def per_sample(self, values: Floats) -> Floats:
        full = values if values.shape == self.maps_shape else np.broadcast_to(values, self.maps_shape)
        return np.asarray(full.mean(axis=tuple(range(1, len(self.shape)))))

    def centering(self, size_x: Floats, growth: float, running: Moments | None) -> Floats:
        """D of step 2 in units of u: what rounding leaves in c, both sides together."""
        center = self.layer.center
        if center is None:
            return growth * size_x
        if not self.batch:
            mean = None if running is None else running.mean
            if mean is None:
                return growth * size_x
            rms = np.sqrt((to_numpy(mean).astype(np.float64) ** 2).mean(axis=self.spatial, keepdims=True))
            return np.asarray((growth + 2) * size_x + 2 * rms)
        if math.prod(self.shape[place] for place in self.places(center)) == 1:
            return np.zeros_like(size_x)  # x - x is 0 without rounding
        joined = np.sqrt((size_x**2).mean(axis=self.index_places(center), keepdims=True))
        s = sum_growth(self.shape, self.places(center))
        return np.asarray((growth + 2) * size_x + (growth + 2 * s + 2) * joined)

    def scaling(
        self, smallest: Floats | None, error_c: Floats, size_y: Floats, gain: Floats, u: float, running: Moments | None
    ) -> Floats:
        """The error of the scaled and gained array, per map: step 3."""
        scale = self.layer.scale or frozenset()
        if not self.batch:
            given = None if running is None else running.variance
            variance = np.asarray(1.0) if given is None else to_numpy(given).astype(np.float64)
            if given is not None:
                variance = variance.min(axis=self.spatial, keepdims=True)
            return np.asarray(gain * error_c / np.sqrt(variance + float(self.layer.eps)) + 6 * u * size_y)
        if smallest is None:
            raise refuse("variance=None", f"the smallest variance of each map for {self.layer}")
        # The smallest variance of a map belongs to its largest factor; a group of a few pixels has its own.
        root = np.sqrt(smallest + float(self.layer.eps))
        index = self.index_places(scale)
        joined = math.prod(self.shape[place] for place in index)
        mean_c = np.sqrt((np.broadcast_to(error_c, self.maps_shape) ** 2).mean(axis=index, keepdims=True))
        own = (sum_growth(self.shape, self.places(scale)) + 6) * u * size_y
        if set(self.spatial) <= set(self.places(scale)):
            through_variance = size_y * mean_c / root
        else:  # the entries of a small group may be as large as the root of its size
            through_variance = gain * math.sqrt(joined) * mean_c / root
        first_order = gain * error_c / root + through_variance + own
        # Beyond a quarter the expansion fails. Of both sides then only |y| <= 1 on average over a group is left.
        ceiling = 2 * math.sqrt(joined) * self._largest_joined(gain, index)
        return np.where(mean_c <= root / 4, np.minimum(4 / 3 * first_order, ceiling + own), ceiling + own)

    def _largest_joined(self, gain: Floats, index: tuple[int, ...]) -> Floats:
        return np.asarray(np.broadcast_to(gain, self.maps_shape).max(axis=index, keepdims=True))
