"""What makes a function unfit to be looked at as a layer: each fault is found by calling it, and named in one line.

A layer is a function of one array: it keeps the shape, its values are finite, and they depend on nothing but the array.
With arrays a, b, c of one shape,

    f(a), f(a) differ                        random, or counts its calls
    ... and in a fresh process as before     it counts: it keeps state
    f(a), f(b), f(c), f(a): the last differs  it keeps state

The generators of Python, NumPy and torch start from another seed in the fresh process, so what is drawn differs there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from equinorm.targets.target import Target
from theory.spec.errors import SpecificationError, refuse

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

TOLERANCE = 64.0
"""Unit roundoffs, relative to the largest value, by which two calls may differ: sums by threads end in any order."""


def examine(target: Callable[[Any], Any], x: Floats) -> Floats:
    """Call ``target`` a few times at ``x`` and at others of its shape, and return its value at ``x``.

    Args:
        target: from :func:`equinorm.targets.open_target`, or any function; of one that is no :class:`Target` it cannot
            be told whether it is random or keeps state.
        x: an array on which a layer has something to do, float32 or float64.

    Raises:
        SpecificationError: the fault. A target must take the array and return a real array of the same shape,
            finite, without changing its input, and the same one when asked again.
    """
    first = _checked(target, x)
    second = _checked(target, x)
    if _differ(first, second):
        raise _told_apart(target, x, (first, second))
    for factor, offset in ((4.0, 0.5), (0.25, -0.5)):  # larger and smaller, for states that keep an extreme
        _checked(target, np.ascontiguousarray(np.flip(x)) * x.dtype.type(factor) + x.dtype.type(offset))
    if _differ(first, _checked(target, x)):
        raise _fault(target, "a function of the array alone", "it keeps state: f(a) is another one after f(b)")
    return first


def _fault(target: object, expected: str, remedy: str) -> SpecificationError:
    name = str(target) if isinstance(target, Target) else getattr(target, "__name__", type(target).__name__)
    return refuse(f"target={name}", expected, remedy)


def _checked(target: Callable[[Any], Any], x: Floats) -> Floats:
    given = x.copy()
    y = target(given)
    if given.tobytes() != x.tobytes():
        raise _fault(target, "a function that leaves its input as it is", "it modifies the array in place")
    if not isinstance(y, np.ndarray):
        raise _fault(target, "a function that returns an array", f"it returns a {type(y).__name__}")
    if y.shape != x.shape:
        raise _fault(target, "a function that keeps the shape", f"it takes {x.shape} to {y.shape}")
    if not np.all(np.isfinite(y)):
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(y))[0])
        kind = "NaN" if np.isnan(y[place]) else "infinity"
        raise _fault(target, "a function with finite values", f"on an array of shape {x.shape} it returns {kind}")
    return y


def _differ(first: Floats, second: Floats) -> bool:
    unit = float(np.finfo(first.dtype).eps) / 2
    size = float(np.max(np.abs(first), initial=0.0))
    return bool(np.max(np.abs(first - second), initial=0.0) > TOLERANCE * unit * size)


def _told_apart(target: object, x: Floats, before: tuple[Floats, Floats]) -> SpecificationError:
    expected = "a function of the array alone"
    if not isinstance(target, Target):
        return _fault(target, expected, "it is random or keeps state: two calls on one array differ")
    target.start(call_seed=1)
    again = (_checked(target, x), _checked(target, x))
    if any(_differ(old, new) for old, new in zip(before, again, strict=True)):
        return _fault(target, expected, "it is random: two calls on one array differ, and differently in a new process")
    remedy = "it keeps state: two calls on one array differ, and by as much in a new process"
    return _fault(target, expected, remedy)
