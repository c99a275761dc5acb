"""Truth tables with rows left open, and the check of a printed formula against every row.

A table over n ordered variables says of some assignments that they are true, of others that they are false; the rest
are *open*: a formula may take either value there. Rows are bit sets, as in :mod:`theory.decision.formulas`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from theory.decision.formulas import Formula, everything, models
from theory.decision.notation import parse
from theory.spec.errors import refuse


@dataclass(frozen=True)
class Table:
    """A partial truth table: bit i of ``true`` (of ``false``) says that row i is true (false).

    Raises:
        SpecificationError: a variable that occurs twice, a row that is both true and false, a row beyond 2^n.
    """

    variables: tuple[str, ...]
    true: int
    false: int

    def __post_init__(self) -> None:
        for name in self.variables:
            if self.variables.count(name) > 1:
                raise refuse(f"variable={name}", "every variable once")
        full = everything(len(self.variables))
        if self.true & self.false:
            row = next(members(self.true & self.false))
            raise refuse(f"row={row}", "true or false, not both")
        if (self.true | self.false) & ~full:
            raise refuse(f"variables={len(self.variables)}", f"rows below {1 << len(self.variables)}")

    @property
    def rows(self) -> int:
        """The number of rows that are true or false."""
        return (self.true | self.false).bit_count()

    @property
    def open(self) -> int:
        """The set of the rows that are neither true nor false."""
        return everything(len(self.variables)) & ~(self.true | self.false)


def members(rows: int) -> Iterator[int]:
    """The elements of a bit set, in increasing order."""
    # One pass over the digits; taking off the lowest bit of a long integer again and again would be quadratic.
    for index, digit in enumerate(reversed(f"{rows:b}")):
        if digit == "1":
            yield index


def row_of(variables: Sequence[str], true: Collection[str]) -> int:
    """The assignment in which exactly the variables named in ``true`` are true.

    >>> row_of(("a", "b", "c"), {"a", "c"})
    5
    """
    return sum(1 << index for index, name in enumerate(variables) if name in true)


def values_of(variables: Sequence[str], row: int) -> dict[str, bool]:
    """The value of each variable in the assignment ``row``."""
    return {name: bool(row >> index & 1) for index, name in enumerate(variables)}


def table_of(variables: Sequence[str], rows: Mapping[int, bool]) -> Table:
    """The table with the given rows; the assignments that are not keys of ``rows`` are open. Raises as `Table`."""
    length = 1 << len(variables)
    if any(not 0 <= row < length for row in rows):
        raise refuse(f"variables={len(variables)}", f"rows from 0 to {length - 1}")
    digits = {value: bytearray(b"0" * length) for value in (False, True)}
    for row, value in rows.items():
        digits[bool(value)][length - 1 - row] = ord("1")
    return Table(tuple(variables), int(digits[True], 2), int(digits[False], 2))


def differences(formula: Formula | str, table: Table, named: Mapping[str, Formula] | None = None) -> int:
    """The set of the rows of ``table`` on which a formula, or the text of one, has the other value.

    Given a text, it is the text that is checked: it is parsed and evaluated on every row. ``named`` as in
    :func:`theory.decision.formulas.models`. Raises SpecificationError if the text does not parse.
    """
    found = models(parse(formula) if isinstance(formula, str) else formula, table.variables, named)
    return (table.true & ~found) | (table.false & found)
