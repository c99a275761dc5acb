"""The text form of formulas: printed with ¬ ∧ ∨ (or ~ & |), and read back.

    formula     ::= conjunct (("∨" | "|") conjunct)*
    conjunct    ::= factor (("∧" | "&") factor)*
    factor      ::= ("¬" | "~") factor | "True" | "False" | name | "(" formula ")"
    name        ::= a letter, then letters, digits and underscores

A conjunction inside a disjunction is printed in parentheses although it binds tighter, because people read it so.
Reading back what was printed gives an equal formula, so a check of the text is a check of what the reader sees.
"""

from __future__ import annotations

import re

from theory.decision.formulas import FALSE, TRUE, And, Formula, Literal, Truth, conjunction, disjunction, negation
from theory.spec.errors import SpecificationError, refuse

DEEPEST_NESTING = 100

_TOKEN = re.compile(r"\s*(?:([^\W\d]\w*)|([¬~∧&∨|()]))")
_PLAIN = {"~": "¬", "&": "∧", "|": "∨"}


def spell(formula: Formula, ascii_only: bool = False) -> str:
    """Print a formula on one line; ``ascii_only`` writes ``~ & |`` for ``¬ ∧ ∨``.

    >>> spell(disjunction(Literal("mB", False), conjunction(Literal("mH"), Literal("mW"))))
    '¬mB ∨ (mH ∧ mW)'
    """
    if isinstance(formula, Truth):
        return str(formula.value)
    no, land, lor = ("~", " & ", " | ") if ascii_only else ("¬", " ∧ ", " ∨ ")
    if isinstance(formula, Literal):
        return formula.name if formula.positive else no + formula.name
    pieces = [spell(part, ascii_only) for part in formula.parts]
    bracketed = [f"({piece})" if part.parts else piece for piece, part in zip(pieces, formula.parts, strict=True)]
    return (land if isinstance(formula, And) else lor).join(bracketed)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, int]] = []
        self.next = 0
        self.depth = 0
        end = len(text.rstrip())
        place = 0
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                place += len(text[place:]) - len(text[place:].lstrip())
                raise self.mistake(place, "names, ¬ ∧ ∨ (or ~ & |) and parentheses")
            token = match[match.lastindex or 0]
            self.tokens.append((_PLAIN.get(token, token), match.start(match.lastindex or 0)))
            place = match.end()
        self.tokens.append(("", end))

    def mistake(self, place: int, expected: str) -> SpecificationError:
        found = repr(self.text[place : place + 12]) if place < len(self.text.rstrip()) else "the end"
        return refuse(f"formula={self.text[:200]}", expected, f"at character {place + 1} stands {found}")

    @property
    def token(self) -> str:
        return self.tokens[self.next][0]

    def take(self) -> tuple[str, int]:
        self.next += 1
        return self.tokens[self.next - 1]

    def disjunction(self) -> Formula:
        parts = [self.conjunction()]
        while self.token == "∨":
            self.take()
            parts.append(self.conjunction())
        return disjunction(*parts)

    def conjunction(self) -> Formula:
        parts = [self.factor()]
        while self.token == "∧":
            self.take()
            parts.append(self.factor())
        return conjunction(*parts)

    def factor(self) -> Formula:
        token, place = self.tokens[self.next]
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            raise self.mistake(place, f"at most {DEEPEST_NESTING} nested parentheses and negations")
        if not token or token in "∧∨)":
            raise self.mistake(place, "a name, True, False, ¬ or `(`")
        self.take()
        if token == "¬":
            result = negation(self.factor())
        elif token == "(":
            result = self.disjunction()
            if self.token != ")":
                raise self.mistake(self.tokens[self.next][1], "∧, ∨ or `)`")
            self.take()
        elif token in ("True", "False"):
            result = TRUE if token == "True" else FALSE
        else:
            result = Literal(token)
        self.depth -= 1
        return result


def parse(text: str) -> Formula:
    """Read a formula; negations are moved to the literals.

    Raises:
        SpecificationError: the text does not parse; the message names the character where it stops making sense.

    >>> parse("~mB | mH & mW") == parse("¬mB ∨ (mH ∧ mW)")
    True
    """
    reader = _Reader(text)
    formula = reader.disjunction()
    if reader.token:
        raise reader.mistake(reader.tokens[reader.next][1], "∧, ∨ or the end")
    return formula
