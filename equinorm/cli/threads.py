"""One thread for each product of matrices: the command has threads of its own, one sample each.

OpenBLAS, which NumPy brings along, would split every small product among all processors once more and let its threads
wait for each other: on two busy cores a translation by matrices then takes ten to a hundred times as long.
"""

from __future__ import annotations

import os


def leave_threads_to_us() -> None:
    """Tell OpenBLAS to use one thread, unless the user has told it otherwise. To be called before NumPy is loaded."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
