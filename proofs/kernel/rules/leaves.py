"""The leaves: the input moves with the action; numbers, epsilon and parameters do not depend on it."""

from typing import Any

from proofs.kernel.derivations import INVARIANT, Facts, Setting, Step
from proofs.kernel.reading import fraction, integer
from proofs.kernel.statements import NOTHING


def input_array(setting: Setting, premises: list[Step]) -> Step:
    """x is equivariant and has the degree of the domain's arrays."""
    limit = setting.moving.limit
    return ("x",), Facts(True, limit, limit == NOTHING)


def number(setting: Setting, premises: list[Step], value: Any) -> Step:
    """A number is invariant."""
    return ("number", fraction(value)), INVARIANT


def epsilon(setting: Setting, premises: list[Step]) -> Step:
    """Epsilon is invariant."""
    return ("eps",), INVARIANT


def parameter(setting: Setting, premises: list[Step], place: Any) -> Step:
    """A parameter is steady; if it is constant along the moving axis, it is invariant."""
    known = setting.statement.parameters
    varies = setting.moving.name in known[integer(place, 0, len(known) - 1)]
    return ("par", place), Facts(steady=True) if varies else INVARIANT
