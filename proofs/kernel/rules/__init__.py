"""The typing rules, in files named by what they check; a later law adds a file and its lines here.

A rule takes the setting, its premises and its own data, and gives the term and the facts of its conclusion, or raises
Rejected. Beside it stand the keys of its data and the number of its premises, where that is not free.
"""

from collections.abc import Callable
from typing import Any

from proofs.kernel.derivations import Setting, Step
from proofs.kernel.reading import require, take, word
from proofs.kernel.rules import arithmetic, closing, leaves, means, pointwise, two_samples

RULES: dict[str, tuple[Callable[..., Step], str, int | None]] = {
    "input": (leaves.input_array, "", 0),
    "number": (leaves.number, "value", 0),
    "epsilon": (leaves.epsilon, "", 0),
    "parameter": (leaves.parameter, "number", 0),
    "sum": (arithmetic.total, "", None),
    "product": (arithmetic.product, "", None),
    "power": (arithmetic.power, "exponent", 1),
    "pointwise": (pointwise.inverse_root, "", 1),
    "mean": (means.mean, "axes", 1),
    "closing": (closing.closing, "", 1),
    "centered pair": (two_samples.centered, "", 2),
    "sum of pairs": (two_samples.total, "", None),
    "product of pairs": (two_samples.product, "", None),
    "power of pairs": (two_samples.power, "exponent", 1),
}


def conclude(name: Any, data: Any, premises: list[Step], setting: Setting) -> Step:
    """The conclusion of a rule. Raises Rejected."""
    rule, keys, count = RULES[word(name, *RULES)]
    require(count in (None, len(premises)), f"{name}: {len(premises)} premises, expected {count}")
    return rule(setting, premises, *take(data, keys))
