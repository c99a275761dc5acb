"""The named layers: the five of Table 1 of Scanvic, Barthélemy and Tachella (2025, arXiv 2505.19805).

One line a layer: name, axes of the three steps, epsilon as its usual implementation has it, and the source of the
layer. What follows from the axes is not written here; the calculus derives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from theory.spec.axes import parse_step
from theory.spec.errors import refuse
from theory.spec.layers import Normalization, parse_layer


@dataclass(frozen=True)
class CatalogueEntry:
    """A named layer and where it comes from (an arXiv id)."""

    name: str
    layer: Normalization
    source: str


def _entry(name: str, center: str, scale: str, affine: str, eps: str, source: str) -> CatalogueEntry:
    steps = (parse_step(center), parse_step(scale), parse_step(affine))
    return CatalogueEntry(name, Normalization(*steps, eps=Fraction(eps)), source)


CATALOGUE: dict[str, CatalogueEntry] = {
    entry.name: entry
    for entry in (
        _entry("BatchNorm", "BHW", "BHW", "C", "1e-5", "1502.03167"),
        _entry("InstanceNorm", "HW", "HW", "absent", "1e-5", "1607.08022"),
        _entry("LayerNorm-CHW", "CHW", "CHW", "CHW", "1e-5", "1607.06450"),
        _entry("LayerNorm-C", "C", "C", "C", "1e-6", "2201.03545"),
        _entry("LayerNorm-AF", "C", "CHW", "C", "1e-6", "2303.08085"),
    )
}


def find_layer(text: str) -> Normalization:
    """The layer called ``text``, or spelled by it (``norm[...]``).

    Raises:
        SpecificationError: neither a catalogue name nor a short spelling.
    """
    if text in CATALOGUE:
        return CATALOGUE[text].layer
    if text.lstrip().startswith("norm["):
        return parse_layer(text)
    raise refuse(f"layer={text}", f"one of {', '.join(CATALOGUE)}, or norm[center=C, scale=CHW, affine=C]")
