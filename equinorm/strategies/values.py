"""Strategies for the parameters of layers and of terms, as arrays of float64.

A gain that is 1 everywhere hides an affine step over the wrong axes, so most of these vary: all entries 1, the first
one 2 and the others 1, graded 1, 2, 3, …, or 1 plus noise, from the simplest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from equinorm.strategies.signals import Array, shape_of
from numerics.layers import Moments, affine_shape, running_shapes
from numerics.terms import parameter_shapes
from theory.spec.grids import Grid
from theory.spec.layers import Normalization, Statistics
from theory.spec.terms import Term


@st.composite
def parameters(draw: st.DrawFn, shape: Sequence[int]) -> Array:
    """One parameter array of this shape; 1 everywhere is the simplest."""
    kind = draw(st.sampled_from(["ones", "one", "graded", "noise"]))
    count = int(np.prod(shape, dtype=np.int64))
    if kind == "noise":
        rng = np.random.Generator(np.random.PCG64(draw(st.integers(0, 2**32 - 1))))
        return 1 + rng.standard_normal(tuple(shape))
    values = np.arange(1.0, count + 1) if kind == "graded" else np.ones(count)
    if kind == "one":
        values[0] = 2.0
    return values.reshape(tuple(shape))


@st.composite
def layer_parameters(draw: st.DrawFn, layer: Normalization, grid: Grid) -> dict[str, Any]:
    """Arguments of :func:`numerics.layers.normalize` beside the layer and the array: ``gain`` and ``bias`` if the
    layer has an affine step, ``running`` if it has running statistics (variances are positive).

    >>> from hypothesis import find
    >>> from theory.spec.grids import grid_of
    >>> layer = Normalization(scale=frozenset("HW"), affine=frozenset("C"))
    >>> grid = grid_of({"B": 1, "C": 2, "H": 3, "W": 3})
    >>> {name: value.tolist() for name, value in find(layer_parameters(layer, grid), bool).items()}
    {'gain': [[[[1.0]], [[1.0]]]], 'bias': [[[[1.0]], [[1.0]]]]}

    Raises:
        SpecificationError: the grid is a family of sizes.
    """
    shape = shape_of(grid)
    found: dict[str, Any] = {}
    affine = affine_shape(layer, shape)
    if affine is not None:
        found = {"gain": draw(parameters(affine)), "bias": draw(parameters(affine))}
    if layer.statistics is Statistics.RUNNING:
        mean, variance = running_shapes(layer, shape)
        found["running"] = Moments(
            None if mean is None else draw(parameters(mean)),
            None if variance is None else draw(parameters(variance)) ** 2,
        )
    return found


@st.composite
def term_parameters(draw: st.DrawFn, term: Term, grid: Grid) -> tuple[Array, ...]:
    """One array for each occurrence of a parameter in ``term``, as :func:`numerics.terms.evaluate` takes them.

    >>> from hypothesis import find
    >>> from theory.spec.grids import grid_of
    >>> from theory.spec.syntax import parse
    >>> grid = grid_of({"B": 1, "C": 2, "H": 3, "W": 3})
    >>> [value.shape for value in find(term_parameters(parse("par(C)*x + par(W)"), grid), bool)]
    [(1, 2, 1, 1), (1, 1, 1, 3)]

    Raises:
        SpecificationError: the grid is a family of sizes.
    """
    return tuple(draw(parameters(shape)) for shape in parameter_shapes(term, shape_of(grid), grid.layout))
