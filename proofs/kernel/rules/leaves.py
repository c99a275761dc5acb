"""The leaves: the input moves with the action; numbers, epsilon and parameters do not depend on it."""

from typing import Any

from proofs.kernel.derivations import INVARIANT, Facts, Setting, Step
from proofs.kernel.reading import fraction, integer, take


def input_array(data: Any, premises: list[Step], setting: Setting) -> Step:
    """x is equivariant and has the degree of the domain's arrays."""
    take(data, "")
    return ("x",), Facts(True, setting.moving.limit, setting.moving.limit == INVARIANT.degree)


def number(data: Any, premises: list[Step], setting: Setting) -> Step:
    """A number is invariant."""
    (value,) = take(data, "value")
    return ("number", fraction(value)), INVARIANT


def epsilon(data: Any, premises: list[Step], setting: Setting) -> Step:
    """Epsilon is invariant."""
    take(data, "")
    return ("eps",), INVARIANT


def parameter(data: Any, premises: list[Step], setting: Setting) -> Step:
    """A parameter is steady; if it is constant along the moving axis, it is invariant."""
    (place,) = take(data, "number")
    known = setting.statement.parameters
    varies = setting.moving.name in known[integer(place, 0, len(known) - 1)]
    return ("par", place), Facts(steady=True) if varies else INVARIANT
