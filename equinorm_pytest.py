"""The pytest plugin of equinorm: the fixture ``assert_equivariant``, and nothing else.

It lies outside of the package, because pytest imports every installed plugin when it starts: so a run that does not ask
for the fixture imports this file alone, and the package is imported when a test first asks, from where that test would
import it. The entry point bears the name of this module; so asking for it once more (``-p equinorm_pytest``) finds it
loaded.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def assert_equivariant() -> Callable[..., None]:
    """``equinorm.testing.assert_equivariant``: assert that a layer is equivariant to shifts or translations."""
    from equinorm import testing

    return testing.assert_equivariant
