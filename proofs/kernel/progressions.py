"""Numbers that grow with a family of sizes: first + step m for m = 0, 1, 2, …; a single number has step 0.

What is said about a progression is true only if it holds for every m.
"""

from typing import Any, NamedTuple

from proofs.kernel.reading import integer, items


class Progression(NamedTuple):
    """The numbers first + step m."""

    first: int
    step: int = 0

    def plus(self, other: "Progression", factor: int = 1) -> "Progression":
        """The sum with a multiple of another one."""
        return Progression(self.first + factor * other.first, self.step + factor * other.step)

    def half(self) -> "Progression":
        """Half of it, rounded down; the step must be even."""
        return Progression(self.first // 2, self.step // 2)

    def above(self, other: "Progression", factor: int = 1) -> bool:
        """Greater than a multiple of another one."""
        first, step = self.plus(other, -factor)
        return first > 0 and step >= 0

    def holds(self, number: int) -> bool:
        """True if a number is one of them."""
        more = number - self.first
        return more % self.step == 0 <= more // self.step if self.step else more == 0


def read_progression(value: Any, least: int, most: int) -> Progression:
    """``[first, step]``, the first number at least ``least``. Raises Rejected."""
    first, step = items(value, 2, 2)
    return Progression(integer(first, least, most), integer(step, 0, most))
