"""Torch modules are left as found: parameters, buffers, gradients, modes and attributes.

A module that is tested is copied, and the copy is converted and called; what cannot be copied, and what a function
carries along, is called as it is, and put back afterwards. Torch is never imported here: where it is not loaded there
are no modules.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from theory.spec.errors import refuse

DEEPEST = 3
"""How many functions within functions are searched for modules."""


def is_module(value: Any) -> bool:
    """True for a ``torch.nn.Module``."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def modules_of(layer: Any, depth: int = DEEPEST) -> list[Any]:
    """The modules that ``layer`` is, or carries along: as the owner of a method, in a closure, as a global name."""
    if is_module(layer):
        return [layer]
    if depth == 0 or "torch" not in sys.modules:
        return []
    inner: list[Any] = []
    if isinstance(layer, partial):
        inner = [layer.func, *layer.args, *layer.keywords.values()]
    elif inspect.ismethod(layer):
        inner = [layer.__self__]
    elif inspect.isfunction(layer):
        with contextlib.suppress(ValueError, NameError):  # a cell that is still empty
            names = inspect.getclosurevars(layer)
            inner = [*names.nonlocals.values(), *filter(is_module, names.globals.values())]
    elif hasattr(layer, "__dict__") and not inspect.isclass(layer) and not inspect.ismodule(layer):
        inner = list(filter(is_module, vars(layer).values()))
    found = {id(module): module for value in inner for module in modules_of(value, depth - 1)}
    return list(found.values())


def tensors_of(module: Any) -> list[Any]:
    """All parameters and buffers, each once."""
    return list({id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}.values())


def own_dtype(module: Any) -> str:
    """The dtype of the first floating tensor of ``module``, by name; torch's default where it has none.

    Raises:
        SpecificationError: a lazy module that has not been called yet.
    """
    torch = sys.modules["torch"]
    tensors = tensors_of(module)
    if any(torch.nn.parameter.is_lazy(tensor) for tensor in tensors):
        raise refuse(f"layer={type(module).__name__}", "a module whose parameters have a shape", "call it once first")
    kinds = [tensor.dtype for tensor in tensors if tensor.dtype.is_floating_point]
    return str(kinds[0] if kinds else torch.get_default_dtype()).removeprefix("torch.")


def device_of(module: Any) -> Any:
    """Where the first parameter or buffer of ``module`` lies, or None."""
    tensors = tensors_of(module)
    return tensors[0].device if tensors else None


def copied(module: Any, dtype: str | None = None, device: Any = None) -> Any | None:
    """A copy of ``module``, converted to ``dtype`` and moved to ``device`` where given; None if it cannot be copied."""
    try:
        found = copy.deepcopy(module)
        if device is not None:
            found = found.to(device=device)
        return found if dtype is None else found.to(dtype=getattr(sys.modules["torch"], dtype))
    except Exception:  # whatever a __deepcopy__ or a conversion may raise, the module itself is still there
        return None


@contextlib.contextmanager
def as_found(modules: Iterable[Any]) -> Iterator[None]:
    """Put back, on leaving: modes, attributes, which tensors there are, their values and their gradients."""
    parts = list({id(part): part for module in modules for part in module.modules()}.values())
    saved = [
        (part, part.training, dict(vars(part)), [(found, dict(found)) for found in (part._parameters, part._buffers)])
        for part in parts
    ]
    tensors = {id(tensor): tensor for part in parts for tensor in tensors_of(part)}.values()
    values = [
        (tensor, tensor.detach().clone(), tensor.requires_grad, tensor.grad, _clone(tensor.grad)) for tensor in tensors
    ]
    try:
        yield
    finally:
        for part, training, attributes, tables in saved:
            _put_back(vars(part), attributes)
            for table, found in tables:
                _put_back(table, found)
            if part.training != training:
                part.training = training
        for tensor, value, requires_grad, gradient, of_gradient in values:
            _restore(tensor, value)
            if tensor.requires_grad != requires_grad:
                tensor.requires_grad_(requires_grad)
            tensor.grad = gradient
            if gradient is not None:
                _restore(gradient, of_gradient)


def _clone(tensor: Any) -> Any:
    return None if tensor is None else tensor.detach().clone()


def _put_back(table: dict[str, Any], found: dict[str, Any]) -> None:
    table.clear()
    table.update(found)


def _restore(tensor: Any, value: Any) -> None:
    """Copy ``value`` into ``tensor`` unless it is there: a tensor that nobody changed keeps its version."""
    torch = sys.modules["torch"]
    with torch.no_grad():
        if tensor.shape != value.shape:
            tensor.resize_(value.shape)
        if not torch.equal(tensor, value):
            tensor.copy_(value)
