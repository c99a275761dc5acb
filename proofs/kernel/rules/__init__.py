"""The typing rules, in files named by what they check; a later law adds a file and its lines here.

A rule takes its own data, its premises and the setting, and gives the term and the facts of its conclusion, or raises
Rejected.
"""

from collections.abc import Callable
from typing import Any

from proofs.kernel.derivations import Setting, Step
from proofs.kernel.rules import arithmetic, closing, leaves, means, pointwise, two_samples

RULES: dict[str, Callable[[Any, list[Step], Setting], Step]] = {
    "input": leaves.input_array,
    "number": leaves.number,
    "epsilon": leaves.epsilon,
    "parameter": leaves.parameter,
    "sum": arithmetic.total,
    "product": arithmetic.product,
    "power": arithmetic.power,
    "pointwise": pointwise.inverse_root,
    "mean": means.mean,
    "closing": closing.closing,
    "centered pair": two_samples.centered,
    "sum of pairs": two_samples.total,
    "product of pairs": two_samples.product,
}
