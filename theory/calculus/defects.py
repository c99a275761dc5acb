"""Frequency defects: which waves a failed rule lets through, and whether the action tolerates them.

A term is a sum of monomials: waves k_1, …, k_p of the input make a wave k_0 of the output. Its defect is
D = k_1 + … + k_p - k_0, with k_0 between -N/2 and N/2. The derived condition says which defects an action tolerates:
all multiples of N for shifts, 0 alone for translations. The judgement that lost a fact says which waves to look at.
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.calculus.conditions import holds
from theory.calculus.facts import Judgement
from theory.calculus.linear import Linear
from theory.calculus.setting import Setting
from theory.derivations import defect, mean, mean_over_entries, nyquist_defect
from theory.spec.terms import Input, InverseRoot, Mean, Parameter, Power, Sum, Term, walk


@dataclass(frozen=True)
class Violation:
    """A pattern of frequencies on ``size`` samples that the rule at fault lets through.

    ``inputs`` are the frequencies of the waves that meet, ``output`` the one they make. ``apart`` is true where the
    input and the output belong to entries that move by different displacements.
    """

    judgement: Judgement
    size: int
    inputs: tuple[int, ...]
    output: int
    apart: bool = False

    @property
    def nyquist_waves(self) -> tuple[int, int]:
        """How many inputs are the Nyquist wave N/2, and whether the output is (1 or 0)."""
        return sum(2 * abs(k) == self.size for k in self.inputs), int(2 * abs(self.output) == self.size)

    @property
    def defect(self) -> int:
        """The sum of the input frequencies minus the output frequency."""
        return sum(self.inputs) - self.output

    def tolerated(self, displacement: str) -> bool:
        """True if an action, given by how its displacements are spelled, tolerates this pattern."""
        size = Linear(self.size)
        count, out = self.nyquist_waves
        if displacement == "integer" or not (count or out):
            return holds(defect.RULE, D=self.defect, N=size, t=displacement)
        rest = self.defect - (count - out) * self.size // 2
        return holds(nyquist_defect.RULE, a=count, a0=out, D=rest, N=size, t=displacement)


def wrapped(frequency: int, size: int) -> int:
    """The frequency between -N/2 (left out) and N/2 that has the same samples."""
    remainder = frequency % size
    return remainder - size if 2 * remainder > size else remainder


def faults(judgement: Judgement) -> tuple[Judgement, ...]:
    """The judgements at which the derivation gets stuck, from the leaves up: those that have neither equivariance nor a
    degree although all they rest on has; where there is none, those that lose equivariance.
    """
    lost = [n for n in judgement.walk() if n.facts.none and not any(p.facts.none for p in n.premises)]
    if not lost:
        lost = [n for n in judgement.walk() if not n.facts.equivariant and all(p.facts.equivariant for p in n.premises)]
    return tuple(lost) or (judgement,)


def violation(judgement: Judgement, setting: Setting, size: int, shifts_suffice: bool) -> Violation:
    """The frequencies at which a judgement at fault breaks the claim on ``size`` samples.

    ``shifts_suffice``: the witness at hand moves by whole samples, so a fault that shifts already show is meant.
    """
    whole = parity(judgement.term)
    found = [_violation(node, setting, size, whole) for node in faults(judgement)]
    if shifts_suffice:
        return next((v for v in found if v.apart or not v.tolerated("integer")), found[0])
    return found[0]


def _violation(node: Judgement, setting: Setting, size: int, whole: int | None) -> Violation:
    highest = min(_highest(setting, size), size // 2)
    if isinstance(node.term, Parameter):
        return Violation(node, size, (0,), wrapped(1, size))
    asked = {condition.rule: condition.holds for condition in node.conditions}
    if isinstance(node.term, Mean) and asked.get(mean.RULE) is False:
        return Violation(node, size, _summing_to(size, highest, _factors(node.premises[0], setting)), 0)
    if isinstance(node.term, Mean) and asked.get(mean_over_entries.RULE) is False:
        return Violation(node, size, (1,), 1, apart=True)
    return _product_of_equals(node, setting, size, highest, whole)


def _highest(setting: Setting, size: int) -> int:
    """The largest frequency of the input on ``size`` samples, a member of the setting's family."""
    step = setting.samples.step
    m = (size - setting.samples.first) // step if step else 0
    return setting.band.at(m)


def parity(term: Term) -> int | None:
    """0 for a term that is even in x, 1 for an odd one; ``None`` for others. What is free of x is added freely."""
    if isinstance(term, Input):
        return 1
    parts = [parity(child) for child in term.children]
    if isinstance(term, Sum):
        kinds = {parity(part) for part in term.terms if any(isinstance(node, Input) for node in walk(part))}
        return kinds.pop() if len(kinds) == 1 else (None if kinds else 0)
    if None in parts:
        return None
    if isinstance(term, Power):
        return (parts[0] or 0) * term.exponent % 2
    if isinstance(term, InverseRoot):
        # The root of an odd term is neither even nor odd: it is defined on one side only.
        return None if parts[0] else 0
    return sum(part or 0 for part in parts) % 2


def _factors(judgement: Judgement, setting: Setting) -> int | None:
    """Of how many inputs a judged array is a product, read off its degree."""
    degree, band = judgement.facts.degree, setting.band
    if degree is None or band.first == 0 or degree.first % band.first:
        return None
    count = degree.first // band.first
    return count if degree == count * band else None


def _summing_to(size: int, highest: int, count: int | None) -> tuple[int, ...]:
    """So many frequencies from 1 to ``highest`` whose sum is ``size``; the fewest, if the number is not known."""
    if highest == 0:
        return (0,)
    count = count if count is not None and count <= size <= count * highest else -(-size // highest)
    found: list[int] = []
    for rest in range(count - 1, -1, -1):
        found.append(min(highest, size - sum(found) - rest))
    return tuple(found)


def _product_of_equals(node: Judgement, setting: Setting, size: int, highest: int, whole: int | None) -> Violation:
    """The smallest number of waves of the highest frequency whose product is not tolerated.

    A term that is odd (even) in x has monomials of odd (even) degree only.
    """
    start, step = {0: (2, 2), 1: (3, 2), None: (2, 1)}[whole]
    if isinstance(node.term, Power):
        start = node.term.exponent
    for count in range(start, start + 2 * size + 4, step):
        found = Violation(node, size, (highest,) * count, wrapped(count * highest, size))
        if not found.tolerated(setting.displacement):
            return found
    return Violation(node, size, (highest,), highest)
