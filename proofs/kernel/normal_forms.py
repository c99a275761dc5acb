"""The normal form of a term: a sum of products of entries, in which equal values look alike.

An entry is a head (x, eps, a parameter, a root) with a label for each axis: FREE where it stands at the output's index,
a number where it stands at an index that a mean runs over, FIXED where the head does not vary. A component is a tuple
of entries linked by such means, with the numbers that make it smallest among all ways of numbering; a product is a
sorted tuple of components; a form maps products to rational coefficients.

Two terms of one form have the same value wherever both are defined.
"""

from fractions import Fraction
from itertools import permutations, product
from math import factorial, prod
from typing import Any

from proofs.kernel.reading import MOST_PRODUCTS, require
from proofs.kernel.statements import ONE, Statement
from proofs.kernel.terms import Term

FIXED, FREE = -1, 0
MOST_ORDERS = 1_000

Entry = tuple[Any, tuple[int, ...]]
Component = tuple[Entry, ...]
Form = dict[tuple[Component, ...], Fraction]


def _canonical(component: Component) -> Component:
    """The smallest of all numberings; as it is where there are too many, which can only hide an equality."""
    columns = list(zip(*(labels for _, labels in component), strict=True))
    found = [sorted(set(column) - {FIXED, FREE}) for column in columns]
    if prod(factorial(len(numbers)) for numbers in found) > MOST_ORDERS:
        return tuple(sorted(component))
    orders = []
    for order in product(*(permutations(range(1, len(numbers) + 1)) for numbers in found)):
        names = [{FIXED: FIXED, FREE: FREE, **dict(zip(*pair, strict=True))} for pair in zip(found, order, strict=True)]
        renamed = ((head, tuple(map(dict.__getitem__, names, labels))) for head, labels in component)
        orders.append(tuple(sorted(renamed)))
    return min(orders)


def _mean(components: tuple[Component, ...], places: list[int]) -> tuple[Component, ...]:
    """The mean of a product: along each axis one new index links all components that are free there."""
    for place in places:
        rest = [component for component in components if all(labels[place] != FREE for _, labels in component)]
        free = [component for component in components if component not in rest]
        bound: list[Entry] = []
        # The numbers of one component mean nothing in another one; those of all of them are below ``new``.
        step = 1 + max((n for component in free for _, labels in component for n in labels), default=0)
        new = step * len(free)
        for number, component in enumerate(free):
            for head, labels in component:
                apart = [n + step * number if n > FREE else n for n in labels]
                apart[place] = new if labels[place] == FREE else apart[place]
                bound.append((head, tuple(apart)))
        components = (*rest, tuple(bound)) if bound else components
    return tuple(sorted(map(_canonical, components)))


def _total(parts: list[tuple[tuple[Component, ...], Fraction]]) -> Form:
    found: Form = {}
    for key, value in parts:
        found[key] = found.get(key, Fraction(0)) + value
    return {key: value for key, value in found.items() if value}


def _entry(head: Any, free: list[bool]) -> Form:
    return {(((head, tuple(FREE if varies else FIXED for varies in free)),),): Fraction(1)}


def normal_form(term: Term, statement: Statement) -> Form:
    """The normal form of a term on the grids and arrays of a statement. Raises Rejected where it is too long."""
    kind, axes = term[0], statement.axes
    if kind == "number":
        return _total([((), term[1])])
    if kind in ("x", "eps", "par"):
        own = statement.parameters[term[1]] if kind == "par" else frozenset[str]()
        return _entry(term, [axis.varies if kind == "x" else axis.name in own and axis.size != ONE for axis in axes])
    parts = [normal_form(child, statement) for child in term[1:] if isinstance(child, tuple)]
    if kind == "sum":
        return _total([item for part in parts for item in part.items()])
    if kind == "mean":
        places = [place for place, axis in enumerate(axes) if axis.name in term[2]]
        return _total([(_mean(key, places), value) for key, value in parts[0].items()])
    if kind == "rsqrt":
        inside = tuple(sorted(parts[0].items()))
        entries = [labels for key, _ in inside for component in key for _, labels in component]
        free = [FREE in column for column in zip(*entries, strict=True)] or [False] * len(axes)
        return _entry(("rsqrt", inside), free)
    found: Form = {(): Fraction(1)}
    for part in parts * term[2] if kind == "power" else parts:
        require(len(found) * len(part) <= MOST_PRODUCTS, "the normal form of a term is too long")
        found = _total([(tuple(sorted(k + j)), a * b) for k, a in found.items() for j, b in part.items()])
    return found


def equal(left: Term, right: Term, statement: Statement) -> bool:
    """True if two terms are known to have the same value: alike, of alike operands, or of one normal form."""
    if left == right:
        return True
    pairs = list(zip(left, right, strict=False))
    alike = (equal(a, b, statement) if isinstance(a, tuple) and isinstance(b, tuple) else a == b for a, b in pairs)
    if len(left) == len(right) and all(alike):
        return True
    return normal_form(left, statement) == normal_form(right, statement)
