"""The expanded form: a term as a sum of products, means distributed over sums and split into independent means.

Two factors of a product belong to one mean only as long as a reduced axis links them. The means over one axis after
the other are taken in a fixed order, the moving axis first and the axes that move apart last, because that order keeps
most facts. Like products cancel here that stand in different places of the term.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from theory.calculus.setting import Setting
from theory.calculus.simplify import Occurrence, support
from theory.spec.terms import (
    Constant,
    InverseRoot,
    Mean,
    Power,
    Product,
    Sum,
    Term,
    add,
    multiply,
    number,
    walk,
)

Atoms = tuple[Term, ...]
Expansion = dict[Atoms, Fraction]

LARGEST_EXPANSION = 3000
LONGEST_PRODUCT = 200
LONGEST_COEFFICIENT = 2000
"""Limits of the expanded form: its products, the factors of each, and the bits of a coefficient."""


class TooLarge(Exception):
    """The expanded form would go beyond one of its limits."""


def _key(term: Term) -> tuple[str, tuple[int, ...]]:
    return str(term), tuple(node.index for node in walk(term) if isinstance(node, Occurrence))


def _times(left: Expansion, right: Expansion) -> Expansion:
    if len(left) * len(right) > LARGEST_EXPANSION:
        raise TooLarge
    product: Expansion = {}
    for first, a in left.items():
        for second, b in right.items():
            if len(first) + len(second) > LONGEST_PRODUCT:
                raise TooLarge
            atoms = tuple(sorted(first + second, key=_key))
            value = product.get(atoms, Fraction(0)) + a * b
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > LONGEST_COEFFICIENT:
                raise TooLarge
            product[atoms] = value
    return {atoms: value for atoms, value in product.items() if value}


def _order(setting: Setting) -> Iterator[str]:
    """The reduced axes from the first to the last."""
    yield setting.moving.name
    rest = [d.name for d in setting.dimensions if d.name != setting.moving.name]
    yield from sorted(rest, key=lambda name: name in setting.separate)


def _mean(atoms: Atoms, mean: Mean, setting: Setting) -> Atoms:
    """The mean of a product as a product of means over linked factors."""
    for axis in _order(setting):
        if axis not in mean.axes:
            continue
        linked = [atom for atom in atoms if axis in support(atom, setting)]
        if not linked:
            continue
        apart = tuple(atom for atom in atoms if axis not in support(atom, setting))
        only = linked[0]
        if len(linked) == 1 and isinstance(only, Mean):
            joined = Mean(only.term, only.axes | {axis})
        else:
            joined = Mean(multiply(*linked), frozenset(axis))
        atoms = tuple(sorted((*apart, joined), key=_key))
    return atoms


def expansion(term: Term, setting: Setting) -> Expansion:
    """The products of a term with their coefficients.

    Raises:
        TooLarge: a limit of this module is reached.
    """
    if isinstance(term, Constant):
        return {(): term.value} if term.value else {}
    if isinstance(term, Sum):
        total: Expansion = {}
        for part in term.terms:
            for atoms, value in expansion(part, setting).items():
                total[atoms] = total.get(atoms, Fraction(0)) + value
        return {atoms: value for atoms, value in total.items() if value}
    if isinstance(term, (Product, Power)):
        factors = term.factors if isinstance(term, Product) else (term.term,) * term.exponent
        result: Expansion = {(): Fraction(1)}
        for factor in factors:
            result = _times(result, expansion(factor, setting))
        return result
    if isinstance(term, Mean):
        reduced: Expansion = {}
        for atoms, value in expansion(term.term, setting).items():
            key = _mean(atoms, term, setting)
            reduced[key] = reduced.get(key, Fraction(0)) + value
        return {atoms: value for atoms, value in reduced.items() if value}
    if isinstance(term, InverseRoot):
        return {(InverseRoot(expanded(term.term, setting)),): Fraction(1)}
    return {(term,): Fraction(1)}


def expanded(term: Term, setting: Setting) -> Term:
    """The expanded form as a term again, its products in a fixed order. Raises TooLarge as :func:`expansion`."""
    products = sorted(expansion(term, setting).items(), key=lambda item: tuple(map(_key, item[0])))
    return add(*(multiply(number(value), *atoms) for atoms, value in products))
