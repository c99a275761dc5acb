"""Arguments that the assertion cannot use and layers that it cannot judge are named, in one line."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from equinorm.testing import assert_equivariant
from theory.spec.errors import SpecificationError


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shape": (2,)}, r"shape=\(2,\)"),
        ({"shape": (2, 0, 3, 3)}, r"shape=\(2, 0, 3, 3\)"),
        ({"shape": (2, 1.5, 3)}, r"shape=\(2, 1.5, 3\)"),
        ({"shape": 7}, "shape=7"),
        ({"shape": (2, 3, 1, 1)}, "nothing would move"),
        ({"shape": (10**5, 10**5, 3, 3)}, "a small array"),
        ({"action": "rotation"}, "action='rotation'"),
        ({"scope": "some"}, "scope='some'"),
        ({"scope": "common", "displacements": [[0, 1], [1, 0]]}, "scope=common"),
        ({"scope": "per-sample", "displacements": [0, 1]}, "scope=per-sample"),
        ({"axes": (0, 1)}, r"axes=\(0, 1\)"),
        ({"axes": "HT"}, "axes='HT': expected numbers such as .-2, -1., or letters of BCHW"),
        ({"axes": "B"}, "and not axis 0"),
        ({"axes": "H", "shape": (2, 3, 4)}, "axes='H': expected numbers such as"),
        ({"axes": (-1, 3)}, r"axes=\(-1, 3\)"),
        ({"axes": ()}, r"axes=\(\)"),
        ({"axes": 4}, "axes=4"),
        ({"displacements": [1, 2, 3]}, r"displacements=\[1, 2, 3\]"),
        ({"displacements": [1, np.nan]}, "finite"),
        ({"displacements": [0, 0]}, "nothing would move"),
        ({"device": "moon"}, "device=moon"),
        ({"displacements": "far"}, "displacements='far'"),
        ({"displacements": [0.5, 0], "action": "shift"}, "whole numbers for a shift"),
        ({"nyquist": "none"}, "nyquist='none'"),
        ({"domain": "some"}, "domain='some'"),
        ({"domain": -1}, "domain=-1"),
        ({"domain": 8}, "domain=8"),
        ({"domain": True}, "domain=True"),
        ({"tolerance": -1}, "tolerance=-1"),
        ({"tolerance": np.nan}, "tolerance=nan"),
        ({"trials": 0}, "trials=0"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 0.5}, "seed=0.5"),
        ({"like": "numbers"}, "backend=numbers"),
        ({"like": 3}, "like=int"),
        ({"like": importlib}, "like=importlib"),
        ({"dtype": "int32"}, "dtype='int32'"),
        ({"dtype": "bfloat16"}, "dtype=bfloat16"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecificationError, match=said) as caught:
        assert_equivariant(lambda x: x, **options)
    assert "\n" not in str(caught.value)


def random_layer(x: Any) -> Any:
    return x + np.random.normal(size=x.shape)


def stateful_layer() -> Callable[[Any], Any]:
    calls: list[int] = []

    def layer(x: Any) -> Any:
        calls.append(1)
        return x * len(calls)

    return layer


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (random_layer, "it is random"),
        (stateful_layer(), "it keeps state"),
        (lambda x: 1 / 0, "it raised ZeroDivisionError: division by zero"),
        (lambda x: (x, x), "returned: tuple"),
        (lambda x: x > 0, "returned: ndarray of dtype bool"),
        (lambda x: x * np.nan, "NaN or infinity"),
        (lambda x: x[0], "output of shape"),
        (lambda x: x.sum(axis=(1, 2, 3)), "output of shape"),
        (dict, "layer=builtins.dict"),
        (3, "layer=int"),
    ],
)
def test_layers_that_cannot_be_judged_are_named(layer: Any, said: str) -> None:
    with pytest.raises(SpecificationError, match=said) as caught:
        assert_equivariant(layer)
    assert "\n" not in str(caught.value)
