"""Pointwise functions: of invariants, invariant; they commute with the displacements that permute samples."""

from typing import Any

from proofs.kernel.derivations import INVARIANT, Facts, Setting, Step
from proofs.kernel.reading import take
from proofs.kernel.rejection import require


def inverse_root(data: Any, premises: list[Step], setting: Setting) -> Step:
    """rsqrt of the one premise."""
    take(data, "")
    require(len(premises) == 1, "rsqrt has one operand")
    term, known = premises[0]
    kept = Facts(known.equivariant and setting.statement.shifts, None, known.steady)
    return ("rsqrt", term), INVARIANT if known.invariant else kept
