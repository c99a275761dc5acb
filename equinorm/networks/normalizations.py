"""The normalization that a class of PyTorch computes, as one of the language, and its verdict.

Read off the attributes that the class computes with: which statistics (those of the batch, or running ones), over
which axes, with which ε, and over which axes the gain varies. Groups of channels are an axis G of their own, so that
GroupNorm is ``norm[center=CHW, scale=CHW, affine=GC]`` over (B, G, C, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from equinorm.networks.grids import LAST, Axes
from theory.spec.actions import Action, ActionKind, Scope
from theory.spec.axes import BCHW, Axis, AxisKind, AxisSet, Layout
from theory.spec.claims import Claim
from theory.spec.errors import SpecificationError
from theory.spec.grids import ALL, NYQUIST_FREE, grid_of
from theory.spec.layers import DEFAULT_EPS, Normalization, Statistics
from theory.spec.terms import Term

Module = Any

GROUPED = Layout(
    (
        Axis("B", AxisKind.INDEX, sample=True),
        Axis("G", AxisKind.INDEX),
        Axis("C", AxisKind.INDEX),
        Axis("H", AxisKind.SPATIAL),
        Axis("W", AxisKind.SPATIAL),
    )
)


def normalization(module: Module, name: str, shape: Sequence[int], axes: Axes) -> Normalization | None:
    """The layer that ``module``, of PyTorch's class ``name``, is on an input of ``shape`` with its map on ``axes``.

    None where it is outside of the language: another statistic, ε = 0, or more axes than BCHW.
    """
    letters = "BHWC" if axes == LAST else "BCHW"
    eps = getattr(module, "eps", None)
    # Without a number it is the unit roundoff of the dtype, of which nothing depends here.
    given = DEFAULT_EPS if eps is None else Fraction(str(eps))
    if given <= 0 or len(shape) != len(letters):
        return None
    affine = frozenset("C") if getattr(module, "weight", None) is not None else None
    if name in ("BatchNorm2d", "SyncBatchNorm", "InstanceNorm2d"):
        return _batch_or_instance(module, name, affine, given)
    if name in ("LayerNorm", "RMSNorm"):
        over = frozenset(letters[-len(module.normalized_shape) :])
        gained = over if module.elementwise_affine else None
        return Normalization(over if name == "LayerNorm" else None, over, gained, given)
    if name == "GroupNorm":
        if module.num_groups == 1:
            return Normalization(frozenset("CHW"), frozenset("CHW"), affine, given)
        gained = None if affine is None else frozenset("GC")
        return Normalization(frozenset("CHW"), frozenset("CHW"), gained, given, layout=GROUPED)
    return None


def _batch_or_instance(module: Module, name: str, affine: AxisSet | None, eps: Fraction) -> Normalization:
    running = not module.training and module.running_mean is not None
    # Running statistics of an InstanceNorm are joined over the samples too: constants that vary over C.
    over = frozenset("HW") if name == "InstanceNorm2d" and not running else frozenset("BHW")
    return Normalization(over, over, affine, eps, Statistics.RUNNING if running else Statistics.BATCH)


def verdicts(
    subject: Normalization | Term, shape: Sequence[int], axes: Axes, groups: int = 1, nyquist_free: bool = False
) -> dict[str, tuple[str, str]]:
    """For shifts and for translations along H and W the verdict on a layer or term at this very size, and its reason.

    Samples move each by its own displacement where there are several. Empty where the sizes are beyond the calculus.
    """
    from theory.calculus.compile import compile_term
    from theory.decision.decide import decide
    from theory.decision.reasons import reason

    batch, channels = shape[0], shape[3 if axes == LAST else 1]
    sizes = {"B": batch, "C": channels, "H": shape[axes[0]], "W": shape[axes[1]]}
    layout, eps = BCHW, DEFAULT_EPS
    if isinstance(subject, Normalization):
        layout, eps = subject.layout, subject.eps
    if layout is GROUPED:
        sizes |= {"G": groups, "C": channels // groups}
    scope = Scope.PER_SAMPLE if batch > 1 else Scope.COMMON
    found = {}
    try:
        grid = grid_of(sizes, layout)
        term = compile_term(subject) if isinstance(subject, Normalization) else subject
        for kind in ActionKind:
            action = Action(kind, BCHW.spatial, scope)
            verdict = decide(Claim(term, action, grid, NYQUIST_FREE if nyquist_free else ALL, eps))
            found[kind.value] = (verdict.name, reason(verdict))
    except SpecificationError:
        return {}
    return found
