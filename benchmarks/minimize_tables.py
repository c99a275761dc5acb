"""Time to turn a truth table into a factored condition, against SymPy's ``POSform`` on the same rows.

Run as ``python -m benchmarks.minimize_tables``; with ``--sympy`` the comparison runs too (minutes). The tables have the
shape of those of the normalization layers: 12 variables with 3 840 rows given, 15 variables with 4 913 rows given.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import product

from theory.decision.formulas import models
from theory.decision.minimize import condition
from theory.decision.notation import parse, spell
from theory.decision.tables import Table

AXES = "BCHW"
EXAMPLES = {
    "plain": ["¬aH ∧ ¬aW", "sH ∧ sW ∧ ¬aH ∧ ¬aW", "¬aH ∧ ¬aW ∧ (¬mB ∨ mH ∧ mW) ∧ (¬sB ∨ sH ∧ sW)"],
    "with presence": [
        "¬aH ∧ ¬aW ∧ (¬s ∨ sH ∧ sW ∨ m ∧ ¬mB ∧ ¬mC ∧ ¬mH ∧ ¬mW)",
        "¬aH ∧ ¬aW ∧ (¬mB ∨ mH ∧ mW) ∧ (¬s ∨ sH ∧ sW ∨ m ∧ ¬mB ∧ ¬mC ∧ ¬mH ∧ ¬mW)",
    ],
}


def given_rows(presence: bool) -> tuple[tuple[str, ...], int]:
    """The variables and the set of the rows that describe a layer."""
    names = tuple(step + axis for step in "msa" for axis in (("", *AXES) if presence else AXES))
    rule = " ∧ ".join(f"({step} ∨ " + " ∧ ".join(f"¬{step}{axis}" for axis in AXES) + ")" for step in "msa")
    return names, models(parse(rule if presence else "mB ∨ mC ∨ mH ∨ mW"), names)


def tables() -> Iterator[tuple[str, Table]]:
    """A table for each example."""
    for kind, texts in EXAMPLES.items():
        names, rows = given_rows(kind == "with presence")
        for text in texts:
            true = models(parse(text), names) & rows
            yield kind, Table(names, true, rows & ~true)


def sympy_seconds(table: Table) -> float:
    """The time SymPy takes for the product of sums of ``table``."""
    from sympy import symbols
    from sympy.logic import POSform

    count = len(table.variables)
    rows = list(product((0, 1), repeat=count))
    place = [sum(bit << index for index, bit in enumerate(row)) for row in rows]
    true = [list(row) for row, index in zip(rows, place, strict=True) if table.true >> index & 1]
    free = [list(row) for row, index in zip(rows, place, strict=True) if table.open >> index & 1]
    start = time.perf_counter()
    POSform(symbols(table.variables), true, free)
    return time.perf_counter() - start


def main() -> None:
    """Print one line a table."""
    for kind, table in tables():
        start = time.perf_counter()
        found = condition(table)
        seconds = time.perf_counter() - start
        line = f"{kind:14} {table.rows:5} rows {1000 * seconds:8.2f} ms  {spell(found.formula)}"
        if "--sympy" in sys.argv and len(table.variables) <= 12:
            line += f"  (SymPy {sympy_seconds(table):.0f} s)"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
