"""Prime cubes: the largest sets of assignments, given by fixing some variables, that fit into a region.

A *cube* fixes the variables of the mask ``care`` to the bits of ``value``; it is *prime* in a region (a bit set) if it
lies in it and no cube with fewer fixed variables around it does. The negation of a cube is a clause: the prime cubes
of the rows that are not true are the prime implicates of a truth table, those of the rows that are not false its
prime implicants.

The recursion splits at the last variable v, region = region₀ below and region₁ above:

    primes(region) = primes(region₀ ∩ region₁)  ∪  ¬v·(primes(region₀) not inside region₁)
                                                ∪   v·(primes(region₁) not inside region₀).

A prime cube of region₀ that lies in region₁ is a prime cube of the intersection, so "not inside" is a set difference.
References: Quine (1952); Coudert and Madre (1992), "Implicit and incremental computation of primes and essential
primes of Boolean functions", section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.decision.formulas import everything, where


@dataclass(frozen=True, order=True)
class Cube:
    """The assignments i with ``i & care == value``."""

    care: int
    value: int

    def rows(self, count: int) -> int:
        """The cube as a set of assignments of ``count`` variables."""
        found = everything(count)
        for index in range(count):
            if self.care >> index & 1:
                true = where(index, count)
                found &= true if self.value >> index & 1 else ~true
        return found


def prime_cubes(region: int, count: int) -> frozenset[Cube]:
    """All prime cubes of ``region``, a set of assignments of ``count`` variables.

    >>> sorted(prime_cubes(0b1110, 2)) == [Cube(1, 1), Cube(2, 2)]
    True
    """
    known: dict[tuple[int, int], frozenset[Cube]] = {}

    def primes(part: int, left: int) -> frozenset[Cube]:
        if part == 0:
            return frozenset()
        if part == everything(left):
            return frozenset((Cube(0, 0),))
        if (part, left) not in known:
            half = 1 << (left - 1)
            low, high = part & everything(left - 1), part >> half
            both = primes(low & high, left - 1)
            found = set(both)
            if low != high:
                bit = 1 << (left - 1)
                found |= {Cube(cube.care | bit, cube.value) for cube in primes(low, left - 1) - both}
                found |= {Cube(cube.care | bit, cube.value | bit) for cube in primes(high, left - 1) - both}
            known[part, left] = frozenset(found)
        return known[part, left]

    return primes(region, count)
