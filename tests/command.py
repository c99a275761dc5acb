"""Run Python and the command ``equinorm`` in a child process, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child that finds these sources first, without settings that would change its output."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "PYTHONPATH")}
    return {**kept, "PYTHONPATH": str(HOUSE), "PYTHONIOENCODING": "utf-8", **changes}


def run_python(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the interpreter with ``arguments``; ``changes`` are environment variables. Warnings are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def run_command(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run ``equinorm`` with ``arguments``."""
    return run_python("-m", "equinorm", *arguments, **changes)
