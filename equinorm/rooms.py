"""The rooms stand beside the roof.

``theory``, ``numerics`` and ``proofs`` are generic names for top-level packages; another distribution, or a folder of
the user's, may carry one of them and come first on ``sys.path``. Then every import below would reach the wrong code,
so this is checked before anything else, without importing a room.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("theory", "numerics", "proofs")


def check_rooms() -> None:
    """Check that each room is the one that was installed with this package.

    Raises:
        ImportError: a room is missing, or a stranger's package stands in its place; ``name`` is the room.
    """
    house = Path(__file__).resolve().parent.parent
    for room in ROOMS:
        found = _location(room)
        expected = house / room / "__init__.py"
        if found is None:
            raise ImportError(
                f"equinorm needs the package {room} at {expected.parent}; install equinorm again", name=room
            )
        if found.resolve() != expected:
            raise ImportError(
                f"the package {room} at {found.parent} stands in the place of equinorm's own at {expected.parent}; "
                "install equinorm into an environment of its own, or start Python in another folder",
                name=room,
                path=str(found),
            )


def _location(room: str) -> Path | None:
    """Where ``import room`` finds its ``__init__.py`` (or would, if it has not run yet)."""
    loaded = sys.modules.get(room)
    if loaded is not None:
        return Path(loaded.__file__) if loaded.__file__ else None
    spec = find_spec(room)
    return Path(spec.origin) if spec is not None and spec.origin else None
