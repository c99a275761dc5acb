"""Polynomials in a small amplitude u, a wave, and the reciprocals of the sizes; with them a term is expanded at x = 0.

A polynomial maps exponents to rational coefficients; the exponents are those of u, of the phase e^(-2 pi i K t / N), of
the wave e^(2 pi i K n / N), and of 1/n for the size n of each axis. Powers of u beyond ``order`` are dropped.
"""

from fractions import Fraction
from math import comb, isqrt

from proofs.kernel.progressions import Progression
from proofs.kernel.reading import MOST_PRODUCTS, require

Polynomial = dict[tuple[int, ...], Fraction | int]


class Polynomials:
    """Arithmetic up to an order, with a wave of this frequency K on axes of N samples."""

    def __init__(self, order: int, axes: int, frequency: Progression, size: Progression) -> None:
        self.order, self.frequency, self.size = order, frequency, size
        self.one = (0,) * (3 + axes)

    def number(self, value: Fraction) -> Polynomial:
        """A constant; a whole one as an integer, with which Python computes faster."""
        return {self.one: value.numerator if value.denominator == 1 else value} if value else {}

    def monomial(self, *exponents: int) -> Polynomial:
        """The product of the first variables to these powers."""
        return {(*exponents, *self.one[len(exponents) :]): 1}

    def add(self, left: Polynomial, right: Polynomial, factor: Fraction | int = 1) -> Polynomial:
        """The sum with a multiple of the second one."""
        found = dict(left)
        for key, value in right.items():
            found[key] = found.get(key, 0) + factor * value
            if not found[key]:
                del found[key]
        return found

    def multiply(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """The product."""
        require(len(left) * len(right) <= MOST_PRODUCTS, "the polynomials are too long")
        if not left or right == {self.one: 1}:
            return left
        found: Polynomial = {}
        for first, a in left.items():
            for second, b in right.items():
                if first[0] + second[0] <= self.order:
                    key = tuple(map(int.__add__, first, second))
                    found[key] = found.get(key, 0) + a * b
        return {key: value for key, value in found.items() if value}

    def weights(self, axis: int, size: Progression, count: int) -> tuple[Polynomial, Polynomial]:
        """The shares of one entry of an axis in a mean, and of all but ``count`` of them."""
        variable = self.monomial(*[0] * (3 + axis), 1)
        share = variable if size.step else self.number(Fraction(1, size.first))
        return share, self.add(self.monomial(), share, -count)

    def wave(self, kind: str, turns: Fraction) -> Polynomial:
        """2 cos(2 pi K (n - t) / N), as a sum of the wave and its inverse."""
        return self.add(self.monomial(0, 1, 1), self.monomial(0, -1, -1))

    def average(self, value: Polynomial) -> Polynomial:
        """The mean over the samples of the wave."""
        found: Polynomial = {}
        for (u, phase, wave, *sizes), part in value.items():
            if wave == 0 or looks_like_zero(Progression(0).plus(self.frequency, wave), self.size):
                found = self.add(found, {(u, phase, 0, *sizes): part})
        return found

    def inverse_root(self, value: Polynomial) -> Polynomial:
        """The series of one over the square root, at a constant term that is the square of a rational number."""
        start = Fraction(value.get(self.one, 0))
        root = Fraction(isqrt(max(start.numerator, 0)), isqrt(start.denominator))
        known = start > 0 and root**2 == start and all(key[0] or key == self.one for key in value)
        require(known, "a root at 0 of what is no square of a rational number")
        rest: Polynomial = {key: -part / start for key, part in value.items() if key != self.one}
        power = found = self.number(1 / root)
        for i in range(1, self.order + 1 if rest else 1):
            # (1 - w)^(-1/2) is the sum of binom(2i, i) (w/4)^i.
            power = self.multiply(rest, power)
            found = self.add(found, power, Fraction(comb(2 * i, i), 4**i))
        return found


def looks_like_zero(frequency: Progression, size: Progression) -> bool:
    """True if a frequency is a multiple of N for every size, false if it is for none. Raises Rejected otherwise."""
    # With more turns than these the difference to N has one sign on every grid.
    reach = abs(frequency.first) // size.first + (abs(frequency.step) // size.step if size.step else 0) + 1
    rests = [frequency.plus(size, turns) for turns in range(-reach, reach + 1)]
    always, never = (0, 0) in rests, not any(rest.holds(0) for rest in rests)
    known = always or (never and (size.step > 0 or frequency.step == 0))
    require(known, "a wave that looks like 0 on some grids of the family and perhaps not on others")
    return always


def never_zero(polynomial: Polynomial, sizes: list[Progression]) -> bool:
    """True if a polynomial in the reciprocals of the sizes is not 0 at any sizes of the families.

    With n = first + v the polynomial, times a power of each n, becomes one in v >= 0; if its coefficients have one sign
    and the constant one is not 0, neither is any value. (A single size has v = 0.)
    """
    found: Polynomial = {(): 0, **polynomial}
    for first, step in sizes:
        # One reciprocal after the other, the first exponent of the key, becomes a power of v, its last one.
        most = max((key[0] for key in found if key), default=0)
        expanded: Polynomial = {}
        for key, value in found.items():
            for i in range((most - key[0] if step else 0) + 1 if key else 0):
                part = value * comb(most - key[0], i) * first ** (most - key[0] - i)
                expanded[*key[1:], i] = expanded.get((*key[1:], i), 0) + part
        found = expanded
    constant = found.get((0,) * len(sizes), 0)
    return constant != 0 and all(value * constant >= 0 for value in found.values())
