"""The one error of this package for input that cannot be used.

Every message has three parts: what was given (``name=value``), what was expected, and what to do about it.
"""

from __future__ import annotations


class SpecificationError(ValueError):
    """Input that names no specification; ``str(error)`` is one line fit for a user."""


def refuse(given: str, expected: str, remedy: str = "") -> SpecificationError:
    """Compose the error for ``given`` (spelled ``name=value``), which is not what was ``expected``."""
    message = f"{given}: expected {expected}"
    return SpecificationError(f"{message}; {remedy}" if remedy else message)
