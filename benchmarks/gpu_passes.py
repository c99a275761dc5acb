"""The passes of the experiment one by one: array expressions, device functions, and the bytes they have to move.

Run as ``python -m benchmarks.gpu_passes [--backend cupy] [--batch 256] [--repeats 10]``. For each shape of the feature
maps of a ResNet-18 and each pass a line of milliseconds for the batch: the floor, the bytes that the pass has to read
and write once at the measured speed of a copy; the device functions alone, by the events of the device; the whole pass
with what the host does for it; and the pass by array expressions. Each is the fastest of the repeats.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.experiment import fastest
from numerics.backends import Backend, load_backend
from numerics.experiment.device import Block, CupyLauncher, DevicePasses
from numerics.experiment.passes import ArrayPasses, Passes
from numerics.experiment.sides import Line
from theory.spec.catalogue import find_layer

SHAPES = ((64, 112, 112), (64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7))
COPIED = 2**30
"""Bytes of the array whose copy is timed: far more than a cache holds."""


def finisher(backend: Backend) -> Callable[[], None]:
    """Wait until the device has done what it was given."""
    return backend.xp.cuda.Device().synchronize if backend.name == "cupy" else lambda: None


def bytes_a_second(backend: Backend, repeats: int, copied: int = COPIED) -> float:
    """The speed of a copy, which reads and writes."""
    x = backend.from_numpy(np.ones(copied // 4, np.float32))
    y = backend.xp.empty_like(x)

    def copy() -> None:
        y[...] = x

    return 2 * copied / fastest(copy, repeats, finisher(backend))


def floor(shape: tuple[int, ...], speed: float) -> float:
    """Seconds for one image with maps of ``shape`` in float32: two reads for each of two transformations."""
    return 4 * 4 * int(np.prod(shape)) / speed


@dataclass
class Timed(CupyLauncher):
    """Launches with an event before and after."""

    events: list[tuple[Any, Any]] = field(default_factory=list)

    def launch(self, name: str, dtype: str, blocks: int, block: Block, arguments: Sequence[Any]) -> None:
        """See there."""
        import cupy

        before, after = cupy.cuda.Event(), cupy.cuda.Event()
        before.record()
        super().launch(name, dtype, blocks, block, arguments)
        after.record()
        self.events.append((before, after))

    def seconds(self) -> float:
        """Of all since the last question; the device is to have finished."""
        import cupy

        found = sum(cupy.cuda.get_elapsed_time(*pair) for pair in self.events) / 1000
        self.events.clear()
        return found


def calls(x: Any, y: Any, gain: Any, pivots: Any) -> dict[str, tuple[int, Callable[[Passes], object]]]:
    """Each pass as the experiment makes it, with the arrays of the size of ``x`` that it reads and writes."""
    rng = np.random.default_rng(0)
    lines = [Line(*rng.standard_normal((2, *x.shape[:2]))) for _ in range(12)]
    pairs = list(zip(lines[:6], lines[6:], strict=True))
    moments = ArrayPasses().moments(x, pivots)
    known = pivots.get().astype(np.float64) if hasattr(pivots, "get") else pivots.astype(np.float64), moments
    pixelwise, joint = find_layer("LayerNorm-C"), find_layer("LayerNorm-CHW")
    return {
        "moments": (1, lambda own: own.moments(x, pivots)),
        "moments over channels": (1, lambda own: own.moments(x, pivots, True)),
        "cosines of 6 pairs": (1, lambda own: own.cosines(x, pivots, False, pairs)),
        "cosines of 2, centered": (1, lambda own: own.cosines(x, pivots, True, pairs[:2])),
        "LayerNorm-C": (2, lambda own: own.normalized(pixelwise, x, None, None)),
        "LayerNorm-CHW with gain": (2, lambda own: own.normalized(joint, x, gain, gain, known)),
        "compared": (2, lambda own: own.compared(x, y)),
        "compared on 2 lines": (2, lambda own: own.compared_on_lines(x, y, lines[:2])),
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="cupy")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=10)
    given = parser.parse_args()
    backend = load_backend(given.backend)
    on_device, finish = backend.name == "cupy", finisher(backend)
    speed = bytes_a_second(backend, given.repeats, COPIED if on_device else 2**27)
    say(f"{backend}, batch {given.batch}, float32; a copy moves {speed / 1e9:.0f} GB/s")
    say(
        f"{'maps':>10} {'pass':24} " + " ".join(f"{name:>11}" for name in ("floor", "functions", "pass", "expressions"))
    )
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        x, y = (
            backend.from_numpy((1 + rng.standard_normal((given.batch, *shape), np.float32)).astype(np.float32))
            for _ in range(2)
        )
        gain = backend.from_numpy(rng.standard_normal((1, *shape)).astype(np.float32))
        pivots = backend.xp.mean(x, axis=(2, 3))
        for name, (arrays, call) in calls(x, y, gain, pivots).items():
            least = arrays * 4 * x.size / speed
            expressions = fastest(lambda call=call: call(ArrayPasses()), given.repeats, finish)
            functions, own = timed(call, given.repeats, finish) if on_device else (np.nan, np.nan)
            row = 1000 * np.array([least, functions, own, expressions])
            say(f"{'x'.join(map(str, shape)):>10} {name:24} " + " ".join(f"{number:11.3f}" for number in row))
    return 0


def timed(call: Callable[[Passes], object], repeats: int, finish: Callable[[], None]) -> tuple[float, float]:
    """Seconds of the device functions of a pass, and of the pass."""
    launcher, functions = Timed(), []
    passes = DevicePasses(launcher)
    for _ in range(repeats + 1):
        call(passes)
        finish()
        functions.append(launcher.seconds())
    plain = DevicePasses()
    return min(functions[1:]), fastest(lambda: call(plain), repeats, finish)


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
