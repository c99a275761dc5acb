"""Who measures the units: this process, processes of its own, or a cluster (:mod:`equinorm.experiment.cluster`).

Each gives the parts as they are done, in any order. A part depends on its unit and on the setting alone, so that the
bytes are the same whoever makes it, as long as the machines are of one kind: another processor may round differently.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Protocol

from equinorm.experiment.listing import Unit
from equinorm.experiment.memory import peak
from equinorm.experiment.setting import Setting
from equinorm.experiment.single_threaded import single_threaded
from equinorm.experiment.unit import Step, measure_unit, work_of_picture
from equinorm.inputs.batches import read_crops
from numerics.backends import Backend, load_backend
from numerics.experiment.maps import WORKERS
from theory.spec.errors import refuse

AHEAD = 2
"""Units that are handed out for each process or worker: one to measure, one to go on with."""


@dataclass(frozen=True)
class Done:
    """The part of batch ``number`` as bytes, and the most memory that its maker had so far."""

    number: int
    data: bytes
    peak: int


class Workforce(Protocol):
    """Those who measure."""

    @property
    def device(self) -> str:
        """What the backend calls itself where the work is done."""
        ...

    def measure(self, setting: Setting, units: Sequence[Unit], key: str, step: Step) -> Generator[Done, None, None]:
        """Measure ``units``; ``step`` is told the work done. Closing the iterator stops the work."""
        ...


@dataclass(frozen=True)
class Here:
    """This process, one unit after the other; the pictures of the next ones are decoded meanwhile.

    ``threads`` measure the samples of a map; None for as many as :func:`measure_map` takes by itself.
    """

    backend: Backend
    threads: int | None = None

    @property
    def device(self) -> str:
        """That of the backend."""
        return str(self.backend)

    def measure(self, setting: Setting, units: Sequence[Unit], key: str, step: Step) -> Generator[Done, None, None]:
        """In the order of ``units``."""
        yield from measured(setting, self.backend, units, key, self.threads or WORKERS, step)


def measured(
    setting: Setting,
    backend: Backend,
    units: Sequence[Unit],
    key: str,
    threads: int,
    step: Step | None = None,
    decoders: int | None = None,
) -> Generator[Done, None, None]:
    """The parts of ``units``, made here."""
    pictures = (each.picture for unit in units for each in unit.listed)
    with single_threaded(), closing(read_crops(pictures, setting.options.crop, decoders)) as crops:
        for unit in units:
            own = itertools.islice(crops, len(unit.listed))
            part = measure_unit(setting, backend, unit, own, key, threads, step)
            yield Done(unit.number, part.encode(), peak())


@dataclass(frozen=True)
class Processes:
    """``count`` processes, each with one thread and one unit at a time."""

    backend: Backend
    count: int

    @property
    def device(self) -> str:
        """That of the backend."""
        return str(self.backend)

    def measure(self, setting: Setting, units: Sequence[Unit], key: str, step: Step) -> Generator[Done, None, None]:
        """In the order in which they are done.

        Raises:
            SpecificationError: a process ended on its own; the parts that are done stay.
        """
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self.count, context, initializer=_end_with_parent)
        left = iter(units)
        running: dict[Future[list[Done]], Unit] = {}
        try:
            while True:
                with sheltering():
                    for unit in itertools.islice(left, AHEAD * self.count - len(running)):
                        running[pool.submit(measure_here, setting, (unit,), key)] = unit
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    unit = running.pop(future)
                    yield from future.result()
                    step(work_of(setting, unit))
        except BrokenProcessPool:
            remedy = "one was killed, perhaps for want of memory; start the same command again"
            raise refuse(f"workers={self.count}", "processes that go on until the end", remedy) from None
        finally:
            if running:  # nobody waits for these any more
                for process in list((getattr(pool, "_processes", None) or {}).values()):
                    process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


def measure_here(setting: Setting, units: Sequence[Unit], key: str, threads: int = 1) -> list[Done]:
    """The parts of ``units``, in a process that was made for it."""
    backend = load_backend(setting.options.backend)
    return list(measured(setting, backend, units, key, threads, decoders=1))


def work_of(setting: Setting, unit: Unit) -> float:
    """Entries of all maps of a unit."""
    return float(work_of_picture(setting.options.crop) * len(unit.listed))


@contextmanager
def sheltering() -> Iterator[None]:
    """Processes and threads that are started in this block never see Ctrl-C; this thread sees it at the end.

    A terminal sends it to all; the one that hands out the work is to decide, and to tell it in one line.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # started in the block, it would let the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """End this process when the one that started it ends, in whatever way."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
