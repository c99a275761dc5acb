"""Tensors within what a module takes and gives: tuples, lists and dictionaries, one in another.

PyTorch is an extra: nothing here imports it, and a tensor is whatever the caller's ``is_tensor`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Tensor = Any


def tensors(value: object, is_tensor: Callable[[object], bool]) -> list[Tensor]:
    """All tensors within ``value``, from left to right."""
    if is_tensor(value):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return [found for part in value for found in tensors(part, is_tensor)]
    return []


def replaced(value: Any, new: Iterator[Tensor], is_tensor: Callable[[object], bool]) -> Any:
    """``value`` with its tensors, from left to right, replaced by those of ``new``; everything else stays.

    >>> replaced((1, [2, "a"]), iter([3, 4]), lambda part: isinstance(part, int))
    (3, [4, 'a'])
    """
    if is_tensor(value):
        return next(new)
    if isinstance(value, dict):
        return type(value)((key, replaced(part, new, is_tensor)) for key, part in value.items())
    if isinstance(value, (tuple, list)):
        parts = [replaced(part, new, is_tensor) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
