"""How far a long computation is, and how long it will take: told to whoever listens, printed by nobody here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class State:
    """``share`` of the work done, from 0 to 1, after ``elapsed`` seconds; ``count`` things called ``noun`` in all."""

    task: str
    share: float
    elapsed: float
    count: int = 0
    noun: str = ""

    @property
    def rate(self) -> float | None:
        """Things a second so far, each weighed by its work; None where none are counted or nothing is done."""
        return self.share * self.count / self.elapsed if self.count and self.share > 0 and self.elapsed > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds left if the rest goes on as what was done; None before anything was."""
        return self.elapsed * (1 - self.share) / self.share if self.share > 0 else None


Listener = Callable[[State], None]


@dataclass
class Progress:
    """Counts work in units of its own against ``total`` and tells ``listener`` after each step.

    The work is that on ``count`` things called ``noun``, which the rate counts.
    """

    task: str
    total: float
    listener: Listener | None = None
    done: float = 0.0
    start: float = field(default_factory=time.monotonic)
    count: int = 0
    noun: str = ""

    def step(self, amount: float) -> None:
        """Report that ``amount`` more is done."""
        self.done += amount
        if self.listener is not None:
            share = min(1.0, self.done / self.total) if self.total > 0 else 1.0
            self.listener(State(self.task, share, time.monotonic() - self.start, self.count, self.noun))
