"""Reading a text token by token, with the place of the first mistake; terms and formulas are read with it."""

from __future__ import annotations

import re

from theory.spec.errors import SpecificationError, refuse


class Tokens:
    """The tokens of ``text``, the one to read next, and how deep the reader is in parentheses.

    Args:
        text: what is read; the tokens are the groups of ``pattern``, which skips blanks by itself.
        name: what the text is called in a message, such as ``term``.
        expected: what a text of this kind consists of, for a character that begins no token.
        deepest: how many parentheses may be open at once.
    """

    def __init__(self, text: str, name: str, pattern: re.Pattern[str], expected: str, deepest: int) -> None:
        self.text = text
        self.name = name
        self.deepest = deepest
        self._depth = 0
        self._next = 0
        self._tokens: list[tuple[str, int]] = []
        end = len(text.rstrip())
        place = 0
        while place < end:
            match = pattern.match(text, place)
            if match is None:
                place += len(text[place:]) - len(text[place:].lstrip())
                raise self.mistake(expected, place)
            group = match.lastindex or 0
            self._tokens.append((match[group], match.start(group)))
            place = match.end()
        self._tokens.append(("", end))

    @property
    def token(self) -> str:
        """The next token; empty at the end."""
        return self._tokens[self._next][0]

    @property
    def place(self) -> int:
        """Where the next token stands, counted from 0."""
        return self._tokens[self._next][1]

    def take(self) -> str:
        """The next token; reading goes on behind it, but never beyond the end."""
        token = self.token
        self._next += bool(token)
        return token

    def expect(self, token: str) -> None:
        """Take this very token. Raises SpecificationError for another."""
        if self.token != token:
            raise self.mistake(f"`{token}`")
        self.take()

    def enter(self) -> None:
        """Go one level deeper. Raises SpecificationError beyond the deepest."""
        self._depth += 1
        if self._depth > self.deepest:
            raise self.mistake(f"at most {self.deepest} nested levels")

    def leave(self) -> None:
        """Come back from a level."""
        self._depth -= 1

    def mistake(self, expected: str, place: int | None = None) -> SpecificationError:
        """The error for what stands at ``place``, or at the next token."""
        place = self.place if place is None else place
        found = repr(self.text[place : place + 12]) if place < len(self.text.rstrip()) else "the end"
        return refuse(f"{self.name}={self.text[:200]}", expected, f"at character {place + 1} stands {found}")
