"""Claims about layers and terms in few words, and their typing certificates."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from equinorm.strategies import claims, grids, normalizations
from proofs.emit.certificates import certificate
from proofs.emit.statements import Document
from theory.calculus.compile import compile_term
from theory.decision.blocks import blocks
from theory.decision.decide import decide
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.catalogue import find_layer
from theory.spec.claims import Claim
from theory.spec.grids import ALL, ODD, Domain, Size, grid_of
from theory.spec.syntax import parse

SHIFT, TRANSLATION = ActionKind
COMMON, PER_SAMPLE = Scope

OF_LAYERS = st.builds(
    lambda block, layer: replace(block.claim, term=compile_term(layer)), st.sampled_from(blocks()), normalizations()
)
CLAIMS = st.one_of(claims(on=grids(largest=7)), OF_LAYERS)
"""Claims about random terms on small grids, and about layers in blocks of the census."""


def claim(
    layer: str,
    kind: ActionKind = TRANSLATION,
    scope: Scope = COMMON,
    moving: str = "HW",
    size: Size | int = ODD,
    domain: Domain = ALL,
) -> Claim:
    """A claim about a layer by its name or spelling, or about a term."""
    term = parse(layer) if "x" in layer else compile_term(find_layer(layer))
    return Claim(term, Action(kind, frozenset(moving), scope), grid_of({"H": size, "W": size}), domain)


def certified(given: Claim) -> Document:
    """The typing certificate of a claim that holds."""
    found = certificate(decide(given))
    assert found is not None
    assert found["evidence"]["kind"] == "typing"
    return found
