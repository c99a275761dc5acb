"""Hunting the theorems: every mutant of a synthesised condition must fall to the hunt.

A mutant and the theorem disagree on some layers, and one of these, drawn at random, decides between the two. Where the
mutant calls it equivariant, the hunt finds a violation, and the kernel accepts it. Where the mutant calls it not
equivariant, the hunt finds nothing in EXAMPLES examples, though as many are enough for every violation that any mutant
needs, and the prover's proof is accepted by the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.hunt.cases import Case, confirmed, hunted, named, proved
from tests.hunt.mutating import Mutant, mutants
from theory.decision.blocks import Block, all_layers
from theory.decision.formulas import Formula, Literal, conjunction, models
from theory.decision.minimize import condition
from theory.decision.synthesis import (
    ALL_LAYERS,
    EMPTY_CENTERING,
    synthesize,
    true_variables,
    truth_table,
    variables,
)
from theory.decision.tables import Table, members, row_of, table_of
from theory.spec.layers import Normalization

EXAMPLES = 60


@dataclass(frozen=True)
class Killer:
    """A layer that decides between a mutant and the theorem, and how the hunt ended there."""

    layer: Normalization
    too_weak: bool
    until_found: int | None
    sure: bool

    def __str__(self) -> str:
        if self.too_weak:
            return f"{self.layer}: violated at example {self.until_found}"
        return f"{self.layer}: none found in {EXAMPLES} examples, and proved"


@dataclass(frozen=True)
class Fate:
    """What became of a mutant; ``killer`` is ``None`` for one that survived, ``same`` is one that is no mutant."""

    block: Block
    mutant: Mutant
    same: bool
    killer: Killer | None


@dataclass
class Ground:
    """A block in which mutants are hunted: its condition, its table, the layer of each row, and what is known of them.

    A condition may be one of some layers only; the rows of the others are open.
    """

    block: Block
    formula: Formula
    table: Table
    layers: dict[int, Normalization]
    seed: int
    known: dict[int, Killer] = field(default_factory=dict)

    @property
    def named(self) -> dict[str, Formula]:
        """The meaning of E."""
        no_axis = [Literal("m" + axis, False) for axis in self.block.layout.names]
        return {EMPTY_CENTERING: conjunction(Literal("m"), *no_axis)}

    def fate(self, mutant: Mutant) -> Fate:
        """Hunt one mutant."""
        holds = models(mutant.formula, self.table.variables, self.named)
        weak, strong = holds & self.table.false, self.table.true & ~holds
        if not weak | strong:
            return Fate(self.block, mutant, True, None)
        return Fate(self.block, mutant, False, self._killer(weak, True) or self._killer(strong, False))

    def _killer(self, rows: int, too_weak: bool) -> Killer | None:
        """A layer of ``rows`` on which the hunt decides; one that is known already, or one that is drawn."""
        if not rows:
            return None
        here = list(members(rows))
        for row in here:
            if row in self.known and self.known[row].sure:
                return self.known[row]
        row = Random(f"{self.seed} {len(here)} {here[0]}").choice(here)
        case = Case(self.block, self.layers[row], not too_weak)
        found = hunted(case, EXAMPLES, self.seed)
        sure = confirmed(case, found) if too_weak else found.until_found is None and proved(case)
        self.known[row] = Killer(case.layer, too_weak, found.until_found, sure)
        return self.known[row] if sure else None


def ground(block: Block, verdicts: Sequence[bool], seed: int) -> Ground:
    """The theorem of a block about all layers."""
    theorem = synthesize(block, verdicts, ALL_LAYERS)
    return Ground(block, theorem.formula, truth_table(block, verdicts, ALL_LAYERS), _by_row(block), seed)


def ground_of_some(block: Block, verdicts: Mapping[Normalization, bool], seed: int) -> Ground:
    """The shortest condition that says which of some layers of a block are equivariant."""
    names = variables(block.layout, ALL_LAYERS)
    rows = {row_of(names, true_variables(layer)): verdict for layer, verdict in verdicts.items()}
    own = table_of(names, rows)
    return Ground(block, condition(own).formula, own, _by_row(block), seed)


def _by_row(block: Block) -> dict[int, Normalization]:
    names = variables(block.layout, ALL_LAYERS)
    return {row_of(names, true_variables(layer)): layer for layer in all_layers(block.layout)}


def fates(own: Ground, chosen: Callable[[Mutant], bool] = lambda mutant: True) -> Iterator[Fate]:
    """The fate of each mutant of a block, or of those that are chosen."""
    for mutant in mutants(own.formula, [*own.table.variables, EMPTY_CENTERING]):
        if chosen(mutant):
            yield own.fate(mutant)


def table(found: Sequence[Fate]) -> str:
    """A line for each mutant that is none in other words: block, change, killer."""
    return "\n".join(
        f"{named(fate.block)} | {fate.mutant.change} | {fate.killer or 'SURVIVED'}" for fate in found if not fate.same
    )


def summary(found: Sequence[Fate]) -> str:
    """How many mutants there were, and how they fell."""
    alive = [fate for fate in found if not fate.same and fate.killer is None]
    killers = [fate.killer for fate in found if fate.killer is not None]
    weak = [killer for killer in killers if killer.too_weak]
    most = max((killer.until_found or 0 for killer in weak), default=0)
    same = sum(fate.same for fate in found)
    return (
        f"{len(found)} mutants; {same} say the same of every layer; {len(weak)} fell to a violation (found within "
        f"{most} examples, accepted by the kernel), {len(killers) - len(weak)} to {EXAMPLES} examples without one and "
        f"a proof; {len({killer.layer for killer in killers})} killers; {len(alive)} survived"
    )
