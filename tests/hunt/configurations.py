"""The hunt on layers of the census: it must find something on the refuted ones, and nothing on the proved ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.hunt.cases import Case, confirmed, hunted
from theory.spec.actions import Scope
from theory.spec.grids import EVEN

BUDGET = {False: 1000, True: 100}
"""Examples for a case, by whether it is equivariant."""


@dataclass(frozen=True)
class Outcome:
    """What the hunt made of a case: examples until a violation, or ``None``; and whether the kernel accepts it."""

    case: Case
    examples: int
    until_found: int | None
    exact: bool

    @property
    def right(self) -> bool:
        """True if a violation was found, and confirmed, just where there is one."""
        return self.exact if not self.case.equivariant else self.until_found is None


def study(cases: Iterable[Case], seed: int) -> list[Outcome]:
    """Hunt every case."""
    found = []
    for case in cases:
        seen = hunted(case, BUDGET[case.equivariant], seed)
        found.append(Outcome(case, seen.examples, seen.until_found, confirmed(case, seen)))
    return found


def report(outcomes: Sequence[Outcome]) -> str:
    """Counts, the median of the examples, and each case that came out wrong."""
    lines = []
    for equivariant, name in ((False, "refuted"), (True, "proved")):
        own = [outcome for outcome in outcomes if outcome.case.equivariant is equivariant]
        if not own:
            continue
        kinds = Counter(outcome.case.block.action.kind.value for outcome in own)
        even = sum(outcome.case.block.size == EVEN for outcome in own)
        apart = sum(outcome.case.block.action.scope is Scope.PER_SAMPLE for outcome in own)
        counted = ", ".join(f"{count} under {kind}s" for kind, count in sorted(kinds.items()))
        lines.append(f"{name}: {len(own)} configurations ({counted}; {even} on even grids, {apart} per sample)")
        counts = [outcome.until_found for outcome in own if outcome.until_found is not None]
        if not equivariant:
            exact = sum(outcome.exact for outcome in own)
            lines.append(f"  counterexample found on {len(counts)}, confirmed by the kernel on {exact}")
            if counts:
                lines.append(f"  examples until found: median {median(counts):g}, most {max(counts)}")
        else:
            examples = sum(outcome.examples for outcome in own)
            lines.append(f"  counterexample found on {len(counts)}, in {examples} examples")
    wrong = [outcome for outcome in outcomes if not outcome.right]
    lines += [f"WRONG {outcome.case} ({outcome.until_found}, exact: {outcome.exact})" for outcome in wrong]
    return "\n".join(lines)
