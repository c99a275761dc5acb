"""Strategies for the spaces that claims are about: layouts, axis sets, grids.

Besides batch x channel x height x width there are layouts with other names and numbers of spatial axes, since nothing
may depend on what an axis is called: sound (one axis T) and volumes (D, H, W).
"""

from __future__ import annotations

from itertools import combinations

from hypothesis import strategies as st

from theory.spec.axes import BCHW, Axis, AxisKind, AxisSet, Layout
from theory.spec.grids import ANY, EVEN, ODD, Grid, Size


def _feature_map(spatial: str) -> Layout:
    index = (Axis("B", AxisKind.INDEX, sample=True), Axis("C", AxisKind.INDEX))
    return Layout(index + tuple(Axis(name, AxisKind.SPATIAL) for name in spatial))


BCT = _feature_map("T")
"""Batch x channel x time: one spatial axis."""

BCDHW = _feature_map("DHW")
"""Batch x channel x depth x height x width: three spatial axes."""

LAYOUTS = (BCHW, BCT, BCDHW)


def layouts() -> st.SearchStrategy[Layout]:
    """One of ``LAYOUTS``; the simplest is BCHW."""
    return st.sampled_from(LAYOUTS)


def axis_sets(layout: Layout = BCHW, least: int = 0, spatial: bool = False) -> st.SearchStrategy[AxisSet]:
    """Subsets of the axes of ``layout``, each as likely as any other; the simplest is the smallest.

    ``least`` is the smallest number of members; ``spatial`` keeps to the spatial axes.
    """
    names = [name for name in layout.names if not spatial or name in layout.spatial]
    sizes = range(least, len(names) + 1)
    return st.sampled_from([frozenset(members) for size in sizes for members in combinations(names, size)])


@st.composite
def grids(
    draw: st.DrawFn,
    layout: Layout = BCHW,
    largest: int = 6,
    most_entries: int = 3,
    parity: int | None = None,
    smallest: int = 1,
) -> Grid:
    """Grids of exact sizes: spatial axes of ``smallest`` to ``largest`` samples, index axes of 1 to ``most_entries``.

    The sizes are drawn axis by axis, so that odd, even and rectangular grids, axes of one and of two samples, and
    single samples and channels all occur. ``parity`` 0 or 1 keeps the spatial sizes even or odd. The simplest grid has
    the smallest sizes.
    """
    spatial = [size for size in range(smallest, largest + 1) if parity is None or size % 2 == parity]
    sizes = []
    for axis in layout:
        choices = spatial if axis.kind is AxisKind.SPATIAL else range(1, most_entries + 1)
        sizes.append(Size(draw(st.sampled_from(choices))))
    return Grid(layout, tuple(sizes))


def parity_families(layout: Layout = BCHW) -> st.SearchStrategy[Grid]:
    """The two families of grids: all spatial sizes odd and at least 3, or all even and at least 4; any index sizes."""
    families = [
        Grid(layout, tuple(size if axis.kind is AxisKind.SPATIAL else ANY for axis in layout)) for size in (ODD, EVEN)
    ]
    return st.sampled_from(families)
