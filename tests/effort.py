"""How many examples a property is tested on."""

from __future__ import annotations

from hypothesis import settings


def at_least(count: int) -> settings:
    """Settings for ``count`` examples, or for those of the profile in use where they are more (``thorough``)."""
    return settings(max_examples=max(count, settings().max_examples))
