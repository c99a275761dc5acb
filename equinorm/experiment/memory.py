"""How much memory a run needs, may use, and used.

The need of one unit is an estimate from above: a process with its libraries and the weights, and the maps of a batch at
the largest position with what is made of them. It was set by measurement; a test compares it with the peak of a run.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from equinorm.experiment.options import Options
from equinorm.experiment.setting import CALIBRATION_PICTURES
from numerics.resnet.architecture import feature_shapes
from theory.spec.errors import refuse

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}

PROCESS = 320 * 2**20
"""Bytes of a process with NumPy, SciPy and pyarrow, the weights, and buffers whose size does not depend on the maps."""
COMPILER = 160 * 2**20
"""Bytes that the backend numba needs beside, to compile."""
MAPS = 8
"""Arrays as large as the largest map of a batch, at most, that exist at a time while it is measured."""
CALIBRATION_MAPS = 4
"""The same for the forward pass of the calibration."""
CLIENT = 256 * 2**20
"""Bytes of a process that hands out units and joins their rows."""


@dataclass(frozen=True)
class Budget:
    """``limit`` bytes, None for no limit, as ``given`` by the user."""

    limit: int | None = None
    given: str = ""

    @staticmethod
    def parse(text: str | int | None) -> Budget:
        """Read ``2GiB``, ``500 MB``, ``1.5e9``.

        Raises:
            SpecificationError: no size.

        >>> Budget.parse("2GiB").limit == 2 * 2**30
        True
        """
        if text is None:
            return Budget()
        match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?(?:e[0-9]+)?)\s*(?:([KMGT]i?)?B?)\s*", str(text), re.IGNORECASE)
        if match is None:
            raise refuse(f"memory={text}", "a size such as 2GiB or 500MB")
        unit = (match[2] or "").capitalize()
        return Budget(int(float(match[1]) * UNITS[unit]), str(text))

    def check(self, options: Options, calibrates: bool) -> None:
        """Raise SpecificationError unless one unit fits, and the calibration where there is one."""
        if self.limit is None:
            return
        batch, first = unit_bytes(options), calibration_bytes(options) if calibrates else 0
        if self.limit < max(batch, first):
            cause = f"one batch of {options.batch_size} at crop {options.crop} needs that much"
            if batch < first:
                cause = (
                    f"the calibration on {CALIBRATION_PICTURES} pictures needs that much; weights from a file need none"
                )
            raise refuse(f"memory={self.given}", f"at least {shown(max(batch, first))}", cause)

    def processes(self, options: Options, wanted: int) -> int:
        """How many processes may measure at a time beside the one that hands out the work: at least 1."""
        if self.limit is None:
            return wanted
        return max(1, min(wanted, (self.limit - CLIENT) // unit_bytes(options)))


def largest_map(options: Options, pictures: int) -> int:
    """Bytes of the largest map of so many pictures."""
    entries = max(np.prod(shape) for shape in feature_shapes(options.crop, options.crop).values())
    return int(entries) * pictures * np.dtype(options.dtype).itemsize


def unit_bytes(options: Options) -> int:
    """What the process that measures one batch needs at most."""
    compiler = COMPILER if options.backend == "numba" else 0
    return PROCESS + compiler + MAPS * largest_map(options, options.batch_size)


def calibration_bytes(options: Options) -> int:
    """What the calibration needs at most; it computes in float32."""
    single = Options(crop=options.crop)
    return PROCESS + CALIBRATION_MAPS * largest_map(single, CALIBRATION_PICTURES)


def peak() -> int:
    """The most bytes that this process had in the main memory at a time, so far."""
    try:
        # The kernel's own count; getrusage's starts with what the process that started this one had.
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        import resource
    except ImportError:
        return 0
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


def shown(size: int) -> str:
    """Whole MiB, rounded up.

    >>> shown(2**20 + 1)
    '2 MiB'
    """
    return f"{-(-size // 2**20)} MiB"
