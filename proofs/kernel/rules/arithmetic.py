"""Sums, products and powers: T is linear, and frequencies add.

What all terms have, their sum has; its degree is the largest. Degrees of factors add up. One factor that is not
invariant may stand among invariants; shifts permute samples and allow more.
"""

from typing import Any

from proofs.kernel.derivations import Facts, Setting, Step
from proofs.kernel.progressions import Progression
from proofs.kernel.reading import integer
from proofs.kernel.statements import NOTHING
from proofs.kernel.terms import LARGEST_POWER


def total(setting: Setting, premises: list[Step]) -> Step:
    """The sum of all premises."""
    facts = [known for _, known in premises]
    degree: Progression | None = NOTHING
    for own in map(setting.degree, facts):
        # Of two degrees that grow differently none is the largest, and this one is above both.
        degree = None if degree is None or own is None else Progression(*map(max, degree, own))
    equivariant, steady = all(known.equivariant for known in facts), all(known.steady for known in facts)
    return ("sum", *(term for term, _ in premises)), Facts(equivariant, degree, steady)


def product(setting: Setting, premises: list[Step]) -> Step:
    """The product of all premises."""
    facts = [known for _, known in premises]
    degree: Progression | None = NOTHING
    for own in map(setting.degree, facts):
        degree = None if degree is None or own is None else degree.plus(own)
    varying = [known for known in facts if not known.invariant]
    equivariant = all(known.equivariant for known in varying) and (len(varying) < 2 or setting.statement.shifts)
    return ("product", *(term for term, _ in premises)), Facts(
        equivariant, degree, all(known.steady for known in facts)
    )


def power(setting: Setting, premises: list[Step], exponent: Any) -> Step:
    """A power of the one premise."""
    _, known = product(setting, premises * integer(exponent, 2, LARGEST_POWER))
    return ("power", premises[0][0], exponent), known
