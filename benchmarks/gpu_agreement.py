"""Do two runs on a GPU agree bit for bit, and float32 there with float64 on NumPy within the rounding bound?

Run as ``python -m benchmarks.gpu_agreement [BACKEND]`` (cupy). Every variant and transformation of the experiment on
four shapes of feature maps, whose float32 values both sides share, by array expressions and by the passes of the
backend (device functions on cupy). Prints one line for each shape, policy and way; exit status 1 if a difference
exceeds its bound or two runs differ.
"""

from __future__ import annotations

import sys

import numpy as np

from numerics.backends import load_backend
from numerics.experiment.draws import Source
from numerics.experiment.maps import MapResult, measure_map
from numerics.experiment.passes import ArrayPasses, passes_of
from theory.spec.actions import NyquistPolicy

SHAPES = ((4, 64, 112, 112), (16, 64, 57, 57), (16, 64, 56, 56), (16, 512, 7, 7))


def columns(result: MapResult) -> np.ndarray:
    """The errors of all measurements: (measurements, 3, B)."""
    return np.array([[m.relative_l2, m.relative_maximum, m.cosine] for m in result.measurements])


def main(name: str) -> int:
    """Print the lines and return the exit status."""
    backend, failed = load_backend(name), False
    ways = (ArrayPasses(), passes_of(name))
    for shape in SHAPES:
        for policy in NyquistPolicy:
            x = (1 + np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
            source = Source(0, "check")
            reference = columns(measure_map(x.astype(np.float64), source, policy))
            for passes in ways:
                first, second = (measure_map(backend.from_numpy(x), source, policy, passes=passes) for _ in range(2))
                worst = beyond(first, reference)
                same = columns(first).tobytes() == columns(second).tobytes()
                failed |= not worst <= 1 or not same
                text = f"{'x'.join(map(str, shape)):>14} {policy.value:10} {type(passes).__name__} on {backend.name}:"
                text += f" errors within {worst:.3f} of the bound; two runs {'agree' if same else 'DIFFER'}\n"
                sys.stdout.write(text)
    return 1 if failed else 0


def beyond(found: MapResult, reference: np.ndarray) -> float:
    """The largest difference of errors over what rounding may make of it, see :mod:`numerics.bounds`."""
    bound = np.array([m.bound for m in found.measurements])[:, None, :]
    # A cosine is itself computed with some rounding; the maximum may be off by twice what its norm is.
    allowed = np.concatenate([bound, 2 * bound, bound + 8 * np.finfo(np.float32).eps], axis=1)
    apart = np.abs(columns(found) - reference)
    # Where both sides are one expression nothing rounds, and the bound may be 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(apart == 0, 0.0, apart / allowed).max())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "cupy"))
