"""Progress on standard error: one line that is overwritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from equinorm.cli.output import message
from equinorm.progress import State

TERMINAL_INTERVAL = 0.2
PIPE_INTERVAL = 10.0
"""Seconds between two lines."""


@dataclass
class Printer:
    """Listens to progress and prints it, unless ``quiet``; :meth:`close` ends the line that was overwritten."""

    quiet: bool = False
    shown: float = -math.inf
    open_line: bool = False

    def __call__(self, state: State) -> None:
        """Print ``state`` unless the last line is too recent."""
        if self.quiet:
            return
        stream = sys.stderr
        terminal = stream is not None and stream.isatty()
        since = state.elapsed - self.shown
        if 0 <= since < (TERMINAL_INTERVAL if terminal else PIPE_INTERVAL) and state.share < 1:
            return
        self.shown = state.elapsed
        if terminal:
            message(f"\r{describe(state):<60}", end="")
            self.open_line = True
        else:
            message(describe(state))

    def close(self) -> None:
        """End an overwritten line, so that what follows stands on its own."""
        if self.open_line:
            message("")
            self.open_line = False


def describe(state: State) -> str:
    """The line for ``state``.

    >>> describe(State("measuring", 0.25, 30.0))
    'measuring: 25 %, 1 min 30 s left'
    >>> describe(State("measuring", 0.5, 4.0, 100, "pictures"))
    'measuring: 50 %, 12.5 pictures/s, 4 s left'
    """
    rate = "" if state.rate is None else f", {state.rate:.3g} {state.noun}/s"
    left = "" if state.left is None else f", {duration(state.left)} left"
    return f"{state.task}: {math.floor(100 * state.share)} %{rate}{left}"


def duration(seconds: float) -> str:
    """Whole seconds, minutes or hours.

    >>> duration(0.2), duration(59.6), duration(7260)
    ('1 s', '1 min 0 s', '2 h 1 min')
    """
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
