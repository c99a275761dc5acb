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

LONGEST_TEXT = 10_000
DEEPEST_NESTING = 50

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?(?:/\d+)?)|([A-Za-z]+)|([-+*^(),]))")


class _Reader:
    def __init__(self, text: str, layout: Layout) -> None:
        self.text = text
        self.layout = layout
        self.tokens: list[tuple[str, int]] = []
        self.next = 0
        self.depth = 0
        end = len(text.rstrip())
        place = 0
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                place += len(text[place:]) - len(text[place:].lstrip())
                raise self.mistake(place, "a term of x, eps, numbers, par, mean, rsqrt, + - * ^ and parentheses")
            self.tokens.append((match[match.lastindex or 0], match.start(match.lastindex or 0)))
            place = match.end()
        self.tokens.append(("", end))

    def mistake(self, place: int, expected: str) -> SpecificationError:
        found = repr(self.text[place : place + 12]) if place < len(self.text.rstrip()) else "the end"
        return refuse(f"term={self.text[:200]}", expected, f"at character {place + 1} stands {found}")

    @property
    def token(self) -> str:
        return self.tokens[self.next][0]

    @property
    def place(self) -> int:
        return self.tokens[self.next][1]

    def take(self) -> str:
        token = self.token
        self.next += 1
        return token

    def expect(self, token: str) -> None:
        if self.token != token:
            raise self.mistake(self.place, f"`{token}`")
        self.next += 1

    def sum(self) -> Term:
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            raise self.mistake(self.place, f"at most {DEEPEST_NESTING} nested parentheses")
        signed = self.token == "-"
        if signed:
            self.take()
        terms = [negate(self.product()) if signed else self.product()]
        while self.token in ("+", "-"):
            minus = self.take() == "-"
            terms.append(negate(self.product()) if minus else self.product())
        self.depth -= 1
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
            raise self.mistake(place, f"a power from 0 to {LARGEST_POWER}")
        return power(base, int(digits))

    def atom(self) -> Term:
        place = self.place
        token = self.take() if self.token else ""
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
            raise self.mistake(place, "x, eps, a number, par(AXES), mean(TERM, AXES), rsqrt(TERM) or `(`")
        self.expect(")")
        return inside

    def number(self, token: str, place: int) -> Fraction:
        if len(token) > 40:
            raise self.mistake(place, "a number of at most 40 characters")
        whole, _, below = token.partition("/")
        if below and int(below) == 0:
            raise self.mistake(place, "a denominator that is not 0")
        return Fraction(whole) / int(below) if below else Fraction(whole)

    def axes(self) -> AxisSet:
        place = self.place
        token = self.token
        if not token.isalpha():
            raise self.mistake(place, f"an axis set: letters of {self.layout.names}, or `empty`")
        try:
            axes = parse_axes(token, self.layout)
        except SpecificationError as error:
            raise refuse(f"term={self.text[:200]}", str(error), f"at character {place + 1}") from None
        self.next += 1
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
        raise reader.mistake(reader.place, "an operator or the end")
    return term
