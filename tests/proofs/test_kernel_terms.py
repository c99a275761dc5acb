"""Two readers of terms, the one of the calculus and the kernel's own: what both accept means the same."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equinorm.strategies import layouts, terms
from proofs.kernel import terms as kernel_terms
from proofs.kernel.reading import Rejected
from proofs.kernel.terms import read_term
from tests.effort import at_least
from tests.proofs.tampering import changes
from theory.spec.axes import BCHW, AxisSet, Layout
from theory.spec.errors import SpecificationError
from theory.spec.syntax import parse
from theory.spec.terms import EPS, InverseRoot, Mean, Parameter, Term, X, add, multiply, number, power, spell


def rebuilt(term: kernel_terms.Term, parameters: tuple[AxisSet, ...]) -> Term:
    """A term of the kernel in the constructors of the calculus."""
    kind, *rest = term
    if kind in ("x", "eps"):
        return X if kind == "x" else EPS
    if kind == "number":
        return number(rest[0])
    if kind == "par":
        return Parameter(parameters[rest[0]])
    children = [rebuilt(child, parameters) for child in rest if isinstance(child, tuple)]
    if kind == "mean":
        return Mean(children[0], rest[1])
    if kind == "power":
        return power(children[0], rest[1])
    return InverseRoot(children[0]) if kind == "rsqrt" else (add if kind == "sum" else multiply)(*children)


def same_meaning(text: str, layout: Layout = BCHW) -> str:
    """Read a text twice and compare; who accepts it."""
    try:
        theirs: Term | None = parse(text, layout)
    except SpecificationError:
        theirs = None
    try:
        found = read_term(text, layout.names)
    except Rejected:
        return "neither" if theirs is None else "calculus only"
    if theirs is None:
        return "kernel only"
    assert rebuilt(*found) == theirs, text
    return "both"


TOKENS = ("x", "eps", "par(C)", "mean(", "rsqrt(", "(", ")", ", HW)", ", empty)", ",", "+", "-", "*", "^2", "^", "^64")
ODD = (
    "2",
    "1/2",
    "0.5",
    "0",
    "00",
    "1/00",
    "7/3/2",
    "^1",
    "^65",
    "^02",
    "none",
    "WW",
    "X",
    ".5",
    "1.",
    "1e3",
    "\u0662",
    "\n",
)


def test_random_tokens_mean_the_same_to_both_readers() -> None:
    seen: Counter[str] = Counter()

    @at_least(800)
    @given(
        st.lists(st.sampled_from([*TOKENS, *TOKENS, *ODD]), min_size=1, max_size=7), st.sampled_from(["", " ", "  "])
    )
    def each(tokens: list[str], blank: str) -> None:
        seen[same_meaning(blank.join(tokens))] += 1

    each()
    assert seen["neither"] >= 50, seen
    assert seen["both"] >= 20, seen


@at_least(150)
@given(st.data())
def test_spelled_terms_mean_the_same_to_both_readers(data: st.DataObject) -> None:
    layout = data.draw(layouts())
    assert same_meaning(spell(data.draw(terms(layout)), layout), layout) == "both"


def test_changed_terms_mean_the_same_to_both_readers() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=60)
    @given(terms())
    def each(term: Term) -> None:
        seen.update(same_meaning(other) for other in changes(spell(term)) if isinstance(other, str))

    each()
    assert min(seen["both"], seen["neither"]) >= 200, seen
    # The kernel allows less than nothing more: what it accepts the calculus reads as well.
    assert seen["kernel only"] == 0, seen


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" + "+x" * 10_000, "too long"),
        ("(" * 61 + "x" + ")" * 61, "nested too deeply"),
        ("x^65", "no power"),
        ("x^1", "no power"),
        ("9" * 2_201, "a number too long"),
        ("x\n", "begins no token"),
        ("", "operand"),
        ("x x", "end belongs"),
        ("mean(x, WW)", "no set of axes"),
        ("mean(x, Z)", "no set of axes"),
        ("x\u00b2", "begins no token"),
    ],
)
def test_terms_beyond_the_limits(text: str, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        read_term(text, "BCHW")


def test_terms_within_the_limits() -> None:
    assert len(read_term("x" + "+x" * 9_999, "W")[0]) == 10_001
    deepest = kernel_terms.DEEPEST - 1
    assert read_term("(" * deepest + "x" + ")" * deepest, "W")[0] == ("x",)
    assert read_term(f"x^{kernel_terms.LARGEST_POWER}", "W")[0] == ("power", ("x",), 64)
    assert read_term("9" * 2_200, "W")[0][1] == 10**2_200 - 1
