"""The kernel reads anything: any text is accepted, or rejected with a reason; none breaks it or keeps it long."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.kernel.checking import SCHEMA, VERSION
from proofs.kernel.checking import verdict as refusal
from tests.effort import at_least
from tests.proofs.tampering import QUESTIONS, originals, places, replaced

Document = dict[str, Any]

ALLOWED = 5.0
"""Seconds for one text."""

ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


def answered(text: str) -> str | None:
    """The kernel's answer to a text, which it gives in time and without an exception."""
    start = time.process_time()
    reason = refusal(text)
    assert time.process_time() - start < ALLOWED
    assert reason is None or reason.strip()
    return reason


@cache
def good() -> Document:
    """A certificate that is accepted."""
    found = originals("typing, closing")[0]
    assert refusal(json.dumps(found)) is None
    return found


@at_least(200)
@given(ANY_TEXT | st.binary().map(lambda data: data.decode("utf-8", errors="replace")))
def test_any_text_is_rejected(text: str) -> None:
    assert answered(text) is not None


@at_least(200)
@given(ANY_JSON)
def test_any_json_is_rejected(value: Any) -> None:
    assert answered(json.dumps(value)) is not None
    assert answered(json.dumps({**good(), "statement": value})) is not None
    assert answered(json.dumps({**good(), "evidence": value})) is not None


def test_any_value_in_any_field_is_answered() -> None:
    known = [document for kind in QUESTIONS for document in originals(kind)]
    seen: Counter[bool] = Counter()

    @at_least(400)
    @given(st.sampled_from(range(len(known))), st.integers(0, 10**6), ANY_JSON)
    def each(which: int, where: int, value: Any) -> None:
        found = list(places(known[which]))
        seen[answered(json.dumps(replaced(known[which], found[where % len(found)][0], value))) is None] += 1

    each()
    assert seen[False] >= 200, seen


@at_least(200)
@given(st.sampled_from(tuple(QUESTIONS)), st.integers(0, 10**6), st.integers(0, 10**6), ANY_TEXT)
def test_a_torn_text_is_rejected(kind: str, first: int, second: int, between: str) -> None:
    """A certificate cut short, or with a stretch of it replaced."""
    text = json.dumps(originals(kind)[0])
    low, high = sorted((first % len(text), second % len(text)))
    assert answered(text[:high]) is not None
    answered(text[:low] + between + text[high:])


DUPLICATES = ('"version": 1', '"action": "translation"', '"kind": "typing"', '"axis": "W"', '"rule": "input"')


@pytest.mark.parametrize("field", DUPLICATES)
def test_a_key_twice_is_rejected(field: str) -> None:
    text = json.dumps(good())
    assert field in text
    assert "twice" in (answered(text.replace(field, f"{field}, {field}", 1)) or "")


@pytest.mark.parametrize(
    "value", ["1.0", "1e0", "true", '"1"', "0", "2", "-1", "null", "[1]", "NaN", "Infinity", "1" * 19]
)
def test_only_version_1_is_read(value: str) -> None:
    text = json.dumps(good())
    assert text.count(f'"version": {VERSION}') == 1
    assert answered(text.replace(f'"version": {VERSION}', f'"version": {value}')) is not None


@pytest.mark.parametrize("value", ['""', '"equinorm"', '"Equinorm certificate"', "null", '"equinorm certificate "'])
def test_only_the_schema_is_read(value: str) -> None:
    text = json.dumps(good())
    assert answered(text.replace(f'"{SCHEMA}"', value)) is not None


STRANGE: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "blanks": lambda: " \n\t ",
    "byte order mark": lambda: "\ufeff" + json.dumps(good()),
    "two documents": lambda: 2 * json.dumps(good()),
    "deep lists": lambda: "[" * 100_000,
    "deep objects": lambda: '{"a":' * 100_000,
    "deep and closed": lambda: "[" * 2_000 + "]" * 2_000,
    "deep evidence": lambda: json.dumps({**good(), "evidence": 0})[:-2] + "[" * 50_000 + "]" * 50_000 + "}",
    "a long integer": lambda: json.dumps({**good(), "version": 10**17}).replace("0", "0" * 4_000),
    "an integer of a million digits": lambda: "1" + "0" * 1_000_000,
    "a long float": lambda: "1" + "0" * 10_000 + ".0",
    "a lone surrogate": lambda: json.dumps({**good(), "evidence": {"kind": "\ud800"}}),
    "a null byte": lambda: json.dumps({**good(), "schema": SCHEMA + "\0"}),
    "many keys": lambda: json.dumps({str(n): n for n in range(100_000)}),
    "a long list": lambda: json.dumps([0] * 1_000_000),
    "a long string": lambda: json.dumps({**good(), "schema": "x" * 3_000_000}),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_texts_are_rejected(name: str) -> None:
    assert answered(STRANGE[name]()) is not None
