"""Terms: a reader of its own for the language of statements.

    sum ::= ["-"] product (("+" | "-") product)*      product ::= power ("*" power)*      power ::= atom ["^" digits]
    atom ::= x | eps | number | par(AXES) | mean(sum, AXES) | rsqrt(sum) | (sum)

A term is a tuple: ("x",), ("eps",), ("number", q), ("par", i) for the i-th parameter from left to right, ("mean", t,
axes), ("rsqrt", t), ("power", t, n), ("sum", t, …), ("product", t, …).
"""

import re
from fractions import Fraction
from typing import Any

from proofs.kernel.reading import LONGEST_NUMBER, require

Term = tuple[Any, ...]
Axes = frozenset[str]

LONGEST, DEEPEST, LARGEST_POWER = 20_000, 60, 64
_TOKEN = re.compile(r" *(\d+(?:\.\d+)?(?:/0*[1-9]\d*)?|[A-Za-z]+|[-+*^(),])", re.ASCII)


class _Reader:
    def __init__(self, text: str, names: str) -> None:
        left = _TOKEN.sub("", text).strip(" ")
        require(not left, f"term: {left[:12]!r} begins no token")
        self.tokens: list[str] = ["", *reversed(_TOKEN.findall(text))]
        self.names, self.depth, self.parameters = names, 0, list[Axes]()

    @property
    def token(self) -> str:
        """The next token, empty at the end."""
        return self.tokens[-1]

    def take(self, expected: str | None = None) -> str:
        require(expected in (None, self.token), f"term: {self.token!r} where {expected or 'the end'} belongs")
        return self.tokens.pop()

    def sum(self) -> Term:
        self.depth += 1
        require(self.depth <= DEEPEST, "term: nested too deeply")
        parts = [] if self.token == "-" else [self.product()]
        while self.token in ("+", "-"):
            minus = self.take() == "-"
            part = self.product()
            parts.append(negative(part) if minus else part)
        self.depth -= 1
        return parts[0] if len(parts) == 1 else ("sum", *parts)

    def product(self) -> Term:
        parts = [self.power()]
        while self.token == "*":
            self.take()
            parts.append(self.power())
        return parts[0] if len(parts) == 1 else ("product", *parts)

    def power(self) -> Term:
        base = self.atom()
        if self.token != "^":
            return base
        self.take()
        digits = self.take()
        known = digits.isdigit() and len(digits) < 4 and 2 <= int(digits) <= LARGEST_POWER
        require(known, f"term: {digits[:9]!r} is no power from 2 to 64")
        return ("power", base, int(digits))

    def atom(self) -> Term:
        token = self.take()
        if token in ("x", "eps"):
            return (token,)
        if token[:1].isdigit():
            require(len(token) <= 2 * LONGEST_NUMBER, "term: a number too long")
            above, _, below = token.partition("/")
            return ("number", Fraction(above) / int(below or 1))
        require(token in ("(", "par", "mean", "rsqrt"), f"term: {token!r} where an operand belongs")
        if token != "(":
            self.take("(")
        if token == "par":
            self.parameters.append(read_axes(self.take(), self.names))
            found: Term = ("par", len(self.parameters) - 1)
        else:
            found = self.sum() if token in ("(", "mean") else ("rsqrt", self.sum())
        if token == "mean":
            self.take(",")
            found = ("mean", found, read_axes(self.take(), self.names))
        self.take(")")
        return found


def read_axes(text: str, names: str) -> Axes:
    """A set of axes: some of the letters ``names``, each once, or ``empty``. Raises Rejected."""
    letters = "" if text == "empty" else text or "?"
    known = set(letters) <= set(names) and len(set(letters)) == len(letters)
    require(known, f"{text[:40]!r} is no set of axes")
    return frozenset(letters)


def negative(term: Term) -> Term:
    """Minus a term; a number in front takes the sign."""
    if term[0] == "number":
        return ("number", -term[1])
    factors = term[1:] if term[0] == "product" else (term,)
    if factors[0][0] == "number":
        return ("product", negative(factors[0]), *factors[1:])
    return ("product", ("number", -1), *factors)


def read_term(text: str, names: str) -> tuple[Term, tuple[Axes, ...]]:
    """A term over axes called by the letters ``names``, and the axes of its parameters in order. Raises Rejected."""
    require(len(text) <= LONGEST, "term: too long")
    reader = _Reader(text, names)
    term = reader.sum()
    reader.take("")
    return term, tuple(reader.parameters)
