"""What random terms a test should look at."""

from __future__ import annotations

from equinorm.strategies import depth
from theory.spec.terms import Input, Term, walk


def telling(term: Term) -> bool:
    """A term that says something: it contains x and is at least two operations deep."""
    return depth(term) >= 2 and any(isinstance(node, Input) for node in walk(term))
