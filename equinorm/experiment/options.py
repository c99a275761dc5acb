"""The options of a measurement: what was asked, checked before any work begins."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from equinorm.checks import check_choice, check_measured_seed, check_whole
from equinorm.inputs.preprocessing import SHORTER_SIDE
from numerics.backends import DTYPES
from theory.spec.actions import NyquistPolicy


@dataclass(frozen=True)
class Options:
    """How to measure; the defaults are those of the command line, and of the published experiment but for its GPU.

    Attributes:
        backend: the array library: ``numpy``, ``numba``, ``torch`` or ``cupy``.
        dtype: ``float32`` or ``float64``, of the network and of the layers.
        nyquist: ``one-sided``, ``symmetric`` or ``project``.
        crop: pixels of the central square that the network sees.
        batch_size: pictures that share the statistics of BatchNorm in training mode.
        seed: of all random draws, an integer >= 0.

    Raises:
        SpecificationError: a value that its option does not take. Whether the backend can be used here is seen
            when it is loaded.
    """

    backend: str = "numpy"
    dtype: str = "float32"
    nyquist: str = "one-sided"
    crop: int = 224
    batch_size: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("dtype", self.dtype, DTYPES),
            ("nyquist", self.nyquist, [policy.value for policy in NyquistPolicy]),
        ):
            check_choice(name, value, choices)
        check_whole("crop", self.crop, 1, SHORTER_SIDE)
        check_whole("batch-size", self.batch_size, 1)
        check_measured_seed(self.seed)

    @property
    def policy(self) -> NyquistPolicy:
        """The Nyquist policy."""
        return NyquistPolicy(self.nyquist)

    def document(self) -> dict[str, Any]:
        """The options as plain data, by their names in Python."""
        return asdict(self)
