"""Strict reading, and rejection, the one way in which a certificate fails; the limits beyond which none is looked at.

JSON without duplicate keys, floats or huge integers; objects with known keys; exact numbers.
"""

import json
import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

LARGEST_TEXT, LONGEST_NUMBER, LARGEST_SIZE = 4_000_000, 1_100, 1_000_000
MOST_STEPS, MOST_NODES, MOST_CELLS, MOST_PRODUCTS = 5_000, 200_000, 20_000, 20_000
MOST_BITS, LARGEST_ORDER, SECONDS, MEGABYTES = 8_192, 16, 5, 256
"""Characters of a certificate, digits of a number, entries of an axis; steps of a derivation, operations of the term of
a step, cells of an array, products of an expanded term; bits of an enclosure, order of a Taylor term; time and memory
for one certificate."""

TOO_LARGE = "more memory than one certificate may take"


class Rejected(Exception):
    """The certificate does not prove its statement; the text says why."""


def require(condition: bool, reason: str, *found: object) -> None:
    """Reject with ``reason`` unless the condition holds; what was found stands in its braces, cut short."""
    if not condition:
        raise Rejected(reason.format(*(str(each)[:40] for each in found)) if found else reason)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    require(len(dict(pairs)) == len(pairs), "a key occurs twice")
    return dict(pairs)


def _integer(text: str) -> int:
    require(len(text) <= 18, f"an integer of {len(text)} digits")
    return int(text)


def _no_float(text: str) -> Any:
    raise Rejected(f"the number {text[:40]}: expected an integer, or a fraction as text")


def read_json(text: str) -> Any:
    """The data that a text holds. Raises Rejected."""
    require(len(text) <= LARGEST_TEXT, f"more than {LARGEST_TEXT} characters")
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
        )
    except ValueError as error:
        raise Rejected(f"no JSON: {error}") from None


def take(value: Any, keys: str) -> list[Any]:
    """The values of an object with exactly these keys, in the order in which they are named."""
    require(isinstance(value, dict), "expected an object, found {}", value)
    names = keys.split()
    require(value.keys() == set(names), "expected the keys {}, found {}", keys, [*value])
    return [value[name] for name in names]


def items(value: Any, most: int, exactly: int | None = None) -> list[Any]:
    """A list of at most ``most`` items, or of exactly so many."""
    require(isinstance(value, list), "expected a list, found {}", value)
    require(len(value) <= most, "a list of {} items, more than {}", len(value), most)
    require(exactly in (None, len(value)), "a list of {} items, expected {}", len(value), exactly)
    return list(value)


def integer(value: Any, least: int, most: int) -> int:
    """An integer between two bounds."""
    require(type(value) is int and least <= value <= most, "{}: expected {} to {}", value, least, most)
    return int(value)


def integers(value: Any, count: int, least: int = 0) -> list[int]:
    """So many sizes, or places of entries."""
    return [integer(number, least, LARGEST_SIZE) for number in items(value, count, count)]


def word(value: Any, *choices: str) -> str:
    """One of some words, or any text."""
    require(isinstance(value, str), "expected text, found {}", value)
    require(not choices or value in choices, "{}: expected one of {}", value, choices)
    return str(value)


def fraction(value: Any) -> Fraction:
    """A rational number written as text: ``-3``, ``1/2`` or ``0.25``."""
    return _fraction(word(value))


@lru_cache(maxsize=1024)
def _fraction(text: str) -> Fraction:
    known = len(text) <= 2 * LONGEST_NUMBER and re.fullmatch(r"-?\d+(/0*[1-9]\d*|\.\d+)?", text, re.ASCII)
    require(bool(known), "{}: no rational number", text)
    return Fraction(text)
