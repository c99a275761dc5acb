"""Which layers are measured: every named layer, in the modes and with the affine parameters that it can have.

A *variant* is a layer of the catalogue, with its statistics, and where its affine parameters come from. The list is
read off the layers' axes: one that reduces the samples' axis computes something else in training than in evaluation,
and one with an affine step has parameters to initialize.

Reference: Scanvic, Barthélemy and Tachella (2025), arXiv 2505.19805, section 4: BatchNorm in training mode and, with
fresh running statistics 0 and 1, in evaluation mode; affine parameters at 1 and 0, or drawn from N(0, 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

from theory.spec.axes import AxisSet
from theory.spec.catalogue import CATALOGUE
from theory.spec.layers import Normalization, Statistics


class Initialization(Enum):
    """Gain 1 and bias 0; both drawn from N(0, 1); or no affine step."""

    DEFAULT = "default"
    DRAWN = "drawn"
    ABSENT = "absent"


class Mode(Enum):
    """Statistics of the batch; fresh running statistics; or a layer that computes the same in both modes."""

    TRAINING = "training"
    EVALUATION = "evaluation"
    BOTH = "both"


@dataclass(frozen=True)
class Body:
    """A named layer in one mode without its affine step, which the initializations share."""

    name: str
    layer: Normalization
    mode: Mode

    @property
    def initializations(self) -> tuple[Initialization, ...]:
        """Those that the layer can have."""
        if self.layer.affine is None:
            return (Initialization.ABSENT,)
        return (Initialization.DEFAULT, Initialization.DRAWN)

    @property
    def couples_samples(self) -> bool:
        """True when the output of a sample depends on the others of its batch."""
        return self.layer.statistics is Statistics.BATCH and bool(samples_reduced(self.layer))


@dataclass(frozen=True)
class Variant:
    """One layer of the experiment."""

    body: Body
    initialization: Initialization


def samples_reduced(layer: Normalization) -> AxisSet:
    """The axes of samples over which ``layer`` takes a mean."""
    samples = frozenset(axis.name for axis in layer.layout if axis.sample)
    return samples & ((layer.center or frozenset()) | (layer.scale or frozenset()))


@cache
def bodies() -> tuple[Body, ...]:
    """The layers of the catalogue in their modes.

    >>> [f"{body.name} {body.mode.value}" for body in bodies()][:3]
    ['BatchNorm training', 'BatchNorm evaluation', 'InstanceNorm both']
    """
    found = []
    for entry in CATALOGUE.values():
        if samples_reduced(entry.layer):
            found.append(Body(entry.name, entry.layer, Mode.TRAINING))
            running = replace(entry.layer, statistics=Statistics.RUNNING)
            found.append(Body(entry.name, running, Mode.EVALUATION))
        else:
            found.append(Body(entry.name, entry.layer, Mode.BOTH))
    return tuple(found)


@cache
def variants() -> tuple[Variant, ...]:
    """All layers of the experiment.

    >>> len(variants())
    11
    """
    return tuple(Variant(body, initialization) for body in bodies() for initialization in body.initializations)
