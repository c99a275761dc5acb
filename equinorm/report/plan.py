"""What a report computes: in full, or quickly with a part left out that the report then names.

Tables 2 and 3 come from the published setting. The split by parity and policy repeats it in float64, where rounding is
far below aliasing: at the published crop under every Nyquist policy, and at a crop that makes the maps of all
positions odd, where the policies agree because no axis has a bin N/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from equinorm.experiment.options import Options
from equinorm.inputs.images import SCIENTIFIC, Picture
from theory.spec.actions import NyquistPolicy

PUBLISHED_CROP, ODD_CROP = 224, 193


@dataclass(frozen=True)
class Plan:
    """The parts of a report.

    Attributes:
        quick: whether parts are left out.
        derive_axes: the moving axes of the theorems, as :func:`equinorm.derive` takes them; ``None`` for all.
        pictures: how many of the bundled pictures are used at most; ``None`` for all.
        published: the options of Tables 2 and 3.
        split: those of the split by parity and policy.
        left_out: what a quick report lacks, in words.
        curves: whether the named layers are shown against displacement, map size and band.
    """

    quick: bool
    derive_axes: str | None
    pictures: int | None
    published: Options
    split: tuple[Options, ...]
    left_out: tuple[str, ...]
    curves: bool = False

    def choose(self, pictures: Sequence[Picture]) -> tuple[Picture, ...]:
        """The pictures that are used: the first photographs, in sorted order, if not all."""
        if self.pictures is None:
            return tuple(pictures)
        photographs = [picture for picture in pictures if picture.group != SCIENTIFIC]
        return tuple(photographs[: self.pictures])


def full_plan() -> Plan:
    """Everything."""
    return Plan(False, None, None, Options(), _split(), (), curves=True)


def quick_plan(pictures: int = 4) -> Plan:
    """The theorems for both axes moving, and a few pictures; every table and figure is there."""
    left_out = (
        "theorems for H alone and W alone moving",
        f"all bundled pictures but the first {pictures} photographs, so that means are over fewer values",
        "errors against displacement, map size and band",
    )
    return Plan(True, "HW", pictures, Options(), _split(), left_out)


def _split() -> tuple[Options, ...]:
    policies = (NyquistPolicy.ONE_SIDED, NyquistPolicy.SYMMETRIC, NyquistPolicy.PROJECT)
    even = tuple(Options(dtype="float64", nyquist=policy.value, crop=PUBLISHED_CROP) for policy in policies)
    return (*even, Options(dtype="float64", crop=ODD_CROP))
