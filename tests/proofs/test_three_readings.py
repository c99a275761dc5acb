"""Three readings of one configuration agree: the verdict of the calculus, the kernel on its certificate, and float64.

A configuration is a layer, an action with its scope and moving axes, and arrays: those on 3 x 5 and on 4 x 6 samples,
and those on 4 x 6 without Nyquist energy, each of two samples and two channels. The relative L2 error of random arrays
is above 1e-4 where the layer is refuted and below 1e-11 where it is proved; nothing lies between. 2 000 random
configurations, and all of them in the thorough profile.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings

from numerics.layers import affine_shape, normalize
from numerics.metrics import relative_l2
from numerics.translations import move, remove_nyquist
from proofs.emit.certificates import accepted_certificate, canonical
from proofs.emit.statements import HOLDS
from proofs.kernel.checking import check
from tests.proofs.judge import claim_of
from theory.calculus.compile import compile_term
from theory.decision.blocks import Block, all_layers, blocks
from theory.decision.decide import decide
from theory.decision.verdicts import Counterexample, Proof
from theory.spec.actions import ActionKind, Scope
from theory.spec.claims import Claim
from theory.spec.grids import ODD, grid_of
from theory.spec.layers import Normalization

Array = npt.NDArray[np.float64]
Configuration = tuple[Normalization, Block]

FAILS_ABOVE, HOLDS_BELOW = 1e-4, 1e-11
FAST = 2_000
DRAWS = 3
EPS = Fraction(1, 10)
"""Not small beside the variance of the arrays, so that no defect hides behind a scale that is nearly the same."""


def shape_of(block: Block) -> tuple[int, int, int, int]:
    """The shape of the arrays of a block; the two spatial sizes differ."""
    return (2, 2, 3, 5) if block.size == ODD else (2, 2, 4, 6)


def axes_of(block: Block) -> tuple[int, ...]:
    """The places of the moving axes."""
    return tuple(block.layout.index(name) for name in block.axes)


@cache
def draws(block: Block) -> list[tuple[Array, Array, Array]]:
    """A few arrays of the block's domain, each with a displacement and displaced.

    No displacement is 0, and two samples that move apart do: a draw that cannot show a defect would be none.
    """
    rng, shape, found = np.random.default_rng(7), shape_of(block), []
    count = 1 + (block.action.scope is Scope.PER_SAMPLE)
    for _ in range(DRAWS):
        x = rng.normal(size=shape)
        if block.domain.nyquist_free:
            x, _ = remove_nyquist(x, axes_of(block))
        table = np.array([1 + rng.permutation(shape[axis] - 1)[:count] for axis in axes_of(block)], dtype=float).T
        if block.action.kind is ActionKind.TRANSLATION:
            table -= rng.uniform(0.2, 0.8, size=table.shape)
        found.append((x, table, move(block.action.kind, x, table, axes_of(block))))
    return found


def measured(layer: Normalization, block: Block) -> float:
    """The largest relative L2 error over the draws and their samples; every gain and bias is drawn as well."""
    rng, worst = np.random.default_rng(11), 0.0
    shape = affine_shape(layer, shape_of(block))
    for x, table, displaced in draws(block):
        gain, bias = (None, None) if shape is None else rng.normal(size=(2, *shape))
        left = normalize(layer, displaced, gain, bias)
        right = move(block.action.kind, normalize(layer, x, gain, bias), table, axes_of(block))
        worst = max(worst, float(relative_l2(left, right).max()))
    return worst


def claim_about(layer: Normalization, block: Block) -> Claim:
    """What is asked of a configuration."""
    grid = grid_of(dict(zip(block.layout.names, shape_of(block), strict=True)))
    return Claim(compile_term(layer), block.action, grid, block.domain, layer.eps)


def read_thrice(layer: Normalization, block: Block) -> tuple[str, float]:
    """The verdict, which the kernel confirms about this very claim, and the measured error."""
    claim = claim_about(layer, block)
    verdict = decide(claim)
    assert isinstance(verdict, (Proof, Counterexample)), layer
    document = accepted_certificate(verdict)
    assert document is not None, layer
    stated = check(canonical(document))
    assert (stated.claim == HOLDS) is isinstance(verdict, Proof)
    assert claim_of(document["statement"]) == replace(claim, eps=Claim(claim.term, claim.action, claim.grid).eps)
    return verdict.name, measured(layer, block)


def configurations() -> Iterable[Configuration]:
    """2 000 drawn from all, or all in the thorough profile, those of one layer behind one another."""
    layers = [replace(layer, eps=EPS) for layer in all_layers()]
    if settings().max_examples > 1_000:
        return product(layers, blocks())
    everything = range(len(layers) * len(blocks()))
    chosen = sorted(random.Random(1).sample(everything, FAST))
    return ((layers[number // len(blocks())], blocks()[number % len(blocks())]) for number in chosen)


def test_verdict_kernel_and_measurement_agree() -> None:
    seen: Counter[str] = Counter()
    largest, smallest = 0.0, float("inf")
    for layer, block in configurations():
        name, error = read_thrice(layer, block)
        where = f"{layer}, {block.action}, {block.arrays}: {name}, {error:.1e}"
        assert error > FAILS_ABOVE or error < HOLDS_BELOW, where
        assert (error < HOLDS_BELOW) is (name == Proof.name), where
        largest, smallest = (max(largest, error), smallest) if name == Proof.name else (largest, min(smallest, error))
        seen.update([name, block.action.kind.value, block.action.scope.value, block.axes, block.arrays])
    assert seen[Proof.name] + seen[Counterexample.name] >= FAST
    assert min(seen.values()) >= FAST // 6, seen
    # The gap is wide: rounding does not come near to a defect.
    assert largest < 1e-12 < 1e-3 < smallest, (largest, smallest)


def test_there_are_as_many_configurations_as_there_should_be() -> None:
    assert len(all_layers()) * len(blocks()) == 17**3 * 2 * 2 * 3 * 3


@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"{block.action.kind.value}-{block.axes}-{block.arrays}")
def test_a_draw_can_show_a_defect(block: Block) -> None:
    """The arrays move, samples that move apart do, and no Nyquist energy is left where there should be none."""
    for x, table, displaced in draws(block):
        whole = table == np.rint(table)
        assert whole.all() if block.action.kind is ActionKind.SHIFT else not whole.any()
        assert np.all(table % np.array([shape_of(block)[axis] for axis in axes_of(block)]) != 0)
        assert float(relative_l2(displaced, x).min()) > 0.1
        if block.action.scope is Scope.PER_SAMPLE:
            assert np.all(table[0] != table[1])
        if block.domain.nyquist_free:
            for axis in axes_of(block):
                signs = (-1.0) ** np.arange(x.shape[axis])
                assert np.abs(np.tensordot(x, signs, axes=(axis, 0))).max() < 1e-13
