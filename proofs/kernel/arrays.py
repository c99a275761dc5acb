"""Arrays on cells, and the value of a term on them, in any arithmetic.

An axis is laid out in cells: entries 0, …, k-1 one by one and, where there are more, all others as one cell in which
every array of the certificate is constant. A mean weighs a cell with its share of the entries. An array is the list of
its values on all cells in row-major order.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

from proofs.kernel.rejection import MOST_CELLS, require
from proofs.kernel.terms import Term

Cell = tuple[int, ...]


class Board:
    """Cells: for each axis its name and the shares of its cells.

    ``arithmetic`` has number, add, multiply, scale (by a share) and inverse_root: enclosures, or polynomials.
    """

    def __init__(self, names: str, shares: Sequence[Sequence[Any]], arithmetic: Any) -> None:
        self.names, self.shares, self.arithmetic = names, shares, arithmetic
        require(prod(map(len, shares)) <= MOST_CELLS, f"more than {MOST_CELLS} cells")
        self.cells: list[Cell] = list(product(*(range(len(line)) for line in shares)))
        self.place = {cell: place for place, cell in enumerate(self.cells)}

    def line(self, cell: Cell, axis: int) -> list[int]:
        """The places of the cells in one line with a cell, along an axis."""
        return [self.place[*cell[:axis], n, *cell[axis + 1 :]] for n in range(len(self.shares[axis]))]

    def mean(self, values: list[Any], over: frozenset[str]) -> list[Any]:
        """The mean over axes, on all cells."""
        add, scale = self.arithmetic.add, self.arithmetic.scale
        for axis in [place for place, name in enumerate(self.names) if name in over]:
            if len(self.shares[axis]) == 1 and self.shares[axis][0] is not None:
                continue
            found: dict[Cell, Any] = {}
            groups = [cell[:axis] + cell[axis + 1 :] for cell in self.cells]
            for cell, group, value in zip(self.cells, groups, values, strict=True):
                part = scale(value, self.shares[axis][cell[axis]])
                found[group] = add(found[group], part) if group in found else part
            values = [found[group] for group in groups]
        return values


def evaluate(term: Term, leaves: dict[Term, list[Any]], board: Board) -> list[Any]:
    """The value of a term; ``leaves`` holds those of x, eps and the parameters. Raises Rejected where undefined."""
    arithmetic, known = board.arithmetic, dict(leaves)

    def value(node: Term) -> list[Any]:
        if node not in known:
            kind, rest = node[0], node[1:]
            if kind == "number":
                known[node] = [arithmetic.number(rest[0])] * len(board.cells)
            elif kind == "mean":
                known[node] = board.mean(value(rest[0]), rest[1])
            elif kind == "rsqrt":
                known[node] = list(map(arithmetic.inverse_root, value(rest[0])))
            else:
                operation = arithmetic.add if kind == "sum" else arithmetic.multiply
                first, *others = rest[:1] * rest[1] if kind == "power" else rest
                found = value(first)
                for other in others:
                    found = list(map(operation, found, value(other)))
                known[node] = found
        array: list[Any] = known[node]
        return array

    return value(term)
