"""Hypothesis strategies for layers, terms, actions, grids, domains, claims and arrays.

They compose with Hypothesis's own, take a layout where one matters, and shrink towards the simplest value: the absent
step, the term ``x``, shifts, axes of one sample, all real arrays, the array that is constant.

    from hypothesis import given
    from equinorm.strategies import claims, normalizations

    @given(normalizations())
    def test_my_layer(layer): ...

Modules: ``spaces`` (layouts, axis sets, grids), ``layers``, ``expressions`` (terms), ``questions`` (actions, domains,
claims), ``signals`` (arrays as formulas) and ``arrays`` (arrays drawn from a domain).
"""

from equinorm.strategies.arrays import STRUCTURES, arrays
from equinorm.strategies.expressions import degree, depth, terms
from equinorm.strategies.layers import normalizations, steps
from equinorm.strategies.questions import actions, claims, domains
from equinorm.strategies.spaces import BCDHW, BCT, LAYOUTS, axis_sets, grids, layouts, parity_families

__all__ = [
    "BCDHW",
    "BCT",
    "LAYOUTS",
    "STRUCTURES",
    "actions",
    "arrays",
    "axis_sets",
    "claims",
    "degree",
    "depth",
    "domains",
    "grids",
    "layouts",
    "normalizations",
    "parity_families",
    "steps",
    "terms",
]
