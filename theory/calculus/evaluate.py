"""Evaluation of a term with a bound of its own rounding error, in floats or in long floats.

Every array carries one radius: no entry is further than that from the exact value. The radius grows by bounds, not
estimates (a sum adds radii, a product crosses them with the largest entries, rsqrt multiplies by its steepest slope),
plus the rounding of each operation. Two values whose balls are apart are different numbers; nothing else is ever called
a difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from theory.calculus.boards import Board
from theory.calculus.simplify import Occurrence
from theory.spec.terms import Constant, Epsilon, Input, InverseRoot, Mean, Power, Product, Sum, Term

Number = Any
"""A float, or an mpmath float of 200 bits; the formulas are the same."""


@dataclass(frozen=True)
class Arithmetic:
    """A kind of numbers: its rounding errors, and how a fraction, a root and a cosine are made in it.

    ``unit`` is relative; ``smallest`` is absolute, for results so small that they lose digits.
    """

    unit: Number
    smallest: Number
    number: Callable[[Fraction], Number]
    root: Callable[[Number], Number]
    cosine: Callable[[Fraction], Number]


def _float_cosine(turns: Fraction) -> float:
    return math.cos(2 * math.pi * float(turns % 1))


FLOATS = Arithmetic(2.0**-52, 2.0**-1074, float, math.sqrt, _float_cosine)


@lru_cache(maxsize=1)
def long_floats() -> Arithmetic:
    """Floats of 200 bits."""
    from mpmath import MPContext

    context = MPContext()
    context.prec = 200
    return Arithmetic(
        context.mpf(2) ** -198,
        context.mpf(0),
        lambda value: context.mpf(value.numerator) / value.denominator,
        context.sqrt,
        lambda turns: context.cospi(context.mpf(2 * turns.numerator) / turns.denominator),
    )


class Undefined(ArithmeticError):
    """A root of a number that is not certainly positive, or an overflow."""


@dataclass(frozen=True, slots=True)
class Ball:
    """An array in row-major order and a bound of its entries' errors."""

    values: list[Number]
    radius: Number

    @property
    def largest(self) -> Number:
        """A bound of the absolute values."""
        return max(map(abs, self.values)) + self.radius


@dataclass(frozen=True)
class Step:
    """One operation of a straight-line program: a node and the places of its operands."""

    node: Term
    operands: tuple[int, ...]


@lru_cache(maxsize=16_384)
def program(term: Term) -> tuple[Step, ...]:
    """The distinct nodes of a term, operands first; the last step is the term itself."""
    places: dict[Term, int] = {}
    steps: list[Step] = []

    def visit(node: Term) -> int:
        if node not in places:
            operands = tuple(visit(child) for child in node.children)
            places[node] = len(steps)
            steps.append(Step(node, operands))
        return places[node]

    visit(term)
    return tuple(steps)


def _sum(parts: list[Ball], unit: Number) -> Ball:
    values = [sum(column) for column in zip(*(part.values for part in parts), strict=True)]
    largest = sum(part.largest for part in parts)
    return Ball(values, sum(part.radius for part in parts) + len(parts) * unit * largest)


def _product(left: Ball, right: Ball, arithmetic: Arithmetic) -> Ball:
    values = [a * b for a, b in zip(left.values, right.values, strict=True)]
    first, second = left.largest, right.largest
    rounding = arithmetic.unit * first * second + arithmetic.smallest
    return Ball(values, first * right.radius + second * left.radius + rounding)


def _power(base: Ball, exponent: int, arithmetic: Arithmetic) -> Ball:
    """By squaring, from the leading binary digit of the exponent on."""
    result = base
    for digit in f"{exponent:b}"[1:]:
        result = _product(result, result, arithmetic)
        if digit == "1":
            result = _product(result, base, arithmetic)
    return result


def _mean(part: Ball, node: Mean, board: Board, arithmetic: Arithmetic) -> Ball:
    groups, weights, count, total = board.joined(node.axes)
    sums: list[Number] = [0] * count
    for group, weight, value in zip(groups, weights, part.values, strict=True):
        sums[group] += weight * value
    means = [value / total for value in sums]
    rounding = (len(weights) // count + 3) * arithmetic.unit * part.largest + arithmetic.smallest
    return Ball([means[group] for group in groups], part.radius + rounding)


def _inverse_root(part: Ball, arithmetic: Arithmetic) -> Ball:
    low = min(part.values) - part.radius
    if not low > 0:
        raise Undefined
    values = [1 / arithmetic.root(value) for value in part.values]
    return Ball(values, part.radius / (2 * low * arithmetic.root(low)) + 4 * arithmetic.unit / arithmetic.root(low))


@dataclass(frozen=True)
class Assignment:
    """The input, the parameters in order of occurrence, and epsilon."""

    x: Ball
    parameters: tuple[list[Number], ...]
    eps: Number


def evaluate(term: Term, given: Assignment, board: Board, arithmetic: Arithmetic) -> Ball:
    """The value of a numbered term.

    Raises:
        Undefined: a root of a number that is not certainly positive, or an overflow.
    """
    unit, size = arithmetic.unit, len(board.cells)
    balls: list[Ball] = []
    try:
        for step in program(term):
            node, parts = step.node, [balls[place] for place in step.operands]
            if isinstance(node, Input):
                ball = given.x
            elif isinstance(node, Constant):
                value = arithmetic.number(node.value)
                ball = Ball([value] * size, abs(value) * unit)
            elif isinstance(node, Epsilon):
                ball = Ball([given.eps] * size, given.eps * unit)
            elif isinstance(node, Occurrence):
                ball = Ball(given.parameters[node.index], 0)
            elif isinstance(node, Sum):
                ball = _sum(parts, unit)
            elif isinstance(node, Product):
                ball = parts[0]
                for part in parts[1:]:
                    ball = _product(ball, part, arithmetic)
            elif isinstance(node, Power):
                ball = _power(parts[0], node.exponent, arithmetic)
            elif isinstance(node, Mean):
                ball = _mean(parts[0], node, board, arithmetic)
            elif isinstance(node, InverseRoot):
                ball = _inverse_root(parts[0], arithmetic)
            else:
                raise TypeError(f"term={node!r}: expected a numbered term")
            balls.append(ball)
    except (OverflowError, ZeroDivisionError):
        # A number too large, or the slope of a root at a number too small, for this arithmetic.
        raise Undefined from None
    return balls[-1]
