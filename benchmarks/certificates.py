"""Time to decide a statement, to write its certificate and to check it, as the number of axes grows.

Run as ``python -m benchmarks.certificates`` (a minute). Over 2, 3, 4 and 5 axes layers are drawn at random until there
are as many proofs as refutations, on all odd grids at once, of shifts and translations, common and per sample, with all
spatial axes moving. A line holds medians over the statements of one kind. Two alternatives stand beside the check:

    check/decide      the kernel against the calculus, which has to find what the kernel reads
    check/measure     the kernel against float64: the two sides at one random array on the smallest grid of 5 samples
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from statistics import median
from typing import TypeVar

import numpy as np

from numerics.terms import evaluate, parameter_shapes
from numerics.translations import draw_displacements, move
from proofs.emit.certificates import canonical, certificate
from proofs.kernel.checking import verdict as refusal
from theory.calculus.compile import compile_term
from theory.decision.blocks import Block, all_layers
from theory.decision.decide import decide
from theory.decision.verdicts import Proof
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import Axis, AxisKind, Layout
from theory.spec.claims import Claim
from theory.spec.grids import ALL, ODD

LAYOUTS = ("BW", "BCW", "BCHW", "BCDHW")
OF_EACH_KIND = 20
REPEATS = 3
COUNT, SAMPLES = 2, 5
"""The grid that is measured: so many entries of an index axis, and of a spatial one."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Times:
    """Seconds for one statement, and the bytes of its certificate."""

    decide: float
    emit: float
    check: float
    measure: float
    size: int


def layout_of(names: str) -> Layout:
    """B, the samples, and C are index axes; D, H and W are spatial."""
    kinds = {name: AxisKind.INDEX if name in "BC" else AxisKind.SPATIAL for name in names}
    return Layout(tuple(Axis(name, kind, sample=name == "B") for name, kind in kinds.items()))


def timed(function: Callable[[], Answer]) -> tuple[float, Answer]:
    """The processor seconds a call takes, without what else the machine does, and what it returns."""
    start = time.process_time()
    answer = function()
    return time.process_time() - start, answer


def fastest(function: Callable[[], object]) -> float:
    """The seconds of the fastest of a few calls; for what remembers nothing between them."""
    return min(timed(function)[0] for _ in range(REPEATS))


def measured_error(claim: Claim, rng: np.random.Generator) -> float:
    """The largest difference of both sides at one random array on one grid, by the library's own float64 functions."""
    layout, action = claim.grid.layout, claim.action
    shape = tuple(COUNT if axis.kind is AxisKind.INDEX else SAMPLES for axis in layout)
    places = [layout.index(name) for name in layout.names if name in action.moving]
    x = rng.standard_normal(shape)
    values = [rng.standard_normal(each) for each in parameter_shapes(claim.term, shape, layout)]
    samples = COUNT if action.scope is Scope.PER_SAMPLE else 1
    steps = draw_displacements(action.kind, samples, [SAMPLES] * len(places), rng)
    first = evaluate(claim.term, move(action.kind, x, steps, places), values, claim.eps, layout)
    second = move(action.kind, evaluate(claim.term, x, values, claim.eps, layout), steps, places)
    return float(np.max(np.abs(first - second)))


def times_of(claim: Claim, rng: np.random.Generator) -> tuple[bool, Times]:
    """Whether a claim is proved, and the times for it; deciding and emitting are timed once, since both remember."""
    deciding, found = timed(lambda: decide(claim))
    emitting, text = timed(lambda: canonical(certificate(found) or {}))
    reason = refusal(text)
    if reason is not None:
        raise ArithmeticError(f"{claim.term}: {reason}")
    checking = fastest(lambda: refusal(text))
    measuring = fastest(lambda: measured_error(claim, rng))
    return isinstance(found, Proof), Times(deciding, emitting, checking, measuring, len(text))


def sample(layout: Layout, seed: int = 0) -> dict[bool, list[Times]]:
    """The times of as many proofs as refutations over a layout."""
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    actions = [Action(kind, layout.spatial, scope) for kind, scope in product(ActionKind, Scope)]
    layers = all_layers(layout)
    found: dict[bool, list[Times]] = {True: [], False: []}
    while min(map(len, found.values())) < OF_EACH_KIND:
        block = Block(draw.choice(actions), ODD, ALL, layout)
        proved, times = times_of(replace(block.claim, term=compile_term(draw.choice(layers))), rng)
        found[proved].append(times)
    return {proved: times[:OF_EACH_KIND] for proved, times in found.items()}


def middle(times: list[Times], name: str) -> float:
    """The median of one column."""
    return median(float(getattr(each, name)) for each in times)


def main() -> None:
    """Print one line for each layout and kind of evidence, and how the check grows from layout to layout."""
    sample(layout_of("BW"))  # the side conditions of the rules are derived once
    say(
        f"{'axes':6} {'evidence':11} {'decide':>9} {'emit':>9} {'check':>9} {'measure':>9} {'bytes':>7}"
        f" {'check/decide':>13} {'check/measure':>14} {'check grows':>12}"
    )
    before: dict[bool, float] = {}
    for names in LAYOUTS:
        for proved, times in sample(layout_of(names)).items():
            columns = [1000 * middle(times, name) for name in ("decide", "emit", "check", "measure")]
            by_decide = median(each.check / each.decide for each in times)
            by_measure = median(each.check / each.measure for each in times)
            growth = f"{columns[2] / before[proved]:.2f}" if proved in before else "-"
            before[proved] = columns[2]
            say(
                f"{names:6} {'proof' if proved else 'refutation':11} "
                + " ".join(f"{column:6.2f} ms" for column in columns)
                + f" {middle(times, 'size'):7.0f} {by_decide:13.2f} {by_measure:14.2f} {growth:>12}"
            )


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
