"""Checks of options that several verbs take in the same words: one of a list, a whole number, a seed, a time limit."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from theory.spec.errors import refuse

LARGEST_SEED = 2**63 - 1
"""Of a measurement; it is kept as a signed integer of 64 bits."""


def check_choice(name: str, value: str, choices: Collection[str]) -> str:
    """``value``, which must be one of ``choices``. Raises SpecificationError, as all checks here."""
    if value not in choices:
        raise refuse(f"{name}={value}", f"one of {', '.join(choices)}")
    return value


def check_whole(name: str, number: Any, least: int, largest: int | None = None) -> None:
    """``number`` must be an int, which True is not taken for, and lie from ``least`` up, or up to ``largest``."""
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not (whole and least <= number and (largest is None or number <= largest)):
        end = "up" if largest is None else f"to {largest}"
        raise refuse(f"{name}={number!r}", f"a whole number from {least} {end}")


def check_measured_seed(seed: int) -> None:
    """``seed`` must be one that a measurement takes."""
    check_whole("seed", seed, 0, LARGEST_SEED)


def check_timeout(timeout: float) -> None:
    """``timeout``, of a target, must be a time."""
    if not (math.isfinite(timeout) and timeout > 0):
        raise refuse(f"timeout={timeout:g}", "a positive, finite number of seconds")
