"""Shifts of two samples: what is centred along the moving axis alone alternates, [a, -a], and a shift is a sign.

So sums of such arrays alternate, products of an odd number of them do, and those of an even number do not move.
"""

from typing import Any

from proofs.kernel.derivations import INVARIANT, Setting, Step
from proofs.kernel.reading import require
from proofs.kernel.rules import arithmetic
from proofs.kernel.terms import negative


def _require_two(setting: Setting) -> None:
    two = setting.statement.shifts and setting.moving.size == (2, 0)
    require(two, "this rule is about shifts of two samples")


def centered(setting: Setting, premises: list[Step]) -> Step:
    """An equivariant y - mean(y, moving axis) alternates; the premises are y and minus its mean."""
    _require_two(setting)
    (first, _), (second, _) = premises
    axis = frozenset(setting.moving.name)
    known = second == negative(("mean", first, axis)) or first == negative(("mean", second, axis))
    require(known, "expected y and -mean(y, moving axis)")
    term, facts = arithmetic.total(setting, premises)
    require(facts.equivariant, "the premises are not known to be equivariant")
    return term, facts._replace(alternating=True)


def total(setting: Setting, premises: list[Step]) -> Step:
    """A sum of alternating arrays alternates."""
    _require_two(setting)
    require(all(facts.alternating for _, facts in premises), "a premise does not alternate")
    term, facts = arithmetic.total(setting, premises)
    return term, facts._replace(alternating=True)


def product(setting: Setting, premises: list[Step]) -> Step:
    """A product of alternating arrays and invariants."""
    return _signed(setting, premises, arithmetic.product(setting, premises))


def power(setting: Setting, premises: list[Step], exponent: Any) -> Step:
    """A power of an alternating array, or of an invariant."""
    step = arithmetic.power(setting, premises, exponent)
    return _signed(setting, premises * exponent, step)


def _signed(setting: Setting, factors: list[Step], step: Step) -> Step:
    _require_two(setting)
    known = all(facts.alternating or facts.invariant for _, facts in factors)
    require(known, "a factor neither alternates nor is invariant")
    odd = sum(not facts.invariant for _, facts in factors) % 2
    return step[0], step[1]._replace(alternating=True) if odd else INVARIANT
