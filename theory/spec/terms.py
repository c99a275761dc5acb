"""Terms: the language that every layer is compiled to, as an immutable tree.

    term ::= x | eps | number | par(AXES) | mean(term, AXES) | term + term | term - term | term * term
           | term^k | rsqrt(term) | (term)

The value of a term is an array broadcast to the shape of ``x``. ``par(AXES)`` is a parameter that varies over these
axes; each occurrence is one of its own, numbered from left to right. ``rsqrt(t)`` is t^(-1/2), defined where t > 0.
``mean`` over no axes is its argument.

The functions :func:`add`, :func:`multiply`, :func:`negate`, :func:`power` build terms in the normal shape (nested
sums and products flattened, constants folded), in which ``parse(str(term)) == term``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from fractions import Fraction

from theory.spec.axes import BCHW, AxisSet, Layout, spell_axes
from theory.spec.errors import refuse

LARGEST_POWER = 64

LONGEST_NUMBER = 1000
"""The most digits of a numerator or a denominator; longer ones could neither be read back nor computed with."""


class Term:
    """A node of a term; ``children`` are its operands, ``str(term)`` its spelling over the axes B, C, H, W."""

    @property
    def children(self) -> tuple[Term, ...]:
        """The operands, from left to right."""
        return ()

    def __str__(self) -> str:
        return spell(self)

    def __hash__(self) -> int:
        # Terms are keys of many caches, and hashing a tree anew each time would cost more than what the caches save.
        known = self.__dict__
        if "_hash" not in known:
            known["_hash"] = hash((type(self), *(known[field.name] for field in fields(self))))  # type: ignore[arg-type]
        kept: int = known["_hash"]
        return kept

    def __getstate__(self) -> dict[str, object]:
        # The hash of a string differs from process to process.
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}


@dataclass(frozen=True)
class Input(Term):
    """The array ``x``."""

    __str__ = Term.__str__
    __hash__ = Term.__hash__


@dataclass(frozen=True)
class Epsilon(Term):
    """The positive number ``eps``."""

    __str__ = Term.__str__
    __hash__ = Term.__hash__


@dataclass(frozen=True)
class Constant(Term):
    """A rational number.

    Raises:
        SpecificationError: more than ``LONGEST_NUMBER`` digits above or below.
    """

    value: Fraction

    def __post_init__(self) -> None:
        # A digit is at least 3 bits, so the exact and slower count is needed for long numbers only.
        longest = max(abs(self.value.numerator), self.value.denominator)
        if longest.bit_length() > 3 * LONGEST_NUMBER and longest >= 10**LONGEST_NUMBER:
            raise refuse(f"a number of {longest.bit_length()} bits", f"one of at most {LONGEST_NUMBER} digits")

    __str__ = Term.__str__
    __hash__ = Term.__hash__


@dataclass(frozen=True)
class Parameter(Term):
    """An array of parameters that varies over ``axes`` and is constant over the others."""

    axes: AxisSet
    __str__ = Term.__str__
    __hash__ = Term.__hash__


@dataclass(frozen=True)
class Mean(Term):
    """The mean of ``term`` over ``axes``, broadcast back."""

    term: Term
    axes: AxisSet
    __str__ = Term.__str__
    __hash__ = Term.__hash__

    @property
    def children(self) -> tuple[Term, ...]:
        """The one operand."""
        return (self.term,)


@dataclass(frozen=True)
class Sum(Term):
    """The sum of at least two terms."""

    terms: tuple[Term, ...]
    __str__ = Term.__str__
    __hash__ = Term.__hash__

    @property
    def children(self) -> tuple[Term, ...]:
        """The summands."""
        return self.terms


@dataclass(frozen=True)
class Product(Term):
    """The product of at least two terms; a constant factor stands first."""

    factors: tuple[Term, ...]
    __str__ = Term.__str__
    __hash__ = Term.__hash__

    @property
    def children(self) -> tuple[Term, ...]:
        """The factors."""
        return self.factors


@dataclass(frozen=True)
class Power(Term):
    """``term`` to the power ``exponent``, at least 2."""

    term: Term
    exponent: int
    __str__ = Term.__str__
    __hash__ = Term.__hash__

    @property
    def children(self) -> tuple[Term, ...]:
        """The one operand."""
        return (self.term,)


@dataclass(frozen=True)
class InverseRoot(Term):
    """``rsqrt(term)``, defined where the term is positive."""

    term: Term
    __str__ = Term.__str__
    __hash__ = Term.__hash__

    @property
    def children(self) -> tuple[Term, ...]:
        """The one operand."""
        return (self.term,)


X = Input()
EPS = Epsilon()
ZERO = Constant(Fraction(0))
ONE = Constant(Fraction(1))


def number(value: int | Fraction) -> Constant:
    """The constant term of a rational number."""
    return Constant(Fraction(value))


def add(*terms: Term) -> Term:
    """The sum, nested sums flattened, zeros dropped; the empty sum is 0."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, Sum) else (term,)) if part != ZERO]
    if not flat:
        return ZERO
    return flat[0] if len(flat) == 1 else Sum(tuple(flat))


def multiply(*factors: Term) -> Term:
    """The product, nested products flattened, constants folded into one leading factor; the empty product is 1."""
    flat = [p for factor in factors for p in (factor.factors if isinstance(factor, Product) else (factor,))]
    value = Fraction(1)
    for part in flat:
        if isinstance(part, Constant):
            value *= part.value
    rest = tuple(part for part in flat if not isinstance(part, Constant))
    if value == 0:
        return ZERO
    if value != 1 or not rest:
        rest = (Constant(value), *rest)
    return rest[0] if len(rest) == 1 else Product(rest)


def negate(term: Term) -> Term:
    """Minus the term."""
    return multiply(number(-1), term)


def subtract(left: Term, right: Term) -> Term:
    """``left - right``."""
    return add(left, negate(right))


def power(term: Term, exponent: int) -> Term:
    """``term^exponent`` for 0 <= exponent <= ``LARGEST_POWER``; the powers 0 and 1 are 1 and the term."""
    if not 0 <= exponent <= LARGEST_POWER:
        raise refuse(f"power={exponent}", f"a whole number from 0 to {LARGEST_POWER}")
    if exponent == 0:
        return ONE
    if exponent == 1:
        return term
    return Constant(term.value**exponent) if isinstance(term, Constant) else Power(term, exponent)


def walk(term: Term) -> Iterator[Term]:
    """All nodes, parents before children, from left to right."""
    yield term
    for child in term.children:
        yield from walk(child)


def parameters(term: Term) -> tuple[Parameter, ...]:
    """The occurrences of parameters from left to right; their positions are their numbers."""
    return tuple(node for node in walk(term) if isinstance(node, Parameter))


def _split_sign(term: Term) -> tuple[str, Term]:
    """``("-", -term)`` for a term whose leading constant is negative, else ``("+", term)``."""
    lead = term.factors[0] if isinstance(term, Product) else term
    if isinstance(lead, Constant) and lead.value < 0:
        return "-", negate(term)
    return "+", term


def spell(term: Term, layout: Layout = BCHW) -> str:
    """Spell a term so that :func:`theory.spec.syntax.parse` over the same layout gives it back."""

    def within(node: Term, level: int) -> str:
        # Levels: 0 a sum may stand here, 1 a product, 2 a base of a power or a factor.
        text, own = form(node)
        return f"({text})" if own < level else text

    def form(node: Term) -> tuple[str, int]:
        if isinstance(node, Sum):
            parts = [_split_sign(part) for part in node.terms]
            text = "".join(f" {sign} {within(part, 1)}" for sign, part in parts)
            return ("-" if text[1] == "-" else "") + text[3:], 0
        if isinstance(node, (Product, Constant)) and _split_sign(node)[0] == "-":
            return "-" + within(_split_sign(node)[1], 1), 0
        if isinstance(node, Product):
            return "*".join(within(factor, 2) for factor in node.factors), 1
        if isinstance(node, Power):
            return f"{within(node.term, 4)}^{node.exponent}", 3
        if isinstance(node, Constant):
            return str(node.value), (4 if node.value.denominator == 1 else 2)
        if isinstance(node, Parameter):
            return f"par({spell_axes(node.axes, layout)})", 4
        if isinstance(node, Mean):
            return f"mean({within(node.term, 0)}, {spell_axes(node.axes, layout)})", 4
        if isinstance(node, InverseRoot):
            return f"rsqrt({within(node.term, 0)})", 4
        return ("x" if isinstance(node, Input) else "eps"), 4

    return within(term, 0)
