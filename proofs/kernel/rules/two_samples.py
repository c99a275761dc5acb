"""Shifts of two samples: what is centred along the moving axis alone alternates, [a, -a], and a shift is a sign.

So sums of such arrays alternate, products of an odd number of them do, and those of an even number do not move.
"""

from dataclasses import replace
from typing import Any

from proofs.kernel.derivations import INVARIANT, Setting, Step
from proofs.kernel.progressions import Progression
from proofs.kernel.rejection import require
from proofs.kernel.rules import arithmetic
from proofs.kernel.terms import negative


def _require_two(setting: Setting, premises: list[Step], alternating: bool) -> None:
    two = setting.statement.shifts and setting.moving.size == Progression(2)
    require(two, "this rule is about shifts of two samples")
    known = all(facts.alternating or facts.invariant for _, facts in premises)
    require(known or not alternating, "a premise neither alternates nor is invariant")


def centered(data: Any, premises: list[Step], setting: Setting) -> Step:
    """An equivariant y - mean(y, moving axis) alternates; the premises are y and minus its mean."""
    _require_two(setting, premises, False)
    require(len(premises) == 2, "expected y and -mean(y, moving axis)")
    (first, _), (second, _) = premises
    axis = frozenset(setting.moving.name)
    known = second == negative(("mean", first, axis)) or first == negative(("mean", second, axis))
    require(known, "expected y and -mean(y, moving axis)")
    term, facts = arithmetic.total(data, premises, setting)
    require(facts.equivariant, "the premises are not known to be equivariant")
    return term, replace(facts, alternating=True)


def total(data: Any, premises: list[Step], setting: Setting) -> Step:
    """A sum of alternating arrays alternates."""
    _require_two(setting, premises, True)
    term, facts = arithmetic.total(data, premises, setting)
    return term, replace(facts, alternating=all(facts.alternating for _, facts in premises))


def product(data: Any, premises: list[Step], setting: Setting) -> Step:
    """A product of alternating arrays and invariants, or a power of one."""
    _require_two(setting, premises, True)
    term, facts = (arithmetic.power if data else arithmetic.product)(data, premises, setting)
    count = sum(not facts.invariant for _, facts in premises) * (data["exponent"] if data else 1)
    return term, replace(facts, alternating=True) if count % 2 else INVARIANT
