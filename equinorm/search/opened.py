"""A target that runs: examined, its precision known, and asked about no shapes that it does not take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from equinorm.search.questions import Question, Shape
from equinorm.search.subjects import Unknown
from equinorm.targets import Target, examine
from numerics.rounding import probe_rounding
from theory.spec.errors import SpecificationError

SEED = 20250519


def _noise(shape: Shape) -> np.ndarray[Any, Any]:
    return np.random.Generator(np.random.PCG64(SEED)).standard_normal(shape)


def opened(question: Question, target: Target) -> tuple[Question, tuple[Shape, ...]]:
    """The question about ``target``, and the shapes that were left out.

    Raises:
        SpecificationError: a target that is unfit, or does not take the smallest shape.
    """
    first, *others = question.shapes
    x = _noise(first)
    y = examine(target, x)
    unit = probe_rounding(target, x, y).unit
    left_out = []
    for shape in others:
        try:
            target(_noise(shape))
        except SpecificationError as error:
            try:
                target(x)
            except SpecificationError:
                raise error from None
            left_out.append(shape)
    shapes = tuple(shape for shape in question.shapes if shape not in left_out)
    return replace(question, subject=Unknown(question.name, target, unit), shapes=shapes), tuple(left_out)
