"""Changed certificates: every field of a certificate changed in every way that is worth a try, and what became of it.

    python -m tests.proofs.tampering [ROUNDS]

prints, for each kind of evidence, how many changes were tried and rejected, and how many were accepted because the
statement is as it was, or because the changed one is true as well. Behind them stand the statement of one certificate
with the evidence of another, and ROUNDS (1 000) rounds of two or three changes at once. A statement is judged by
:mod:`tests.proofs.judge`, not by the kernel.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from typing import Any

from proofs.emit.certificates import accepted_certificate
from proofs.kernel.checking import EVIDENCE, check
from proofs.kernel.reading import Rejected
from proofs.kernel.rules import RULES
from proofs.kernel.statements import CLAIMS, KINDS
from tests.proofs.judge import Document, is_true
from theory.decision.decide import decide
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import parse_axes
from theory.spec.claims import Claim
from theory.spec.grids import ALL, ANY, EVEN, NYQUIST_FREE, ODD, Domain, Grid, Size, band, grid_of
from theory.spec.syntax import parse

Path = tuple[Any, ...]

VOCABULARIES: tuple[tuple[str, ...], ...] = (
    CLAIMS,
    KINDS,
    tuple(EVIDENCE),
    tuple(RULES),
    ("shift", "translation", "wave"),
    ("common", "per-sample"),
    ("all", "nyquist-free", "first sample"),
    ("B", "C", "H", "W", "BC", "HW", "BHW", "CHW", "BCHW", "empty"),
    ("constant", "wave", "entry 0", "entry 1", "pair 0", "pair 1", "cosine 1", "cosine 2", "sine 1"),
)
"""Words that stand for one another: each is replaced by every other one of its vocabularies."""

ALIEN: tuple[Any, ...] = (None, True, 0, 1, "", "x", [], [0, 0], {}, {"kind": "typing"})
"""Values of another kind."""


HUGE = 999_997
"""A large size, odd and no multiple of 3: nothing tiles it, and no example is evaluated on it."""


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every object, list and leaf of a document with the way to it."""
    yield path, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


def replaced(value: Any, path: Path, by: Any) -> Any:
    """The document with another value at a place; what does not lie on the way is shared, not copied."""
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


def changes(value: Any) -> Iterator[Any]:
    """What may stand instead of a value."""
    kind = type(value)
    yield from (other for other in ALIEN if type(other) is not kind)
    if kind is bool:
        yield not value
    elif kind is int:
        yield from dict.fromkeys([value + 1, value - 1, value + 2, 2 * value, -value, 0, HUGE, 10**17, 10**30])
    elif kind is str:
        yield from _other_texts(value)
    elif kind is list:
        yield from _other_lists(value)
    elif kind is dict:
        yield from _other_objects(value)


def _other_texts(text: str) -> Iterator[str]:
    for words in VOCABULARIES:
        yield from (word for word in words if text in words and word != text)
    if re.fullmatch(r"-?\d+([./]\d+)?", text, re.ASCII):
        yield from ("0", "1", "-1", "1/2", "2", "1/3", "999999999", f"-{text}", text.removeprefix("-"))
        yield from (f"{text}0", f"{text}1", f"{text}/2", text[:-1], f"1{text}", f"{text}.5", f"{text}e1", f" {text}")
        for place, digit in enumerate(text[:40]):
            if digit.isdigit():
                yield f"{text[:place]}{(int(digit) + 1) % 10}{text[place + 1 :]}"
        yield "9" * 5_000
    elif re.fullmatch(r"(entry|pair|cosine|sine) \d+", text, re.ASCII):
        word, number = text.split()
        yield from (f"{word} {int(number) + step}" for step in (1, 2, -1))
    elif "x" in text or "eps" in text:
        yield from _other_terms(text)
    # Digits of other scripts: Python calls all of them digits, and reads some of them as numbers.
    yield from (re.sub(r"\d", other, text) for other in ("\u00b2", "\u0663") if re.search(r"\d", text))
    yield from (text + " ", text.upper(), text[:-1], text + "\ud800", text + "{0}{}{x}")


def _other_terms(text: str) -> Iterator[str]:
    """A term with one token replaced, dropped or doubled, and the term within another one."""
    tokens = re.findall(r"\d+(?:/\d+)?|[A-Za-z]+|[-+*^(),]| ", text)
    others = {"+": "-*", "-": "+*", "*": "+-", "x": ["eps", "2", "0", "x^2", "par(W)", "mean(x, W)"], "eps": ["1", "x"]}
    for place, token in enumerate(tokens):
        found = list(others.get(token, ()))
        if token.isdigit() and len(token) < 20:
            found += [str(int(token) + 1), str(int(token) + 2), str(max(int(token) - 1, 0)), "9" * 5_000]
        elif token.isalpha() and token.isupper():
            found += [token[1:] or "empty", *(token + name for name in "BCHW" if name not in token), "B", "W"]
        elif token in ("mean", "rsqrt"):
            found += ["rsqrt", "mean"]
        found += ["", token + token] if token != " " else []
        for other in found:
            yield "".join([*tokens[:place], other, *tokens[place + 1 :]])
    yield from (f"{text} + x - x", f"({text})*1", f"-({text})", f"({text})^2", f"mean({text}, W)", f"{text} + par(W)")
    yield from (f"2*({text})", f"({text}) + 0*rsqrt(x)", f"mean({text}, empty)", f"({text}) + x^2 - x*x", "0*x")


def _other_lists(found: list[Any]) -> Iterator[list[Any]]:
    for place in range(len(found)):
        yield found[:place] + found[place + 1 :]
        yield [*found[: place + 1], *found[place:]]
        if place:
            yield [*found[: place - 1], found[place], found[place - 1], *found[place + 1 :]]
            yield [found[place], *found[:place], *found[place + 1 :]]
    yield from ([*found, 0], [*found, None], [*found, "1"], [found])


def _other_objects(found: Document) -> Iterator[Document]:
    for key in found:
        rest = {other: value for other, value in found.items() if other != key}
        yield from (rest, {**rest, key + "s": found[key]}, {**rest, key.upper(): found[key]})
        yield from ({**found, key: found[other]} for other in rest if found[other] != found[key])
    yield from ({**found, "more": 0}, {**found, "kind": "typing"}, {**found, "": None})


def tampered(document: Document) -> Iterator[Document]:
    """Every change of a document at one place."""
    for path, value in places(document):
        for other in changes(value):
            yield replaced(document, path, other)


def changed(document: Any, picks: Sequence[tuple[int, int]]) -> Any:
    """Several changes, one after the other; each pick numbers a place and what shall stand there."""
    for where, what in picks:
        found = list(places(document))
        path, value = found[where % len(found)]
        others = list(changes(value))
        document = replaced(document, path, others[what % len(others)])
    return document


def crossed(documents: Sequence[Document]) -> Iterator[Document]:
    """The statement of one certificate with any claim, and the evidence of another one."""
    for first, second, claimed in product(documents, documents, CLAIMS):
        yield {**first, "statement": {**first["statement"], "claim": claimed}, "evidence": second["evidence"]}


@dataclass
class Tally:
    """What became of changed certificates, counted by the kind of evidence."""

    counts: Counter[tuple[str, str]]
    wrong: list[str]

    def add(self, kind: str, document: Any, original: Document) -> str:
        """Check one changed document and count it: ``rejected``, or why it may be accepted.

        Raises:
            Exception: whatever else than a rejection left the kernel.
        """
        text = json.dumps(document)
        try:
            check(text)
        except Rejected:
            fate = "rejected"
        else:
            stated = document["statement"]
            if stated == original["statement"]:
                fate = "same statement"
            else:
                fate = {True: "true statement", False: "FALSE", None: "nobody knows"}[is_true(stated)]
            if fate in ("FALSE", "nobody knows"):
                self.wrong.append(text)
        self.counts[kind, fate] += 1
        self.counts[kind, "tried"] += 1
        return fate

    def total(self, fate: str) -> int:
        """The number of changes with this fate."""
        return sum(count for (_, found), count in self.counts.items() if found == fate)

    def table(self) -> str:
        """The counts as text."""
        fates = ("tried", "rejected", "same statement", "true statement", "FALSE", "nobody knows")
        kinds = [*dict.fromkeys(kind for kind, _ in self.counts)]
        lines = ["".join([f"{'evidence':<24}", *(f"{fate:>16}" for fate in fates)])]
        lines += ["".join([f"{kind:<24}", *(f"{self.counts[kind, fate]:>16}" for fate in fates)]) for kind in kinds]
        return "\n".join([*lines, "".join([f"{'all':<24}", *(f"{self.total(fate):>16}" for fate in fates)])])


def question(
    text: str,
    kind: str,
    moving: str,
    sizes: Sequence[int | Size],
    domain: Domain = ALL,
    scope: Scope = Scope.COMMON,
) -> Claim:
    """A claim over (B, C, H, W)."""
    grid: Grid = grid_of(dict(zip("BCHW", sizes, strict=True)))
    return Claim(parse(text), Action(ActionKind(kind), parse_axes(moving), scope), grid, domain)


APART = Scope.PER_SAMPLE

QUESTIONS: dict[str, tuple[Claim, ...]] = {
    "typing": (
        question("x - mean(x, CHW)", "shift", "HW", (ANY, ANY, ODD, ODD)),
        question("x*rsqrt(mean(x^2, HW) + eps)", "translation", "HW", (ANY, ANY, ODD, ODD)),
        question("x*rsqrt(mean(x^2, CW) + eps)*par(C)", "translation", "W", (2, ANY, 4, EVEN), NYQUIST_FREE, APART),
    ),
    "typing, closing": (
        question("x^2", "translation", "W", (ANY, 1, ODD, 5), band(1)),
        question("x^3 + x*mean(x^2, W)", "translation", "W", (2, 1, 3, 8), band(1)),
    ),
    "typing, two samples": (
        question("(x - mean(x, W))*mean((x - mean(x, W))^2, C)", "shift", "W", (2, 2, 3, 2), ALL, APART),
        question("mean((x - mean(x, W))^2, B) + x", "shift", "W", (2, 1, 3, 2), ALL, APART),
        question("mean(((x - mean(x, W))*par(C) + (x - mean(x, W))^3)^2, B)", "shift", "W", (2, 1, 3, 2), ALL, APART),
    ),
    "typing, rewritten": (
        question("x*mean(x, W) - mean(x, B)^2 + mean(x, B)*mean(x, B)", "translation", "W", (ANY, 1, ODD, ODD)),
        question("mean(mean(x, B), HW) + x", "translation", "HW", (ANY, 2, ODD, 3), ALL, APART),
        question("(x + x^2)*(x - x^2) + x^4", "translation", "W", (2, 1, 3, 7), band(1)),
    ),
    "counterexample": (
        question("x*rsqrt(mean(x^2, C) + eps)", "translation", "W", (2, 2, 3, 3)),
        question("x*par(W) + par(B)", "shift", "W", (2, 1, 1, 3)),
        question("x - mean(x, BC)", "shift", "HW", (2, 2, 3, 3), NYQUIST_FREE, APART),
        question("x^3", "translation", "W", (1, 1, 3, 5), band(1)),
    ),
    "counterexample, phase": (
        question("x^2", "translation", "W", (1, 2, 1, 2)),
        question("x*rsqrt(mean(x^2, CW) + eps)", "translation", "W", (1, 1, 1, 4)),
        question("x*mean(x^2, C)", "translation", "W", (1, 2, 3, 4), NYQUIST_FREE),
    ),
    "counterexample, family": (question("x^2", "translation", "W", (ANY, 1, ODD, ODD), band(2)),),
    "tiling": (
        question("rsqrt(x^2 + eps)*x - x*rsqrt(mean(x^2, HW) + 2)", "translation", "W", (ANY, 1, EVEN, EVEN)),
        question("mean(rsqrt(x^2 + 3), W)", "translation", "W", (ANY, 1, ODD, Size(6, 6))),
    ),
    "pattern, shift": (
        question("x*par(W)", "shift", "W", (ANY, ANY, ODD, ODD)),
        question("x - mean(x, BC)", "shift", "HW", (ANY, ANY, EVEN, EVEN), NYQUIST_FREE, APART),
        question("x*rsqrt(mean(x^2, BH) + eps)", "shift", "W", (ANY, ANY, ODD, EVEN), ALL, APART),
    ),
    "pattern, wave": (
        question("x*rsqrt(mean(x^2, CH) + eps)", "translation", "W", (ANY, ANY, ODD, ODD)),
        question("x*rsqrt(mean(x^2, HW) + eps)*par(C)", "translation", "HW", (ANY, ANY, EVEN, EVEN)),
        question("x*rsqrt(mean(x^2, C) + eps)", "translation", "W", (8, 16, 3, 13)),
    ),
}
"""Claims whose certificates hold every kind of evidence."""


@cache
def originals(kind: str) -> list[Document]:
    """The certificates of a kind; made once, and not to be written into."""
    found = [accepted_certificate(decide(claim)) for claim in QUESTIONS[kind]]
    return [each for each in found if each is not None]


def walk_all(kind: str, tally: Tally, every: int = 1) -> None:
    """Every change, or each of so many, of every certificate of a kind."""
    for original in originals(kind):
        for document in islice(tampered(original), 0, None, every):
            tally.add(kind, document, original)


def main(rounds: int) -> int:
    """Print the table; the exit status is 1 if a certificate was accepted that proves nothing true."""
    tally = Tally(Counter(), [])
    for kind in QUESTIONS:
        walk_all(kind, tally)
    choose = random.Random(0)
    known = [document for kind in QUESTIONS for document in originals(kind)]
    for document in crossed(known):
        tally.add("crossed", document, document | {"statement": None})
    for _ in range(rounds):
        original = choose.choice(known)
        picks = [(choose.randrange(10**6), choose.randrange(10**6)) for _ in range(choose.randint(2, 3))]
        tally.add("several at once", changed(original, picks), original)
    print(tally.table())
    for text in tally.wrong[:10]:
        print(text)
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
