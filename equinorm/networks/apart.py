"""An audit in a process of its own, for the command: whatever the network does to its process, we go on.

As with targets (:mod:`equinorm.targets.process`) the process has a session of its own and is ended with all that it
has started: when it does not answer in time, even within C code, when it ends early, and on Ctrl-C.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from equinorm.progress import Listener, State
from equinorm.targets.process import Gone, Process, TimeOut
from theory.spec.errors import SpecificationError, refuse

CHILD = Path(__file__).with_name("child.py")

GRACE = 3.0
"""Seconds in which the process may still tell by itself that time is up, and where."""

PATIENCE = 120.0
"""Seconds for PyTorch to be imported, and for what we compute ourselves between two reports."""

RUNS = 40
"""Runs of the network, at most, between two reports."""


def audit_apart(message: dict[str, Any], payload: bytes, timeout: float, progress: Listener | None) -> dict[str, Any]:
    """What the process answers to ``message`` in the end: the audit as plain data.

    Raises:
        SpecificationError: the network is refused, ends its process, or does not answer in time.
        RuntimeError: a fault of equinorm itself, with the traceback of the process.
    """
    given = f"model={message['options']['model']}"
    process = Process(CHILD)
    within: float | None = None
    try:
        while True:
            patience = PATIENCE + RUNS * timeout if within is None else within + GRACE
            try:
                found, body = process.ask(message, payload, patience)
            except TimeOut:
                seconds = timeout if within is None else within
                raise refuse(given, f"an answer within {seconds:g} seconds", "give it more by --timeout") from None
            except Gone as gone:
                raise refuse(given, "a network that returns", f"it {gone}") from None
            if "within" in found:
                within = found["within"]
            elif "share" in found:
                if progress is not None:
                    progress(State(**found["state"]))
            elif "refused" in found:
                raise SpecificationError(found["refused"])
            elif "fault" in found:
                raise RuntimeError(f"in the process of the network:\n{found['fault']}")
            else:
                audit: dict[str, Any] = json.loads(body)
                return audit
            message, payload = {"do": "go on"}, b""
    finally:
        process.end()
