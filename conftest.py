"""What pytest leaves out of the doctests: modules of an extra that is not installed."""

from __future__ import annotations

import importlib.util

collect_ignore = []
if importlib.util.find_spec("numba") is None:
    collect_ignore += ["numerics/experiment/loops.py", "numerics/experiment/compiled.py"]
