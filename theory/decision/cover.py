"""Minimum covers: as few sets as possible, then as cheap as possible, whose union holds all given rows.

Rows and candidates are bit sets. Costs are non-negative integers that add up; "fewest sets first" is a large constant
in every cost. Reductions first (they lose no minimum): a row in one candidate only makes that candidate *essential*; a
candidate that covers no more than another and costs no less is *dominated*; a row whose candidates include all of
another row's needs no care of its own. What is left is searched by branch and bound. The bound takes rows of which no
two share a candidate, and adds the cheapest candidate of each: any cover pays for them separately.

References: McCluskey (1956), "Minimization of Boolean functions"; Coudert (1996), "On solving covering problems".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from theory.decision.tables import members

SEARCH_STEPS = 30_000
"""Row visits (rows left, summed over the nodes) after which the search keeps its best cover without a proof."""


@dataclass(frozen=True)
class Cover:
    """Positions of the chosen candidates, in increasing order; ``exact`` if no cover costs less, which was proved."""

    chosen: tuple[int, ...]
    exact: bool


@dataclass
class _State:
    """The rows still to cover and, by position, what each remaining candidate covers of them."""

    rows: int
    sets: dict[int, int]
    chosen: list[int]


class _Search:
    def __init__(self, costs: Sequence[int], steps: int) -> None:
        self.costs = costs
        self.steps = steps
        self.best: list[int] | None = None
        self.best_cost = 0

    def cost(self, chosen: Sequence[int]) -> int:
        return sum(self.costs[position] for position in chosen)

    def choose(self, state: _State, position: int) -> None:
        """Take a candidate, and forget the rows it covers."""
        covered = state.sets.pop(position)
        state.chosen.append(position)
        state.rows &= ~covered
        state.sets = {other: left for other, rows in state.sets.items() if (left := rows & state.rows)}

    def drop_dominated(self, state: _State) -> bool:
        """Drop candidates that another one replaces at no greater cost; equal ones keep the first."""
        ranked = sorted(state.sets, key=lambda position: (self.costs[position], position))
        kept: dict[int, int] = {}
        for position in ranked:
            rows = state.sets[position]
            if not any(rows & ~other == 0 for other in kept.values()):
                kept[position] = rows
        smaller = len(kept) < len(state.sets)
        state.sets = kept
        return smaller

    def take_essential(self, state: _State) -> bool:
        """Take every candidate that alone covers some row."""
        once = twice = 0
        for rows in state.sets.values():
            twice |= once & rows
            once |= rows
        essential = [position for position, rows in state.sets.items() if rows & ~twice]
        for position in essential:
            self.choose(state, position)
        return bool(essential)

    def drop_rows(self, state: _State) -> bool:
        """Keep one row of those with equal candidates, and none whose candidates include another row's."""
        by_owners: dict[frozenset[int], int] = {}
        for row, positions in self.owners(state).items():
            by_owners.setdefault(frozenset(positions), row)
        kept: list[frozenset[int]] = []
        for group in sorted(by_owners, key=lambda group: (len(group), by_owners[group])):
            if not any(other <= group for other in kept):
                kept.append(group)
        rows_kept = sum(1 << by_owners[group] for group in kept)
        smaller = rows_kept != state.rows
        state.rows = rows_kept
        state.sets = {position: left for position, rows in state.sets.items() if (left := rows & rows_kept)}
        return smaller

    def reduce(self, state: _State) -> None:
        """Apply the reductions until none helps."""
        while state.rows and (self.take_essential(state) or self.drop_dominated(state) or self.drop_rows(state)):
            continue

    def owners(self, state: _State) -> dict[int, list[int]]:
        """The candidates of each row that is left."""
        found: dict[int, list[int]] = {row: [] for row in members(state.rows)}
        for position, rows in state.sets.items():
            for row in members(rows):
                found[row].append(position)
        return found

    def run(self, state: _State) -> bool:
        """Search below ``state``; False if the steps ran out, so that something better may have been missed."""
        self.steps -= 1 + state.rows.bit_count()
        reach = 0
        for rows in state.sets.values():
            reach |= rows
        if state.rows & ~reach:
            return True
        self.reduce(state)
        paid = self.cost(state.chosen)
        if not state.rows:
            if self.best is None or paid < self.best_cost:
                self.best, self.best_cost = state.chosen, paid
            return True
        owners = self.owners(state)
        order = sorted(owners, key=lambda row: (len(owners[row]), row))
        touched = 0
        bound = paid
        for row in order:
            if not any(state.sets[position] & touched for position in owners[row]):
                touched |= 1 << row
                bound += min(self.costs[position] for position in owners[row])
        if self.best is not None and bound >= self.best_cost:
            return True
        complete = True
        # Branch on the row with the fewest candidates; after a candidate was tried, it is out for the next branches.
        sets = dict(state.sets)
        for position in sorted(owners[order[0]], key=lambda p: (-sets[p].bit_count(), self.costs[p], p)):
            if self.steps <= 0 and self.best is not None:
                return False
            child = _State(state.rows, dict(sets), list(state.chosen))
            self.choose(child, position)
            complete = self.run(child) and complete
            del sets[position]
        return complete


def minimum_cover(rows: int, candidates: Sequence[int], costs: Sequence[int], steps: int = SEARCH_STEPS) -> Cover:
    """A cheapest choice of ``candidates`` whose union contains ``rows``; among equal ones, always the same.

    Raises:
        ValueError: some row is in no candidate.

    >>> minimum_cover(0b111, [0b011, 0b110, 0b100], [10, 10, 9]).chosen
    (0, 2)
    """
    reach = 0
    for candidate in candidates:
        reach |= candidate
    if rows & ~reach:
        raise ValueError(f"row {next(members(rows & ~reach))} is in no candidate")
    search = _Search(costs, steps)
    sets = {position: left for position, candidate in enumerate(candidates) if (left := candidate & rows)}
    complete = search.run(_State(rows, sets, []))
    return Cover(tuple(sorted(search.best or ())), complete)
