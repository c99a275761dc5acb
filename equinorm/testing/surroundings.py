"""What is global while a layer is called, and put back afterwards: random state, gradients, reduced precision.

The random state of Python, of NumPy's global generator, and of torch on the CPU and on each GPU in use. Gradients are
off. Products of float32 matrices run in float32: with TF32, rounding would be that of 11 bits.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Whatever is drawn within, the random numbers that come after are those that would have come."""
    torch = sys.modules.get("torch")
    python, legacy = random.getstate(), np.random.get_state()
    on_cpu = None if torch is None else torch.get_rng_state()
    gpus = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
    on_gpus = sys.modules["torch"].cuda.get_rng_state_all() if gpus else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        if torch is not None and on_cpu is not None:
            torch.set_rng_state(on_cpu)
            if on_gpus is not None:
                torch.cuda.set_rng_state_all(on_gpus)


@contextlib.contextmanager
def quiet_torch() -> Iterator[None]:
    """No gradients, and no products in less than the dtype of their arrays; nothing where torch is not loaded."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    with torch.no_grad(), _switched(torch.backends.cudnn), _switched(torch.backends.cuda.matmul):
        yield


@contextlib.contextmanager
def _switched(settings: Any) -> Iterator[None]:
    """``allow_tf32`` off; left alone where torch refuses to tell, because the newer names were used to set it."""
    try:
        before = settings.allow_tf32
        settings.allow_tf32 = False
    except (AttributeError, RuntimeError):
        yield
        return
    try:
        yield
    finally:
        settings.allow_tf32 = before
