"""Layers of the census as questions for the hunt, and what the calculus says of them, which the hunt does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from equinorm.search.engine import Search, search
from equinorm.search.exact import confirm
from equinorm.search.questions import Question, shapes_of
from proofs.emit.certificates import accepted_certificate
from theory.calculus.compile import compile_term
from theory.decision.blocks import Block, all_layers
from theory.decision.decide import decide
from theory.decision.verdicts import Proof
from theory.spec.actions import NyquistPolicy
from theory.spec.layers import Normalization


@dataclass(frozen=True)
class Case:
    """A layer in a block, with the verdict of the calculus."""

    block: Block
    layer: Normalization
    equivariant: bool

    @property
    def question(self) -> Question:
        """What the hunt is asked."""
        action, domain = self.block.action, self.block.domain
        shapes = shapes_of(self.block.claim.grid, domain)
        return Question(self.layer, "layer", str(self.layer), action, domain, NyquistPolicy.SYMMETRIC, shapes)

    def __str__(self) -> str:
        return f"{named(self.block)}: {self.layer}"


def named(block: Block) -> str:
    """A block in words."""
    return f"{block.action.kind.value}s of {block.axes}, {block.action.scope.value}, {block.arrays}"


def sampled(block: Block, verdicts: Sequence[bool], count: int, seed: int) -> list[Case]:
    """So many layers of a block that are equivariant, and as many that are not."""
    random = Random(f"{seed} {named(block)}")
    found = []
    for wanted in (False, True):
        layers = [layer for layer, verdict in zip(all_layers(), verdicts, strict=True) if verdict is wanted]
        found += [Case(block, layer, wanted) for layer in random.sample(layers, min(count, len(layers)))]
    return found


def hunted(case: Case, examples: int, seed: int) -> Search:
    """What the hunt sees; it stops at the first violation, without shrinking it."""
    return search(case.question, examples, seed, shrink=False)


def confirmed(case: Case, found: Search) -> bool:
    """True if the kernel accepts the violation that was found."""
    return found.smallest is not None and confirm(case.question, found.smallest[0]).exact


def proved(case: Case) -> bool:
    """True if the prover proves the case, and the kernel accepts the proof."""
    verdict = decide(replace(case.block.claim, term=compile_term(case.layer)))
    return isinstance(verdict, Proof) and accepted_certificate(verdict) is not None
