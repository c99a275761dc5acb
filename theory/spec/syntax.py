"""The reader of terms: text to tree, with the place of the first mistake.

    sum     ::= ["-"] product (("+" | "-") product)*
    product ::= power ("*" power)*
    power   ::= atom ["^" digits]
    atom    ::= "x" | "eps" | number | "par(" AXES ")" | "mean(" sum "," AXES ")" | "rsqrt(" sum ")" | "(" sum ")"
    number  ::= digits ["." digits] ["/" digits]

Numbers are rational: ``0.5`` and ``1/2`` are one and the same.
"""

from __future__ import annotations

import re
from fractions import Fraction

from theory.spec.axes import BCHW, AxisSet, Layout, parse_axes
from theory.spec.errors import SpecificationError, refuse
from theory.spec.terms import (
    EPS,
    LARGEST_POWER,
    LONGEST_NUMBER,
    Constant,
    InverseRoot,
    Mean,
    Parameter,
    Term,
    X,
    add,
    multiply,
    negate,
    power,
)
from theory.spec.tokens import Tokens

LONGEST_TEXT = 10_000
DEEPEST_NESTING = 50

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?(?:/\d+)?)|([A-Za-z]+)|([-+*^(),]))", re.ASCII)


class _Reader(Tokens):
    def __init__(self, text: str, layout: Layout) -> None:
        expected = "a term of x, eps, numbers, par, mean, rsqrt, + - * ^ and parentheses"
        super().__init__(text, "term", _TOKEN, expected, DEEPEST_NESTING)
        self.layout = layout

    def sum(self) -> Term:
        self.enter()
        signed = self.token == "-"
        if signed:
            self.take()
        terms = [negate(self.product()) if signed else self.product()]
        while self.token in ("+", "-"):
            minus = self.take() == "-"
            terms.append(negate(self.product()) if minus else self.product())
        self.leave()
        return add(*terms)

    def product(self) -> Term:
        factors = [self.power()]
        while self.token == "*":
            self.take()
            factors.append(self.power())
        return multiply(*factors)

    def power(self) -> Term:
        base = self.atom()
        if self.token != "^":
            return base
        self.take()
        place = self.place
        digits = self.take()
        if not digits.isdigit() or len(digits) > 3 or int(digits) > LARGEST_POWER:
            raise self.mistake(f"a power from 0 to {LARGEST_POWER}", place)
        return power(base, int(digits))

    def atom(self) -> Term:
        place = self.place
        token = self.take()
        if token == "x":
            return X
        if token == "eps":
            return EPS
        if token[:1].isdigit():
            return Constant(self.number(token, place))
        if token == "(":
            inside = self.sum()
        elif token == "par":
            self.expect("(")
            inside = Parameter(self.axes())
        elif token == "mean":
            self.expect("(")
            body = self.sum()
            self.expect(",")
            inside = Mean(body, self.axes())
        elif token == "rsqrt":
            self.expect("(")
            inside = InverseRoot(self.sum())
        else:
            raise self.mistake("x, eps, a number, par(AXES), mean(TERM, AXES), rsqrt(TERM) or `(`", place)
        self.expect(")")
        return inside

    def number(self, token: str, place: int) -> Fraction:
        if any(len(digits) > LONGEST_NUMBER for digits in re.split(r"[./]", token)):
            raise self.mistake(f"a number of at most {LONGEST_NUMBER} digits", place)
        whole, _, below = token.partition("/")
        if below and int(below) == 0:
            raise self.mistake("a denominator that is not 0", place)
        return Fraction(whole) / int(below) if below else Fraction(whole)

    def axes(self) -> AxisSet:
        place = self.place
        token = self.token
        if not token.isalpha():
            raise self.mistake(f"an axis set: letters of {self.layout.names}, or `empty`")
        try:
            axes = parse_axes(token, self.layout)
        except SpecificationError as error:
            raise refuse(f"term={self.text[:200]}", str(error), f"at character {place + 1}") from None
        self.take()
        return axes


def parse(text: str, layout: Layout = BCHW) -> Term:
    """Read a term.

    Raises:
        SpecificationError: the text does not parse; the message names the character where it stops making sense.

    >>> str(parse("(x - mean(x,C)) * rsqrt(mean((x - mean(x,C))^2, CHW) + eps)"))
    '(x - mean(x, C))*rsqrt(mean((x - mean(x, C))^2, CHW) + eps)'
    """
    if len(text) > LONGEST_TEXT:
        raise refuse(f"term={text[:60]}…", f"at most {LONGEST_TEXT} characters")
    reader = _Reader(text, layout)
    term = reader.sum()
    if reader.token:
        raise reader.mistake("an operator or the end")
    return term
