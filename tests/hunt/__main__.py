"""``python -m tests.hunt configurations`` or ``theorems``; exit status 1 if the hunt is wrong or a mutant survives."""

from __future__ import annotations

import argparse
import sys

from tests.hunt.cases import Case, sampled
from tests.hunt.configurations import report, study
from tests.hunt.theorems import Fate, fates, ground, summary, table
from theory.decision.blocks import blocks
from theory.decision.synthesis import decide_blocks


def main() -> int:
    """Decide all layers, hunt, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.hunt")
    parser.add_argument("what", choices=["configurations", "theorems"])
    parser.add_argument("--each", type=int, default=10, help="configurations of each verdict in each block")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    decided = decide_blocks(blocks())
    if given.what == "configurations":
        cases: list[Case] = []
        for block, verdicts in decided.items():
            cases += sampled(block, verdicts, given.each, given.seed)
        outcomes = study(cases, given.seed)
        print(report(outcomes))
        return int(not all(outcome.right for outcome in outcomes))
    found: list[Fate] = []
    for block, verdicts in decided.items():
        own = list(fates(ground(block, verdicts, given.seed)))
        print(table(own), flush=True)
        found += own
    print(summary(found))
    return int(any(not fate.same and fate.killer is None for fate in found))


if __name__ == "__main__":
    sys.exit(main())
