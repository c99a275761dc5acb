"""``identify`` on modules of torch, wrapped in plain functions or made from literals: only their values count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from equinorm.identifying import identify

torch = pytest.importorskip("torch", reason="torch, of the extra 'torch', is missing")

Array = np.ndarray[Any, Any]


def plain(module: Any, order: tuple[int, ...] = (0, 1, 2, 3)) -> Callable[[Array], Array]:
    """A plain function of one array; ``order`` puts the axes where the module looks for them."""
    back = tuple(int(place) for place in np.argsort(order))

    def function(x: Array) -> Array:
        with torch.no_grad():
            y = module(torch.from_numpy(np.ascontiguousarray(x.transpose(order))))
        return np.ascontiguousarray(y.numpy().transpose(back))

    return function


def trained(module: Any) -> Any:
    """Parameters and running statistics that are not those it starts with."""
    generator = torch.Generator().manual_seed(3)
    module = module.double()
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.dtype == torch.float64:
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
            assert name
    return module


@pytest.mark.parametrize(
    ("module", "order", "layer"),
    [
        (lambda: torch.nn.BatchNorm2d(4), (0, 1, 2, 3), "norm[center=BHW, scale=BHW, affine=C]"),
        (lambda: torch.nn.BatchNorm2d(4).eval(), (0, 1, 2, 3), "norm[affine=C]"),
        (lambda: torch.nn.InstanceNorm2d(4), (0, 1, 2, 3), "norm[center=HW, scale=HW]"),
        (lambda: torch.nn.GroupNorm(1, 4, eps=1e-3), (0, 1, 2, 3), "norm[center=CHW, scale=CHW, affine=C, eps=1/1000]"),
        (lambda: torch.nn.LayerNorm((4, 5, 7)), (0, 1, 2, 3), "norm[center=CHW, scale=CHW, affine=CHW]"),
        (lambda: torch.nn.LayerNorm(4, eps=1e-6), (0, 2, 3, 1), "norm[center=C, scale=C, affine=C, eps=1/1000000]"),
        (lambda: torch.nn.RMSNorm(7, eps=1e-6), (0, 1, 2, 3), "norm[scale=W, affine=W, eps=1/1000000]"),
        (lambda: torch.nn.Identity(), (0, 1, 2, 3), "norm[]"),
    ],
)
def test_layers_of_torch(module: Callable[[], Any], order: tuple[int, ...], layer: str) -> None:
    found = identify(plain(trained(module()), order))
    assert found.identified, found.found.misfit
    assert found.layer == layer


def test_groups_are_not_given_a_false_name() -> None:
    found = identify(plain(trained(torch.nn.GroupNorm(2, 4))))
    assert not found.identified
    assert found.layer is None
    assert any("groups or a window" in each.value for each in found.found.findings)


def test_a_module_from_literals_in_a_process_of_its_own() -> None:
    found = identify("torch:torch.nn.LayerNorm(8, eps=1e-3)", shape="2x3x5x8")
    assert found.layer == "norm[center=W, scale=W, eps=1/1000]"
