"""The units of a run on Dask distributed: one task for each shard, which is a few batches that follow one another.

The parts travel back to the client, which writes them; workers need the pictures and the file of the weights under the
same names as the client, and no place to write. A task is a function of its shard: when a worker is lost, the scheduler
gives its shards to another one, and the result is the same byte for byte. Each worker draws the filters of the network
once and is sent the rest (38 kB). It must have the versions and the kind of processor of the client; a worker whose
device has another name than the first one's is refused, since it may round differently.

``local:N`` starts a scheduler and N workers of one thread on this machine, on the loopback device. A worker that has a
GPU of its own (CUDA_VISIBLE_DEVICES) measures on it with the backend cupy.

Reference: Rocklin (2015), Dask: parallel computation with blocked algorithms and task scheduling, SciPy 2015.
"""

from __future__ import annotations

import itertools
import logging
import re
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from equinorm.experiment.listing import Unit
from equinorm.experiment.setting import Setting, kind_of_machine, plain
from equinorm.experiment.unit import Step
from equinorm.experiment.workforce import AHEAD, Done, measure_here, sheltering, work_of
from numerics.backends import load_backend
from theory.spec.errors import SpecificationError, refuse

SHARD = 4
"""Batches of a task: what is measured again at most when a worker is lost."""

LOCAL = re.compile(r"local:([0-9]{1,3})")
PATIENCE = 30
"""Seconds to wait for a scheduler, and for its first worker."""


@dataclass(frozen=True)
class Cluster:
    """The workers that a client of Dask distributed reaches; ``name`` is what the user called them."""

    client: Any
    name: str
    device: str

    def measure(self, setting: Setting, units: Sequence[Unit], key: str, step: Step) -> Generator[Done, None, None]:
        """In the order in which the shards are done.

        Raises:
            SpecificationError: as `measure_unit`; a shard whose workers were lost again and again.
        """
        from distributed import CancelledError, KilledWorker, as_completed

        shards = iter([units[start : start + SHARD] for start in range(0, len(units), SHARD)])
        limit = max(1, AHEAD * sum(self.client.ncores().values()))
        queue = as_completed(loop=self.client.loop)
        running: dict[Any, Sequence[Unit]] = {}

        def hand_out() -> None:
            for shard in itertools.islice(shards, limit - len(running)):
                future = self.client.submit(measure_shard, setting, tuple(shard), key, pure=False)
                running[future] = shard
                queue.add(future)

        hand_out()
        try:
            for future in queue:
                shard = running.pop(future)
                yield from future.result()
                for unit in shard:
                    step(work_of(setting, unit))
                del future
                hand_out()
        except (KilledWorker, CancelledError) as error:
            remedy = f"start the same command again ({type(error).__name__})"
            raise refuse(f"dask={self.name}", "workers that live long enough for a shard", remedy) from None
        finally:
            self.client.cancel(list(running))


def measure_shard(setting: Setting, units: Sequence[Unit], key: str) -> list[Done]:
    """The task: the parts of some batches.

    Raises:
        SpecificationError: this worker is not like the client, or the first worker.
    """
    device = device_here(setting.options.backend)
    for found, expected in ((plain(kind_of_machine()), setting.kind), (device, setting.device)):
        if found != expected:
            raise refuse(f"worker={found}", f"workers like the client and the first worker: {expected}")
    return measure_here(setting, units, key)


def device_here(backend: str) -> str:
    """What the backend calls itself on this worker."""
    return str(load_backend(backend))


@contextmanager
def connected(name: str, backend: str, most: int | None = None) -> Iterator[Cluster]:
    """The cluster called ``name``: the address of a scheduler, or ``local:N`` for N workers on this machine.

    At most ``most`` local workers are started.

    Raises:
        SpecificationError: Dask distributed is not installed, nobody answers, or a backend that the workers lack.
    """
    try:
        import dask
        from distributed import Client
        from distributed.comm import resolve_address
    except ImportError:
        remedy = "install the extra: pip install 'equinorm[dask]'"
        raise refuse(f"dask={name}", "Dask distributed", remedy) from None
    with ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.admin.tick.limit": "1h"}))
        stack.enter_context(_quiet())
        address = stack.enter_context(_local(name, most)) if name.startswith("local:") else name
        try:
            resolve_address(address)  # of an address that is none no client can be closed, nor the process ended
            client = stack.enter_context(Client(address, timeout=PATIENCE, set_as_default=False))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError, ImportError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise refuse(f"dask={name}", f"local:N, or a scheduler with workers that answers ({reason})") from None
        yield Cluster(client, name, _device(client, name, backend))


def _device(client: Any, name: str, backend: str) -> str:
    try:
        return str(client.submit(device_here, backend, pure=False).result())
    except SpecificationError:
        raise
    except Exception as error:  # whatever a worker without these sources says
        reason = " ".join(str(error).split())[:200]
        raise refuse(f"dask={name}", f"workers with equinorm installed ({reason})") from None


@contextmanager
def _local(name: str, most: int | None) -> Iterator[str]:
    from distributed import LocalCluster

    match = LOCAL.fullmatch(name)
    if match is None or int(match[1]) < 1:
        raise refuse(f"dask={name}", "local:N with N >= 1, or the address of a scheduler")
    count = int(match[1]) if most is None else min(int(match[1]), most)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        with sheltering():
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                memory_limit=0,  # the budget is checked before; a worker that is paused would stop the run
                dashboard_address=None,
                local_directory=scratch,
                silence_logs=logging.CRITICAL,
            )
        with cluster:
            yield cluster.scheduler_address


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is told in one line, by us."""
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado", "asyncio")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
