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
from theory.spec.tokens import Tokens

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


class _Reader(Tokens):
    def __init__(self, text: str) -> None:
        super().__init__(text, "formula", _TOKEN, "names, ¬ ∧ ∨ (or ~ & |) and parentheses", DEEPEST_NESTING)

    @property
    def sign(self) -> str:
        """The next token, an ASCII sign as the one it stands for."""
        return _PLAIN.get(self.token, self.token)

    def disjunction(self) -> Formula:
        parts = [self.conjunction()]
        while self.sign == "∨":
            self.take()
            parts.append(self.conjunction())
        return disjunction(*parts)

    def conjunction(self) -> Formula:
        parts = [self.factor()]
        while self.sign == "∧":
            self.take()
            parts.append(self.factor())
        return conjunction(*parts)

    def factor(self) -> Formula:
        self.enter()
        token = self.sign
        if not token or token in "∧∨)":
            raise self.mistake("a name, True, False, ¬ or `(`")
        self.take()
        if token == "¬":
            result = negation(self.factor())
        elif token == "(":
            result = self.disjunction()
            if self.sign != ")":
                raise self.mistake("∧, ∨ or `)`")
            self.take()
        elif token in ("True", "False"):
            result = TRUE if token == "True" else FALSE
        else:
            result = Literal(token)
        self.leave()
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
        raise reader.mistake("∧, ∨ or the end")
    return formula
