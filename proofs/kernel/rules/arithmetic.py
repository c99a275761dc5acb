"""Sums, products and powers: T is linear, and frequencies add.

What all terms have, their sum has; its degree is the largest. Degrees of factors add up. One factor that is not
invariant may stand among invariants; shifts permute samples and allow more.
"""

from typing import Any

from proofs.kernel.derivations import Facts, Setting, Step
from proofs.kernel.progressions import Progression
from proofs.kernel.reading import integer, take
from proofs.kernel.rejection import require
from proofs.kernel.statements import NOTHING, ONE
from proofs.kernel.terms import LARGEST_POWER


def total(data: Any, premises: list[Step], setting: Setting) -> Step:
    """The sum of all premises."""
    take(data, "")
    facts = [known for _, known in premises]
    degree: Progression | None = NOTHING
    for own in map(setting.degree, facts):
        # Of two degrees that grow differently none is the largest, and nothing is known.
        ordered = [] if own is None or degree is None else [(own, degree), (degree, own)]
        degree = next((high for high, low in ordered if high.plus(ONE).above(low)), None)
    equivariant, steady = all(known.equivariant for known in facts), all(known.steady for known in facts)
    return ("sum", *(term for term, _ in premises)), Facts(equivariant, degree, steady)


def product(data: Any, premises: list[Step], setting: Setting) -> Step:
    """The product of all premises."""
    take(data, "")
    return ("product", *(term for term, _ in premises)), product_facts([known for _, known in premises], setting)


def power(data: Any, premises: list[Step], setting: Setting) -> Step:
    """A power of the one premise."""
    (exponent,) = take(data, "exponent")
    require(len(premises) == 1, "a power has one operand")
    term, known = premises[0]
    return ("power", term, integer(exponent, 2, LARGEST_POWER)), product_facts([known] * exponent, setting)


def product_facts(facts: list[Facts], setting: Setting) -> Facts:
    """The facts of a product of arrays with these facts."""
    degree: Progression | None = NOTHING
    for own in map(setting.degree, facts):
        degree = None if degree is None or own is None else degree.plus(own)
    varying = [known for known in facts if not known.invariant]
    equivariant = all(known.equivariant for known in varying) and (len(varying) < 2 or setting.statement.shifts)
    return Facts(equivariant, degree, all(known.steady for known in facts))
