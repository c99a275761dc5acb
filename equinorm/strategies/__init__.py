"""Hypothesis strategies for layers, terms, actions, grids, domains, claims and arrays.

They compose with Hypothesis's own, take a layout where one matters, and shrink towards the simplest value: the absent
step, the term ``x``, shifts, axes of one sample, all real arrays, the array that is constant, no displacement.

    from hypothesis import given, strategies as st
    from equinorm.strategies import arrays, grids

    @given(st.data())
    def test_my_layer(data):
        grid = data.draw(grids(largest=9, parity=1))
        x = data.draw(arrays(grid))

Whatever is drawn is plain: frozen specifications of ``theory.spec``, exact grids, NumPy arrays in float64.

>>> from hypothesis import find
>>> import numpy as np
>>> grid = find(grids(), lambda grid: grid.size("W").least > 2)
>>> [str(size) for size in grid.sizes]
['1', '1', '1', '3']
>>> find(arrays(grid, structures=("integers", "noise")), lambda x: not np.allclose(x, x.mean()))
array([[[[1., 0., 0.]]]])
>>> action = find(actions(), lambda action: len(action.moving) == 2)
>>> find(displacements(action, grid), lambda t: bool(t.any()))
array([[0., 1.]])
>>> str(find(normalizations(), lambda layer: layer.scale is not None))
'norm[scale=empty]'

Public, and where it is defined:

===================================================  ======================================================
``spaces``                                           ``layouts``, ``axis_sets``, ``grids``, ``parity_families``
``layers``, ``expressions``                          ``steps``, ``normalizations``, ``terms``
``questions``                                        ``actions``, ``domains``, ``claims``
``arrays``                                           ``arrays`` of a domain, with a structure of ``STRUCTURES``
``signals``, ``photographs`` (formulas, no strategy)  ``impulse``, ``plane_wave``, ``noise``, ``project``, ``patch``
``displacements``                                    ``displacements``, ``fractions``
``values``                                           ``parameters``, ``layer_parameters``, ``term_parameters``
===================================================  ======================================================
"""

from equinorm.strategies.arrays import STRUCTURES, arrays
from equinorm.strategies.displacements import DENOMINATORS, displacements, fractions
from equinorm.strategies.expressions import degree, depth, terms
from equinorm.strategies.layers import normalizations, steps
from equinorm.strategies.photographs import PHOTOGRAPHS, patch, photograph
from equinorm.strategies.questions import actions, claims, domains
from equinorm.strategies.signals import impulse, noise, plane_wave, project, shape_of
from equinorm.strategies.spaces import BCDHW, BCT, LAYOUTS, axis_sets, grids, layouts, parity_families
from equinorm.strategies.values import layer_parameters, parameters, term_parameters

__all__ = [
    "BCDHW",
    "BCT",
    "DENOMINATORS",
    "LAYOUTS",
    "PHOTOGRAPHS",
    "STRUCTURES",
    "actions",
    "arrays",
    "axis_sets",
    "claims",
    "degree",
    "depth",
    "displacements",
    "domains",
    "fractions",
    "grids",
    "impulse",
    "layer_parameters",
    "layouts",
    "noise",
    "normalizations",
    "parameters",
    "parity_families",
    "patch",
    "photograph",
    "plane_wave",
    "project",
    "shape_of",
    "steps",
    "term_parameters",
    "terms",
]
