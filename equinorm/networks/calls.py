"""The calls of a network's layers while it runs: what each got, and the layer as a function of the maps in that.

A *layer* is a module without children (parametrizations aside). Functions between layers go through no module; they
are noted by name and by the module whose code calls them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from equinorm.networks.nested import replaced, tensors

Module = Any
Tensor = Any

LOOKING = frozenset({"dim", "is_contiguous", "is_floating_point", "item", "numel", "shape", "size", "stride", "type"})
COPYING = frozenset({"clone", "contiguous", "detach", "double", "expand", "expand_as", "float", "requires_grad_", "to"})
ARRANGING = frozenset(
    {"chunk", "flatten", "movedim", "moveaxis", "permute", "reshape", "split", "squeeze", "swapaxes", "transpose"}
    | {"unbind", "unflatten", "unsafe_chunk", "unsqueeze", "view", "view_as", "__get__", "__set__"}
)
NARROWING = frozenset({"bfloat16", "float", "half", "to", "type", "type_as"})
"""Functions that may convert to a narrower dtype."""

HARMLESS = LOOKING | COPYING | ARRANGING
"""Functions that compute nothing on values: they look, copy or rearrange."""


@dataclass(frozen=True)
class Call:
    """One call of a layer: its ``name`` in the network, and the ``turn`` it is, from 0, where it is called again.

    ``args`` and ``kwargs`` hold copies of the tensors that it got, as they were before it ran.
    """

    name: str
    turn: int
    module: Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    torch: ModuleType

    @property
    def key(self) -> tuple[str, int]:
        """What tells the call from all others of a run, and finds it in another run."""
        return self.name, self.turn

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors among the arguments."""
        return tensors((self.args, self.kwargs), self.torch.is_tensor)

    def outputs(self, inputs: list[Tensor]) -> list[Tensor]:
        """What the layer gives for other tensors in place of its own: the floating ones, copied."""
        # A layer may write into what it gets.
        copies = iter([tensor.clone() for tensor in inputs])
        args, kwargs = replaced((self.args, self.kwargs), copies, self.torch.is_tensor)
        return floating(self.module(*args, **kwargs), self.torch)


def floating(value: object, torch: ModuleType) -> list[Tensor]:
    """The tensors of real floating numbers within ``value``."""
    return [tensor for tensor in tensors(value, torch.is_tensor) if tensor.is_floating_point()]


Visit = Callable[[Call, list[Tensor]], None]
"""Gets each call when it has ended, with its floating outputs; it may call the layer again, unobserved."""


@dataclass
class Observer:
    """Hooks on all layers of ``network`` that tell ``visit`` of each call, in the order in which they end.

    Where it ``listens``, ``unseen`` counts (function, module) between layers, and ``narrows`` tells whether some
    function may have converted to a narrower dtype.
    """

    network: Module
    torch: ModuleType
    visit: Visit
    listens: bool = False
    unseen: Counter[tuple[str, str]] = field(default_factory=Counter)
    narrows: bool = False
    _turns: Counter[str] = field(default_factory=Counter)
    _open: list[Call | None] = field(default_factory=list)
    _outer: list[str] = field(default_factory=list)
    _paused: bool = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The hooks are there within the block."""
        with ExitStack() as stack:
            for name, module in self.network.named_modules():
                before, after = self._around(name) if is_layer(module) else self._through(name)
                hook = module.register_forward_pre_hook(before, prepend=True, with_kwargs=True)
                stack.callback(hook.remove)
                hook = module.register_forward_hook(after, with_kwargs=True)
                stack.callback(hook.remove)
            if self.listens:  # which slows every function down
                stack.enter_context(_listener(self.torch, self._function))
            yield

    def _around(self, name: str) -> tuple[Callable[..., None], Callable[..., None]]:
        def before(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if self._paused:
                return
            if self._open:  # within another layer, to which it belongs
                self._open.append(None)
                return
            self._paused = True
            copies = iter([tensor.clone() for tensor in tensors((args, kwargs), self.torch.is_tensor)])
            args, kwargs = replaced((args, kwargs), copies, self.torch.is_tensor)
            self._paused = False
            self._open.append(Call(name, self._turns[name], module, args, kwargs, self.torch))
            self._turns[name] += 1

        def after(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
            if self._paused:
                return
            call = self._open.pop()
            if call is not None:
                self._paused = True
                try:
                    self.visit(call, floating(output, self.torch))
                finally:
                    self._paused = False

        return before, after

    def _through(self, name: str) -> tuple[Callable[..., None], Callable[..., None]]:
        def before(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not self._paused:
                self._outer.append(name)

        def after(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
            if not self._paused:
                self._outer.pop()

        return before, after

    def _function(self, name: str, result: object) -> None:
        self.narrows |= not self._paused and name in NARROWING
        if self._paused or self._open or not self._outer or name in HARMLESS:
            return
        if floating(result, self.torch):
            self.unseen[name.strip("_"), self._outer[-1]] += 1


def is_layer(module: Module) -> bool:
    """True for a module whose children, if any, only make its parameters."""
    return all(name == "parametrizations" for name, _ in module.named_children())


def _listener(torch: ModuleType, heard: Callable[[str, object], None]) -> Any:
    """A context in which ``heard`` is told the name and the result of each of PyTorch's functions.

    Functions made of others are heard as the one that was called.
    """

    class Listener(torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            # What gives nothing, as an assignment does, writes into what it got.
            heard(getattr(function, "__name__", str(function)), args if result is None else result)
            return result

    return Listener()
