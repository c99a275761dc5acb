"""A target loaded in the process of the tests, by the code that loads it in its own: what it is, without what it costs.

In the profile ``thorough`` every target has its own process, as it has for users.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import settings

from equinorm.targets import child, open_target
from equinorm.targets.spelling import Spelling, parse_target
from theory.spec.errors import refuse

THOROUGH = settings().max_examples > 1000

Array = np.ndarray[Any, Any]


class Inside:
    """The target as a function of one array, with the errors of one in a process of its own."""

    def __init__(self, spelling: Spelling) -> None:
        self.__name__ = spelling.text
        message = {"module": spelling.module, "path": spelling.path, "arguments": spelling.arguments}
        with self.told():
            self.runner = child.Runner(child.load(message))

    @contextmanager
    def told(self) -> Iterator[None]:
        try:
            yield
        except child.Fault as fault:
            raise refuse(f"target={self.__name__}", fault.expected, fault.remedy) from None

    def __call__(self, x: Array) -> Array:
        with self.told():
            y, modified = self.runner(x.copy())
            found: Array = child.as_array(y)
        if modified:
            raise refuse(
                f"target={self.__name__}", "a function that leaves its input as it is", "it modifies the array in place"
            )
        return found


@contextmanager
def _inside(text: str) -> Iterator[Inside]:
    before = set(sys.modules)
    with mock.patch.object(sys, "path", [os.getcwd(), *sys.path]), mock.patch.object(sys, "dont_write_bytecode", True):
        try:
            yield Inside(parse_target(text))
        finally:
            for name in set(sys.modules) - before:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(os.getcwd()):
                    with suppress(KeyError):
                        del sys.modules[name]


def opened(text: str) -> AbstractContextManager[Any]:
    """The target that ``text`` names, here or in a process of its own."""
    return open_target(text) if THOROUGH else _inside(text)
