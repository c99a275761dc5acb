"""Kernels at work: one process for each processor, asked for one certificate after the other.

A process that ends early takes the certificate with it that it was at, which is thereby rejected, and another process
takes its place.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import proofs
from equinorm.files import interrupts_held
from equinorm.inputs.certificates import Source
from proofs.kernel.reading import SECONDS

AHEAD = 2
"""Certificates that a process is asked for at a time, so that it need not wait for the next one."""

NO_JSON = "no JSON: "
"""So begins the kernel's reason for a text that it could not even read."""

COMMAND = (
    *(sys.executable, "-I", "-S", str(Path(__file__).with_name("kernel_process.py"))),
    str(Path(proofs.__file__).resolve().parent),
)


@dataclass(eq=False)
class Kernel:
    """A process; ``waiting`` holds the numbers of what it was asked for, in order, ``rest`` a part of an answer."""

    process: subprocess.Popen[bytes]
    waiting: deque[int] = field(default_factory=deque)
    rest: bytes = b""

    def ask(self, number: int, source: Source) -> None:
        """Ask for a certificate."""
        assert self.process.stdin is not None
        self.waiting.append(number)
        question = json.dumps([os.fsencode(source.path).decode("latin-1"), source.start, source.length])
        with suppress(BrokenPipeError):  # it has ended, as its answers will tell
            self.process.stdin.write(question.encode() + b"\n")
            self.process.stdin.flush()

    def answers(self) -> list[tuple[int, str | None]] | None:
        """The numbers and answers that have come; ``None`` when there will be no more. Waits for a part of one."""
        assert self.process.stdout is not None
        read = os.read(self.process.stdout.fileno(), 1 << 16)
        *lines, self.rest = (self.rest + read).split(b"\n")
        return [(self.waiting.popleft(), json.loads(line)) for line in lines] if read else None

    def end(self) -> int:
        """End the process, whatever it is doing, and give its exit status."""
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        return self.process.wait()


def start() -> Kernel:
    """A process that leaves Ctrl-C to this one."""
    # A blocked signal stays blocked in the new process.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return Kernel(subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass
class Team:
    """Kernels that share ``sources``; of what follows a certificate that is no JSON, not all is answered."""

    sources: Sequence[Source]
    tell: Callable[[], None]
    kernels: list[Kernel] = field(default_factory=list)
    answers: dict[int, str | None] = field(default_factory=dict)

    def run(self) -> dict[int, str | None]:
        """For each certificate, by its number, ``None`` or the reason to reject it.

        Raises:
            RuntimeError: a process ended with an error before any answer was given.
        """
        self.pending = deque(range(len(self.sources)))
        try:
            while True:
                self._ask()
                busy = [kernel for kernel in self.kernels if kernel.waiting]
                if not busy:
                    return self.answers
                with selectors.DefaultSelector() as selector:
                    for kernel in busy:
                        assert kernel.process.stdout is not None
                        selector.register(kernel.process.stdout, selectors.EVENT_READ, kernel)
                    for key, _ in selector.select():
                        self._hear(key.data)
        finally:
            with interrupts_held():
                for kernel in self.kernels:
                    kernel.end()

    def _ask(self) -> None:
        while len(self.kernels) < min(processors(), len(self.pending)):
            with interrupts_held():
                self.kernels.append(start())
        for count in range(AHEAD):
            for kernel in self.kernels:
                if len(kernel.waiting) == count and self.pending:
                    number = self.pending.popleft()
                    kernel.ask(number, self.sources[number])

    def _hear(self, kernel: Kernel) -> None:
        answers = kernel.answers()
        if answers is None:
            with interrupts_held():
                self.kernels.remove(kernel)
                status = kernel.end()
            if status > 0 and not self.answers:
                raise RuntimeError(f"a kernel ended with status {status}: {' '.join(COMMAND)}")
            answers = [(kernel.waiting.popleft(), _early(status))]
            self.pending.extendleft(reversed(kernel.waiting))
        for number, reason in answers:
            self.answers[number] = reason
            self.tell()
            if reason is not None and reason.startswith(NO_JSON):
                self.pending = deque(other for other in self.pending if other < number)


def _early(status: int) -> str:
    if status == -signal.SIGXCPU:
        return f"more than {SECONDS} seconds"
    return f"the kernel ended at it, with {signal.Signals(-status).name if status < 0 else f'status {status}'}"


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
