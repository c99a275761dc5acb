"""Layers that a motion passes through: T f(x) from T x alone, so that eight layers share one moved array.

T is linear, acts on each map by itself, and leaves constant maps as they are. So for

    f(x) = (x - m) r g + b,    m = mean(x, center),   r = (mean((x - m)^2, scale) + eps)^(-1/2),

with r, g and b constant along the moving axes, T f(x) = (T x - T m) r g + b; and T m is m where the centering mean is
constant along the moving axes, and the same mean of T x where it joins entries of one pixel that move alike. Both sides
of f(T x) = T f(x) are then of one form,

    alpha Z + beta,     Z = T x,  or  Z = T x less its mean over index axes,

with alpha and beta of one number for each map: on the left from the statistics of T x, on the right from those of x.
Which layers these are is read off their axes; any other is moved for itself.

Reference: the laws of T are those of :mod:`numerics.translations`.
"""

from __future__ import annotations

from theory.spec.axes import AxisSet
from theory.spec.layers import Normalization, Statistics


def passes_through(layer: Normalization, affine: bool) -> bool:
    """True if T f(x) is had from T x as above, for a motion along all spatial axes, each sample by itself.

    ``affine`` tells whether gain and bias differ from 1 and 0; running statistics are fresh ones, 0 and 1.
    """
    spatial = layer.layout.spatial
    gain_is_constant = not affine or not (layer.affine or frozenset()) & spatial
    if layer.statistics is Statistics.RUNNING:
        return gain_is_constant
    return gain_is_constant and _center_passes(layer) and (layer.scale is None or spatial <= layer.scale)


def gain_follows(layer: Normalization) -> bool:
    """True if gain and bias are constant along the spatial axes, so that they may be applied after T."""
    return not (layer.affine or frozenset()) & layer.layout.spatial


def carrier(layer: Normalization) -> AxisSet | None:
    """The axes over which Z is centered pixel by pixel; ``None`` where Z is T x itself.

    >>> from theory.spec.catalogue import find_layer
    >>> carrier(find_layer("LayerNorm-AF")), carrier(find_layer("InstanceNorm"))
    (frozenset({'C'}), None)
    """
    center = layer.center
    if center is None or layer.statistics is Statistics.RUNNING or center & layer.layout.spatial:
        return None
    return center


def _center_passes(layer: Normalization) -> bool:
    center, spatial = layer.center, layer.layout.spatial
    if center is None or spatial <= center:
        return True
    samples = frozenset(axis.name for axis in layer.layout if axis.sample)
    return bool(center) and not center & (spatial | samples)
