"""The experiment of Tables 2 and 3 against the published protocol, on the same feature maps in the same run.

Run as ``python -m benchmarks.experiment [--batch 16] [--repeats 3] [--policy symmetric|one-sided] [--backend numba]``.
A line for each of the 20 maps of a ResNet-18 and one for their sum: milliseconds for one image and the throughput over
that of the published protocol (``benchmarks/published_protocol.py``), which computes one error of ours three and no
rounding bound. Each is the fastest of the repeats. Ours is taken as ``equinorm measure`` runs, with threads in one
process, and as ``equinorm measure --workers N`` does, one batch in each of as many processes as there are cores. The
run is made twice, with malloc as it is and told to keep its pages, since fresh pages cost as much as transforms do.

The floor of a machine: the bytes of two reads of each map for each transformation at the measured speed of a copy, and
the operations of the matrix products of three translated arrays at the measured speed of such a product.

On a GPU the device functions stand beside the array expressions, and the floor is that of the bytes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

KEEP = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_TOP_PAD_": str(2**26)}
"""Settings of glibc under which freed memory stays with the process."""

TRANSLATED = 3
"""Arrays that have to be translated: x, LayerNorm-C of x, and LayerNorm-CHW of x with drawn parameters."""


def fastest(function: Callable[[], object], repeats: int, finish: Callable[[], None]) -> float:
    """The seconds of the fastest of some calls, after one that does not count."""
    function()
    finish()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        finish()
        found.append(time.perf_counter() - start)
    return min(found)


def side_by_side(function: Callable[[], object], repeats: int, count: int) -> float:
    """The seconds of the fastest of some calls of ``count`` processes at once, of which the slowest counts."""
    context = multiprocessing.get_context("fork")  # the arrays are there, and nothing else is computed meanwhile
    start, found = context.Barrier(count), context.SimpleQueue()

    def work() -> None:
        function()
        for number in range(repeats):
            start.wait()
            began = time.perf_counter()
            function()
            found.put((number, time.perf_counter() - began))

    processes = [context.Process(target=work) for _ in range(count)]
    for process in processes:
        process.start()
    seconds = [0.0] * repeats
    for _ in range(count * repeats):
        number, each = found.get()
        seconds[number] = max(seconds[number], each)
    for process in processes:
        process.join()
    return min(seconds)


def floors(shape: tuple[int, ...], repeats: int) -> tuple[float, float]:
    """Seconds for one image: the bytes that must be read, and the operations of the translations, on this machine."""
    import numpy as np

    channels, height, width = shape
    x = np.ones((16 * channels, height, width), dtype=np.float32)
    y = np.empty_like(x)
    matrix = np.ones((width, width), dtype=np.float32)
    copied = fastest(lambda: np.copyto(y, x), repeats, lambda: None) / 16
    # A copy moves two arrays; two reads for each of two transformations move four.
    multiplied = fastest(lambda: np.matmul(x.reshape(-1, width), matrix), repeats, lambda: None) / 16
    return 2 * copied, TRANSLATED * multiplied * (1 + height / width)


def compare(batch: int, repeats: int, policy_name: str, backend_name: str) -> None:
    """Print the table."""
    import numpy as np
    import torch

    from benchmarks.gpu_passes import bytes_a_second, floor
    from benchmarks.published_protocol import experiment
    from equinorm.inputs.images import bundled_pictures
    from equinorm.inputs.preprocessing import load_crop, normalize
    from numerics.backends import load_backend
    from numerics.experiment.draws import Source
    from numerics.experiment.maps import WORKERS, measure_map
    from numerics.experiment.passes import ArrayPasses, Passes, passes_of
    from numerics.resnet.forward import batch_norm_inputs
    from numerics.resnet.initialization import he_state
    from theory.spec.actions import NyquistPolicy

    policy, backend, passes = NyquistPolicy(policy_name), load_backend(backend_name), passes_of(backend_name)
    on_gpu = backend_name == "cupy" or "cuda" in backend.device
    device = "cuda" if on_gpu else "cpu"
    cores = os.cpu_count() or 1
    torch.set_num_threads(cores)
    pictures = bundled_pictures()
    crops = np.stack([load_crop(pictures[i % len(pictures)].path, 224) for i in range(batch)])
    generator = torch.Generator(device).manual_seed(0)
    speed = bytes_a_second(backend, repeats) if on_gpu else 0.0

    def finish() -> None:
        if on_gpu:
            torch.cuda.synchronize()
        if backend_name == "cupy":
            backend.xp.cuda.Device().synchronize()

    def row(position: str, array: Any) -> dict[str, float]:
        """Seconds for one image, by column."""
        x, given, shape = backend.from_numpy(array), torch.as_tensor(array, device=device), array.shape[1:]

        def ours(used: Passes, threads: int = WORKERS) -> Callable[[], object]:
            return lambda: measure_map(x, Source(0, position), policy, threads, passes=used)

        symmetric = policy is NyquistPolicy.SYMMETRIC
        found = {"published": fastest(lambda: experiment(given, generator, symmetric), repeats, finish) / batch}
        if on_gpu:
            found["functions"] = fastest(ours(passes), repeats, finish) / batch
            found["expressions"] = fastest(ours(ArrayPasses()), repeats, finish) / batch
            return found | {"bytes": floor(shape, speed)}
        found["threads"] = fastest(ours(passes), repeats, finish) / batch
        found["processes"] = side_by_side(ours(passes, 1), repeats, cores) / batch / cores
        read, multiplied = floors(shape, repeats)
        return found | {"bytes": read, "products": multiplied}

    say(f"{backend}, batch {batch}, float32, {policy_name}; torch {torch.__version__}, {cores} threads")
    rows: list[dict[str, float]] = []
    for position, array in batch_norm_inputs(he_state(0), normalize(crops, np.float32)):
        rows.append(row(position, array))
        if len(rows) == 1:
            say(heading(rows[0]))
        say(line(position, array.shape[1:], rows[-1]))
    say(line("all 20", (), {column: sum(each[column] for each in rows) for column in rows[0]}))


FLOORS = ("bytes", "products")


def heading(row: dict[str, float]) -> str:
    """The names of the columns; beside a time of ours the ratio of the published one to it."""
    names = [f"{name:>11}" + (f"{'ratio':>7}" if name not in ("published", *FLOORS) else "") for name in row]
    return f"{'map':24} {'shape':>10}" + "".join(names)


def line(position: str, shape: tuple[int, ...], row: dict[str, float]) -> str:
    """Milliseconds for one image, and ratios."""
    cells = []
    for name, seconds in row.items():
        cells.append(f"{1000 * seconds:11.2f}")
        if name not in ("published", *FLOORS):
            cells.append(f"{row['published'] / seconds:7.1f}")
    return f"{position:24} {'x'.join(map(str, shape)):>10}" + "".join(cells)


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run with both settings of malloc, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--policy", choices=["symmetric", "one-sided"], default="symmetric")
    parser.add_argument("--backend", choices=["numpy", "numba", "torch", "cupy"], default="numba")
    parser.add_argument("--here", action="store_true", help="once, in this process")
    given = parser.parse_args()
    if given.here:
        compare(given.batch, given.repeats, given.policy, given.backend)
        return 0
    for name, more in (("malloc as it is", {}), ("malloc keeps its pages", KEEP)):
        say(f"\n{name}")
        # One thread for each product: the samples are shared among threads already.
        environment = {"OPENBLAS_NUM_THREADS": "1", **os.environ, **more}
        command = [sys.executable, "-m", "benchmarks.experiment", "--here", *sys.argv[1:]]
        status = subprocess.run(command, env=environment, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
