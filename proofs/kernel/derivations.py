"""Typing derivations: what is known of each intermediate array y(x) along one moving axis, step by step.

    equivariant   y(T_t x) = T_t y(x) for every displacement t of the action
    degree L      y(T_t x)[n] = P(n - t), P a trigonometric polynomial of degree at most L that depends on x
    steady        y(T_t x) = y(x)
    alternating   two samples: y[1] = -y[0], and a shift changes the sign

Degree 0 is called invariant. For translations under `symmetric`, and without Nyquist energy, displacements along
several axes commute and generate the rest, so equivariance along each axis is equivariance along all.
"""

from typing import Any, NamedTuple

from proofs.kernel.normal_forms import equal
from proofs.kernel.progressions import Progression, read_progression
from proofs.kernel.reading import MOST_NODES, MOST_STEPS, integer, items, require, take, word
from proofs.kernel.statements import NOTHING, ONE, Axis, Statement
from proofs.kernel.terms import Term


class Facts(NamedTuple):
    """What is known of one array."""

    equivariant: bool = False
    degree: Progression | None = None
    steady: bool = False
    alternating: bool = False

    @property
    def invariant(self) -> bool:
        """True for degree 0: then it is equivariant, steady and constant along the axis as well."""
        return self.degree == NOTHING

    def follow_from(self, other: "Facts") -> bool:
        """True if an array of the facts ``other`` has these."""
        low = self.degree is None or (other.degree is not None and self.degree.plus(ONE).above(other.degree))
        flags = ("equivariant", "steady", "alternating")
        return low and all(getattr(other, flag) or not getattr(self, flag) for flag in flags)


INVARIANT = Facts(True, NOTHING, True)


class Setting(NamedTuple):
    """The statement, and the axis along which it is proved."""

    statement: Statement
    moving: Axis

    def degree(self, facts: Facts) -> Progression | None:
        """The degree; what is equivariant has at most that of any array on N samples, floor(N/2)."""
        return self.moving.size.half() if facts.degree is None and facts.equivariant else facts.degree


Step = tuple[Term, Facts]


def check_typing(value: Any, statement: Statement) -> None:
    """Accept a proof of equivariance on all grids of the statement. Raises Rejected."""
    from proofs.kernel.rules import conclude

    _, derivations = take(value, "kind derivations")
    expected = [axis for axis in statement.axes if axis.moves and axis.size != ONE]
    for moving, derivation in zip(expected, items(derivations, 26, len(expected)), strict=True):
        name, steps = take(derivation, "axis steps")
        word(name, moving.name)
        setting, done, nodes = Setting(statement, moving), list[Step](), list[int]()
        for data in items(steps, MOST_STEPS):
            rule, of, stated, own = take(data, "rule of facts with")
            premises = [done[integer(place, 0, len(done) - 1)] for place in items(of, MOST_STEPS)]
            nodes.append(1 + sum(nodes[place] for place in of))
            require(nodes[-1] <= MOST_NODES, f"a term of more than {MOST_NODES} operations")
            term, known = conclude(rule, own, premises, setting)
            facts = _read_facts(stated)
            require(facts.follow_from(known), f"step {len(done)} along {name}, {rule}: the facts do not follow")
            done.append((term, facts))
        require(bool(done) and done[-1][1].equivariant, f"along {name}, the last step is not known to be equivariant")
        require(equal(done[-1][0], statement.term, statement), f"along {name}, the last step is about another term")


def _read_facts(value: Any) -> Facts:
    equivariant, degree, steady, alternating = take(value, "equivariant degree steady alternating")
    require(all(type(flag) is bool for flag in (equivariant, steady, alternating)), "facts hold or not: true or false")
    found = None if degree is None else read_progression(degree, 0, 10**12)
    return Facts(equivariant, found, steady, alternating)
