"""A target as a callable of one array: it lives in a process of its own, and what it does wrong is one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from equinorm.checks import check_timeout
from equinorm.targets.process import Gone, Process, TimeOut
from equinorm.targets.spelling import Spelling, parse_target
from theory.spec.errors import SpecificationError, refuse

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

START = 120.0
"""Seconds for the interpreter, NumPy and torch to load, which is not the target's time."""

MOST_MEMORY = 8 * 2**30
"""Bytes that the process may use, or half of the machine's memory where that is less."""


class Target:
    """A function in another process: float32 or float64 in, one of both out, of any shape.

    A call raises :class:`SpecificationError` where the target raises, returns no real array, changes the array that it
    was given, ends its process or does not answer in time; see :func:`equinorm.targets.examine` for the rest.
    """

    def __init__(self, spelling: Spelling, timeout: float, memory: int, seed: int = 0, tensors: bool = False) -> None:
        self.spelling, self.timeout, self.memory, self.seed = spelling, timeout, memory, seed
        self.tensors = tensors
        self._process: Process | None = None
        self.start()

    def __str__(self) -> str:
        return self.spelling.text

    @property
    def pid(self) -> int | None:
        """The number of the process, None where there is none any more."""
        return self._process.pid if self._process is not None and self._process.alive else None

    def start(self, call_seed: int = 0) -> None:
        """Load the target in a new process, which replaces the one before.

        What it draws while it is loaded (initial weights) is the same in each process; ``call_seed`` changes what it
        draws afterwards.
        """
        self.close()
        self._process = Process()
        try:
            wants_torch = self.tensors or self.spelling.arguments is not None
            message = {"do": "prepare", "torch": wants_torch, "memory": self.memory, "seed": self.seed}
            self._ask(message, b"", START)
            names = {"module": self.spelling.module, "path": self.spelling.path, "tensors": self.tensors}
            self._ask(
                {"do": "load", **names, "arguments": self.spelling.arguments, "call_seed": call_seed}, b"", self.timeout
            )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process with all that it has started."""
        if self._process is not None:
            self._process.end()

    def __call__(self, x: Floats) -> Any:
        """The target's value at ``x``; ``x`` is copied and stays as it is.

        Raises:
            SpecificationError: what the target does wrong, in one line.
        """
        x = np.ascontiguousarray(x)
        if x.dtype not in (np.float32, np.float64):
            raise refuse(f"dtype={x.dtype}", "float32 or float64", "convert the array first")
        answer, payload = self._ask(
            {"do": "call", "shape": x.shape, "dtype": str(x.dtype)}, x.tobytes(), self.timeout, f"on shape {x.shape} "
        )
        try:
            y = np.frombuffer(payload, dtype=str(answer["dtype"])).reshape(answer["shape"]).copy()
        except (KeyError, TypeError, ValueError):
            self.close()
            raise self.fault("a function that only computes", "it writes where it should not") from None
        if answer.get("modified"):
            raise self.fault("a function that leaves its input as it is", "it modifies the array in place")
        return y

    def fault(self, expected: str, remedy: str) -> SpecificationError:
        """The error that names this target and what is wrong with it."""
        return refuse(f"target={self}", expected, remedy)

    def _ask(self, message: dict[str, Any], payload: bytes, timeout: float, when: str = "") -> tuple[Any, bytes]:
        assert self._process is not None
        loading = "while it is imported " if message["do"] == "load" else when
        try:
            answer, found = self._process.ask(message, payload, timeout)
        except TimeOut:
            remedy = f"{loading}it did not return in time; give it more with --timeout"
            if message["do"] == "call":
                remedy += ", or a smaller array"
            raise self.fault(f"an answer within {timeout:g} s", remedy) from None
        except Gone as gone:
            raise self.fault("a function that returns", f"{loading}it {gone}") from None
        if "expected" in answer:
            raise self.fault(str(answer["expected"]), str(answer["remedy"]))
        return answer, found


@contextmanager
def open_target(
    text: str, timeout: float = 30.0, *, memory: int | None = None, tensors: bool = False
) -> Iterator[Target]:
    """Load the target that ``text`` names in a process of its own, which ends with the ``with`` block.

    Modules are looked for in the current folder first, as ``python -m`` does, and nothing is imported but what
    ``text`` names, and what that imports.

    Args:
        text: ``module:function``, or ``torch:module.Class(arguments)`` with Python literals as arguments.
        timeout: seconds for the import, and for each call.
        memory: bytes that the process may use; left out, 8 GiB or half of the machine's memory.
        tensors: give it torch tensors, on the CPU, and nothing else.

    Raises:
        SpecificationError: no such spelling, or what cannot be imported or called; see :class:`Target` for calls.
    """
    spelling = parse_target(text)
    check_timeout(timeout)
    target = Target(spelling, float(timeout), memory if memory is not None else _half_of_memory(), tensors=tensors)
    try:
        yield target
    finally:
        target.close()


def _half_of_memory() -> int:
    try:
        return min(MOST_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    except (ValueError, OSError):
        return MOST_MEMORY
