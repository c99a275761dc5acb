"""Random draws from named streams, so that a draw depends on what it is for and on nothing else.

A stream is a generator seeded with the seed and the SHA-256 of its name. Adding images, changing the order of work,
the dtype or the array library changes no draw. All draws are made by NumPy in float64.

Displacements belong to an image, a position and a transformation, and are shared by all layers: the published
experiment draws fresh ones for each layer, which has the same expectation; sharing them pairs the layers, so that the
differences between two layers are not differences between displacements. Affine parameters belong to a batch, a
position and a layer, as a layer is one for its batch.

References: O'Neill (2014), PCG, and NumPy's ``SeedSequence``, for streams that keys tell apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

from numerics.arrays import Array, namespace_of
from numerics.layers import affine_shape
from numerics.translations import Table, draw_displacements
from theory.spec.actions import ActionKind
from theory.spec.errors import refuse
from theory.spec.layers import Normalization


@dataclass(frozen=True)
class Source:
    """The draws for the map of one batch at one position.

    ``first`` is the number of the batch's first image, ``batch`` the number of the batch, both from 0.

    Raises:
        SpecificationError: a negative seed.
    """

    seed: int
    position: str
    batch: int = 0
    first: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise refuse(f"seed={self.seed}", "an integer >= 0")

    def displacements(self, kind: ActionKind, images: int, sizes: Sequence[int]) -> Table:
        """One row an image, uniform over the map; see :func:`numerics.translations.draw_displacements`."""
        numbers = range(self.first, self.first + images)
        names = [("displacement", number, self.position, kind.value) for number in numbers]
        return np.concatenate([draw_displacements(kind, 1, sizes, stream(self.seed, *name)) for name in names])

    def affine(self, name: str, layer: Normalization, x: Array) -> tuple[Array, Array]:
        """Gain and bias of the layer called ``name``, drawn from N(0, 1), as arrays like ``x``."""
        xp = namespace_of(x)
        shape = affine_shape(layer, x.shape)
        if shape is None:
            raise refuse(f"layer={layer}", "a layer with an affine step")
        drawn = stream(self.seed, "affine", self.batch, self.position, name).standard_normal((2, *shape))
        gain, bias = (xp.asarray(part, dtype=x.dtype, device=array_api_compat.device(x)) for part in drawn)
        return gain, bias


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """The generator called ``name`` under ``seed``.

    >>> bool(stream(0, "a", 1).random() == stream(0, "a", 1).random())
    True
    """
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    key: Any = np.frombuffer(digest, dtype=">u4")
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(int(word) for word in key)))
