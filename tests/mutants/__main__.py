"""``python -m tests.mutants``: the table of mutants and what kills them; exit status 1 if one survives."""

from __future__ import annotations

import sys

from tests.mutants.changes import MUTANTS
from tests.mutants.checks import CHECKS
from tests.mutants.hunt import hunt, report


def main() -> int:
    """Hunt all mutants and print the table."""
    fates = hunt(MUTANTS, CHECKS)
    print(report(fates))
    return int(any(fate.killer is None for fate in fates))


if __name__ == "__main__":
    sys.exit(main())
