"""Small pictures, and the command ``measure`` on them: what several tests of long runs share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

import equinorm
from equinorm.files import MARKER
from tests.command import run_command

CROP = 33
"""The smallest that leaves maps of more than one sample in the first stages."""
FILES = (MARKER, "results.csv", "results.parquet", "run.json")


def draw_pictures(folder: Path, count: int) -> Path:
    """So many pictures of 40 by 40 pixels in ``folder``, which is made."""
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (10, 10, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((40, 40), Image.Resampling.BICUBIC).save(folder / f"{number:03}.png")
    return folder


def arguments(pictures: Path, out: Path, *more: str, batch_size: int = 2) -> list[str]:
    """Those of ``equinorm``."""
    small = ["--crop", str(CROP), "--batch-size", str(batch_size)]
    return ["measure", "--images", str(pictures), *small, "--out", str(out), *more]


def measure_command(pictures: Path, out: Path, *more: str, batch_size: int = 2) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return run_command(*arguments(pictures, out, *more, batch_size=batch_size))


def undisturbed(pictures: Path, out: Path, batch_size: int) -> dict[str, bytes]:
    """What a run that nobody disturbs writes; of its parts nothing is left."""
    equinorm.measure([pictures], crop=CROP, batch_size=batch_size, out=out)
    assert not out.with_name(f"{out.name}.partial").exists()
    return contents(out)


def contents(out: Path) -> dict[str, bytes]:
    """The files of a result, which must be complete."""
    found = {path.name: path.read_bytes() for path in out.iterdir()}
    assert tuple(sorted(found)) == tuple(sorted(FILES))
    return found


def parts(out: Path) -> list[Path]:
    """The parts that are kept for ``out``."""
    return sorted(out.with_name(f"{out.name}.partial").glob("batch-*.parquet"))
