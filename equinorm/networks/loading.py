"""The network that a user names, and its weights.

``module:factory`` names a callable that takes nothing and returns a ``torch.nn.Module``, or such a module itself. It is
imported in the process that audits (the command starts one for it), with the current folder first on the path, and
nothing else is: no code comes from a file of weights, which :mod:`equinorm.inputs` reads without running anything.
"""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from equinorm.inputs.stored_tensors import ENCODINGS, FLOATING, StoredTensor, Unreadable, printable
from equinorm.inputs.weights import PARALLEL_PREFIX, read_tensors
from equinorm.targets.spelling import Spelling, parse_target
from theory.spec.errors import SpecificationError, refuse

Module = Any


def load_torch() -> ModuleType:
    """PyTorch. Raises SpecificationError where it cannot be imported, with the extra to install."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        remedy = "it is not installed" if error.name == "torch" else printable(error, most=200)
        expected = "PyTorch (install the extra: pip install 'equinorm[torch]')"
        raise refuse("a network", expected, remedy) from None


def checked_name(text: str) -> Spelling:
    """The parts of ``module:factory``. Raises SpecificationError for another spelling."""
    try:
        found = parse_target(text)
    except SpecificationError:
        found = None
    if found is None or found.module is None:
        given = f"model={printable(text, most=200)}"
        raise refuse(given, "module:factory, a function without arguments that returns a torch.nn.Module")
    return found


def load_model(text: str, torch: ModuleType, timeout: float) -> Module:
    """The module that ``text``, ``module:factory``, names.

    Raises:
        SpecificationError: another spelling; what cannot be imported, raises, does not end within ``timeout`` seconds,
            or gives no module.
    """
    given = f"model={printable(text, most=200)}"
    spelling = checked_name(text)
    with _here_importable(), limited(timeout, given):
        try:
            found: Any = importlib.import_module(str(spelling.module))
        except (Exception, SystemExit) as error:
            raise refuse(given, f"a module {spelling.module} that can be imported", said(error)) from None
        for part in spelling.path.split("."):
            if not hasattr(found, part):
                raise refuse(given, f"{part} in {printable(getattr(found, '__name__', found))}", "there is none")
            found = getattr(found, part)
        if not isinstance(found, torch.nn.Module):
            found = _called(found, given)
    if not isinstance(found, torch.nn.Module):
        raise refuse(given, "a torch.nn.Module", f"it gives {type(found).__name__}")
    return found


def _called(factory: Any, given: str) -> Any:
    if not callable(factory):
        raise refuse(given, "a factory, or a torch.nn.Module", f"it is {type(factory).__name__}")
    try:
        return factory()
    except (Exception, SystemExit) as error:
        raise refuse(given, "a factory that can be called without arguments", said(error)) from None


def uncompiled(module: Module) -> Module:
    """``module`` without ``torch.compile``, which computes the same where no hook sees it; its parts are replaced."""
    inner = getattr(module, "_orig_mod", None)
    if inner is not None and type(module).__name__ == "OptimizedModule":
        return uncompiled(inner)
    if getattr(module, "_compiled_call_impl", None) is not None:
        module._compiled_call_impl = None
    for name, child in list(module.named_children()):
        setattr(module, name, uncompiled(child))
    return module


def check_modules(network: Module, given: str, torch: ModuleType) -> None:
    """That ``network`` can be looked at: its modules take hooks, and its tensors hold numbers.

    Raises:
        SpecificationError: a part is compiled to TorchScript, or a tensor is on the device ``meta``.
    """
    for name, part in network.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            where = f"{name} is" if name else "it is"
            remedy = f"{where} TorchScript, of which no layer can be seen; give the network as it is before torch.jit"
            raise refuse(given, "a network of Python modules", remedy)
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if tensor.is_meta:
            remedy = f"{name} is on the device meta, without any; make the network on the CPU"
            raise refuse(given, "weights with numbers", remedy)


def said(error: BaseException) -> str:
    """The type of an exception and what it says, on one line.

    >>> said(ValueError("no such thing"))
    'ValueError: no such thing'
    """
    words = " ".join(str(error).split())
    return printable(f"{type(error).__name__}: {words}" if words else type(error).__name__, most=200)


@contextmanager
def _here_importable() -> Iterator[None]:
    """The current folder first on the path, as ``python -m`` has it."""
    before = list(sys.path)
    sys.path.insert(0, "")
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def limited(seconds: float, given: str) -> Iterator[None]:
    """Stop the block after ``seconds``; where signals cannot do that (another thread, Windows), there is no limit.

    Raises:
        SpecificationError: the block did not end in time.
    """
    heard = _WATCH.get()
    if heard is not None:
        heard(seconds)
    try:
        with _alarmed(seconds, given):
            yield
    finally:
        if heard is not None:
            heard(None)


@contextmanager
def watched(heard: Callable[[float | None], None]) -> Iterator[None]:
    """Within the block ``heard`` is told the seconds whenever the user's code is about to run, and None afterwards."""
    token = _WATCH.set(heard)
    try:
        yield
    finally:
        _WATCH.reset(token)


_WATCH: ContextVar[Callable[[float | None], None] | None] = ContextVar("watch", default=None)


@contextmanager
def _alarmed(seconds: float, given: str) -> Iterator[None]:
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _TimeOut

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _TimeOut:
        raise refuse(given, f"an answer within {seconds:g} seconds", "give it more by --timeout") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


class _TimeOut(BaseException):
    """Not an Exception, so that a network that catches those does not catch this."""


def load_state(module: Module, path: str | Path, torch: ModuleType) -> str:
    """Put the tensors of the file at ``path`` into ``module`` and return the file's digest.

    Raises:
        SpecificationError: a file that :func:`equinorm.inputs.weights.read_tensors` refuses; a tensor that the module
            has and the file lacks, or the other way round; one of another shape or with numbers that are not finite.
    """
    given = f"weights={printable(path)}"
    stored, digest = read_tensors(path)
    wanted = module.state_dict()
    if not set(stored) & set(wanted):
        stored = {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in stored.items()}
    for names, word in (
        ([n for n in wanted if n not in stored], "missing"),
        ([n for n in stored if n not in wanted], "not of this network"),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise refuse(given, "a state dict of this network", f"{printable(names[0])} is {word}{more}")
    with torch.no_grad():
        for name, own in wanted.items():
            own.copy_(_values(name, stored[name], own, given, torch))
    return digest


def _values(name: str, tensor: StoredTensor, own: Any, given: str, torch: ModuleType) -> Any:
    import numpy as np

    if tuple(tensor.shape) != tuple(own.shape):
        expected = f"{printable(name)} of shape {tuple(own.shape)}"
        raise refuse(given, expected, f"it has shape {printable(tensor.shape)}")
    try:
        if tensor.dtype in FLOATING:
            values = tensor.values()
        elif tensor.dtype in ENCODINGS:
            values = np.frombuffer(tensor.fetch(), tensor.order + ENCODINGS[tensor.dtype]).reshape(tensor.shape)
        else:
            raise Unreadable(f"has dtype {printable(tensor.dtype)}")
    except (Unreadable, ValueError) as error:
        raise refuse(given, "a state dict of this network", f"{printable(name)} {printable(error)}") from None
    if not np.all(np.isfinite(values)):
        raise refuse(given, f"finite numbers in {printable(name)}")
    return torch.from_numpy(np.array(values.astype(values.dtype.newbyteorder("="))))
