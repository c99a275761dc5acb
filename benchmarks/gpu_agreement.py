"""Do two runs on a GPU agree bit for bit, and float32 there with float64 on NumPy within the rounding bound?

Run as ``python -m benchmarks.gpu_agreement [BACKEND]`` (cupy). Every variant and transformation of the experiment on
three shapes of feature maps, whose float32 values both sides share. Prints one line for each shape; exit status 1 if a
difference exceeds its bound or two runs differ.
"""

from __future__ import annotations

import sys

import numpy as np

from numerics.backends import load_backend
from numerics.experiment.draws import Source
from numerics.experiment.maps import MapResult, measure_map
from theory.spec.actions import NyquistPolicy

SHAPES = ((16, 64, 57, 57), (16, 64, 56, 56), (16, 512, 7, 7))


def columns(result: MapResult) -> np.ndarray:
    """The errors of all measurements: (measurements, 3, B)."""
    return np.array([[m.relative_l2, m.relative_maximum, m.cosine] for m in result.measurements])


def main(name: str) -> int:
    """Print the lines and return the exit status."""
    backend, failed = load_backend(name), False
    for shape in SHAPES:
        for policy in NyquistPolicy:
            x = (1 + np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
            source = Source(0, "check")
            first, second = (columns(measure_map(backend.from_numpy(x), source, policy)) for _ in range(2))
            reference = measure_map(x.astype(np.float64), source, policy)
            bound = np.array([m.bound for m in measure_map(backend.from_numpy(x), source, policy).measurements])
            apart = np.abs(first - columns(reference))[:, 0] / bound
            # Where both sides are one expression nothing rounds, and the bound may be 0.
            worst = float(np.nanmax(np.where(np.isfinite(apart), apart, 0.0)))
            same = first.tobytes() == second.tobytes()
            failed |= worst > 1 or not same
            text = f"{'x'.join(map(str, shape)):>14} {policy.value:10} {backend.name}: relative L2 errors within"
            sys.stdout.write(f"{text} {worst:.3f} of the bound; two runs {'agree' if same else 'DIFFER'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "cupy"))
