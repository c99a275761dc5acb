"""Arrays on cells: an instance, and the value of its term, in any arithmetic.

An axis is laid out in cells: entries 0, …, k-1 one by one and, where there are more, all others as one cell in which
every array of the certificate is constant. A mean weighs a cell with its share of the entries. An array is the list of
its values on all cells in row-major order.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import reduce
from itertools import product
from math import prod
from typing import Any

from proofs.kernel.instances import Instance
from proofs.kernel.reading import MOST_CELLS, require
from proofs.kernel.terms import Axes, Term

Array = list[Any]
Cell = tuple[int, ...]


class Board:
    """The cells of an instance.

    ``arithmetic`` has number, add, multiply, inverse_root, the weights of cells in a mean and the values of a wave:
    enclosures, or polynomials. These have an ``average`` as well, over an axis that is not laid out in cells.
    """

    def __init__(self, instance: Instance, arithmetic: Any, averaged: int | None = None) -> None:
        self.instance, self.arithmetic, self.averaged = instance, arithmetic, averaged
        self.weights: list[Array] = []
        for place, (axis, count) in enumerate(zip(instance.statement.axes, instance.listed, strict=True)):
            one, rest = arithmetic.weights(place, axis.size, count)
            self.weights.append([one] * count + [rest] * (axis.size != (count, 0)))
        require(prod(map(len, self.weights)) <= MOST_CELLS, f"more than {MOST_CELLS} cells")
        self.cells: list[Cell] = list(product(*(range(len(line)) for line in self.weights)))
        self.place = {cell: place for place, cell in enumerate(self.cells)}

    def input(self, unit: Any) -> Array:
        """x, as a multiple of a unit."""
        number, add, multiply = self.arithmetic.number, self.arithmetic.add, self.arithmetic.multiply
        total = [number(Fraction(0))] * len(self.cells)
        for amplitude, profiles in self.instance.parts:
            first = multiply(number(amplitude), unit)
            lines = [(i, self._line(i, *each)) for i, each in enumerate(profiles) if each[0] != "constant"]
            for place, cell in enumerate(self.cells):
                part = reduce(multiply, (line[cell[i]] for i, line in lines), first)
                total[place] = add(total[place], part)
        return total

    def _line(self, axis: int, kind: str, number: int) -> Array:
        """A profile on the cells of an axis."""
        count, size = len(self.weights[axis]), self.instance.statement.axes[axis].size.first
        if kind in ("entry", "pair"):
            zero, one = map(self.arithmetic.number, (Fraction(0), Fraction(1)))
            return [one if n in (number, number + (kind == "pair")) else zero for n in range(count)]
        return [self.arithmetic.wave(kind, Fraction(number * n, size)) for n in range(count)]

    def value(self, x: Array) -> Array:
        """The value of the statement's term at x. Raises Rejected where it is undefined."""
        instance, number = self.instance, self.arithmetic.number
        known: dict[Term, Array] = {("x",): x, ("eps",): [number(instance.eps)] * len(x)}
        for place, (names, given) in enumerate(zip(instance.statement.parameters, instance.parameters, strict=True)):
            own = [i for i, axis in enumerate(instance.statement.axes) if axis.name in names]
            groups = [tuple(cell[i] for i in own) for cell in self.cells]
            count = len(set(groups))
            require(len(given) in (1, count), "parameter {}: {} values, expected {}", place, len(given), count)
            values = map(number, given if len(given) == count else given * count)
            value = dict(zip(dict.fromkeys(groups), values, strict=True))
            known["par", place] = [value[group] for group in groups]
        return self._evaluate(instance.statement.term, known)

    def _evaluate(self, term: Term, known: dict[Term, Array]) -> Array:
        if term not in known:
            kind, arithmetic = term[0], self.arithmetic
            parts = [self._evaluate(part, known) for part in term[1:] if isinstance(part, tuple)]
            if kind == "number":
                known[term] = [arithmetic.number(term[1])] * len(self.cells)
            elif kind == "mean":
                known[term] = self._mean(parts[0], term[2])
            elif kind == "rsqrt":
                known[term] = list(map(arithmetic.inverse_root, parts[0]))
            else:
                operation = arithmetic.add if kind == "sum" else arithmetic.multiply
                factors = parts * term[2] if kind == "power" else parts
                known[term] = reduce(lambda left, right: list(map(operation, left, right)), factors)
        return known[term]

    def _mean(self, values: Array, over: Axes) -> Array:
        add, multiply = self.arithmetic.add, self.arithmetic.multiply
        for axis in [place for place, own in enumerate(self.instance.statement.axes) if own.name in over]:
            if axis == self.averaged:
                values = list(map(self.arithmetic.average, values))
            if len(self.weights[axis]) == 1:
                continue
            found: dict[Cell, Any] = {}
            groups = [cell[:axis] + cell[axis + 1 :] for cell in self.cells]
            for cell, group, value in zip(self.cells, groups, values, strict=True):
                part = multiply(value, self.weights[axis][cell[axis]])
                found[group] = add(found[group], part) if group in found else part
            values = [found[group] for group in groups]
        return values

    def sides(self, x: Array, sources: Callable[[int], Iterable[tuple[int, Any]]]) -> tuple[Any, Any]:
        """At the entry, the term of the displaced input and the displaced term.

        At cell n of the moving axis a displaced array has what stands at the ``sources`` of n, times their factors.
        """
        zero, moving, only = self.arithmetic.number(Fraction(0)), self.instance.moving, self.instance.only

        def moved(values: Array, cell: Cell) -> Any:
            if only is not None and cell[only]:
                return values[self.place[cell]]
            before, n, after = cell[:moving], cell[moving], cell[moving + 1 :]
            found = [(values[self.place[*before, m, *after]], by) for m, by in sources(n)]
            parts = [self.arithmetic.multiply(value, by) for value, by in found if value != zero]
            return reduce(self.arithmetic.add, parts, zero)

        displaced, still = [moved(x, cell) for cell in self.cells], self.value(x)
        first = still if displaced == x else self.value(displaced)
        return first[self.place[self.instance.entry]], moved(still, self.instance.entry)
