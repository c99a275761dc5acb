"""The layer or the term of a chart, with parameters for maps of any shape.

A claim is about every parameter array, so charts show drawn ones, from N(0, 1): a default gain of 1 would hide what a
gain that varies over the map does. Each parameter has a stream of its own, so that parameters which do not vary over
the map are the same at every size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from equinorm.questions import Words, read_subject
from numerics.arrays import Array
from numerics.curves.subjects import Normalized, Probed, Subject
from numerics.experiment.draws import stream
from numerics.layers import Moments, affine_shape, running_shapes
from numerics.terms import evaluate, parameter_shapes
from theory.spec.axes import BCHW
from theory.spec.catalogue import CATALOGUE
from theory.spec.layers import DEFAULT_EPS, Normalization, Statistics, parse_eps
from theory.spec.terms import Term


@dataclass(frozen=True)
class Drawn:
    """A layer or a term whose parameters are drawn under ``seed``; ``name`` is what charts call it."""

    name: str
    spec: Normalization | Term
    eps: Fraction
    seed: int
    dtype: str

    def at(self, shape: tuple[int, ...]) -> Subject:
        """The function of maps of this shape (B, C, H, W)."""
        if isinstance(self.spec, Normalization):
            found = affine_shape(self.spec, shape)
            gain, bias = (None if found is None else self._parameter(part, found) for part in ("gain", "bias"))
            return Normalized(self.spec, gain, bias, self._running(self.spec, shape))
        values = [self._parameter(str(place), each) for place, each in enumerate(parameter_shapes(self.spec, shape))]
        return Probed(self._term(self.spec, values))

    def _term(self, term: Term, values: list[Array]) -> Callable[[Array], Array]:
        def value(x: Array) -> Array:
            # Where a term is not defined it is NaN, which the curve has a gap for.
            with np.errstate(all="ignore"):
                return evaluate(term, x, values, self.eps)

        return value

    def _running(self, layer: Normalization, shape: tuple[int, ...]) -> Moments | None:
        """Running statistics are parameters too; a variance is positive."""
        if layer.statistics is Statistics.BATCH:
            return None
        mean, variance = (
            None if found is None else self._parameter(f"running {part}", found)
            for part, found in zip(("mean", "variance"), running_shapes(layer, shape), strict=True)
        )
        return Moments(mean, None if variance is None else variance**2 + 0.5)

    def _parameter(self, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        return stream(self.seed, "curves", name).standard_normal(shape).astype(self.dtype)


def read_drawn(words: Words, seed: int, dtype: str) -> Drawn:
    """The subject that ``words`` name.

    Raises:
        SpecificationError: none, or two that contradict each other.
    """
    spec = read_subject(words)
    if isinstance(spec, Normalization):
        return Drawn(words.layer or str(spec), spec, spec.eps, seed, dtype)
    return Drawn(str(spec), spec, DEFAULT_EPS if words.eps is None else parse_eps(words.eps), seed, dtype)


def named(seed: int, dtype: str) -> tuple[Drawn, ...]:
    """The layers of the catalogue."""
    return tuple(read_drawn(Words(layer=name), seed, dtype) for name in CATALOGUE)


def words_at(words: Words, shape: tuple[int, ...]) -> Words:
    """The question about arrays of exactly this shape (B, C, H, W)."""
    sizes = dict(zip(BCHW.names, shape, strict=True))
    return replace(words, grid=f"{sizes['H']}x{sizes['W']}", batch=sizes["B"], channels=sizes["C"])
