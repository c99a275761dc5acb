"""Pointwise functions: of invariants, invariant; they commute with the displacements that permute samples."""

from proofs.kernel.derivations import INVARIANT, Facts, Setting, Step


def inverse_root(setting: Setting, premises: list[Step]) -> Step:
    """rsqrt of the one premise."""
    ((term, known),) = premises
    kept = Facts(known.equivariant and setting.statement.shifts, None, known.steady)
    return ("rsqrt", term), INVARIANT if known.invariant else kept
