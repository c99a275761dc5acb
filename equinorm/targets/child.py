"""The process in which a target lives, run as a script by its path; :mod:`equinorm.targets.process` starts it and asks.

It needs the standard library and NumPy; torch only where the target's name begins with ``torch:``. Each message is
a line of JSON, and behind it as many bytes as its ``bytes`` says. What arrives on standard input and leaves on standard
output goes through descriptors that the target does not see: it reads an empty standard input, and what it prints
goes to standard error.

A torch module runs without gradients, in float64 if it can and in float32 otherwise. Any other callable is tried with
a NumPy array, then (if its own module has loaded torch) with a tensor, then with both in float32; the first that does
not raise is kept.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

LONGEST_LINE = 200
LARGEST_ANSWER = 2**30


class Fault(Exception):
    """What makes the target unfit: ``expected`` and ``remedy``, parts of the message to the user."""

    def __init__(self, expected: str, remedy: str) -> None:
        super().__init__(expected, remedy)
        self.expected, self.remedy = expected, remedy


def first_line(error: BaseException) -> str:
    """The type of an exception and the first line of what it says."""
    try:
        said = str(error).strip().splitlines()
    except Exception:
        said = []
    return type(error).__name__ + (f": {said[0][:LONGEST_LINE]}" if said else "")


def streams() -> tuple[BinaryIO, BinaryIO]:
    """The two private ends of the conversation; standard input is empty and standard output is standard error."""
    try:
        os.fstat(2)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return requests, answers


def end_with(lifeline: int) -> None:
    """Let the system end this process group when the other end of ``lifeline`` is closed, however that came about."""
    import fcntl

    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)  # type: ignore[attr-defined, unused-ignore]
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)


def _limit_memory(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (memory if hard < 0 else min(memory, hard), hard))


def _seed(seed: int) -> None:
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except BaseException as error:
        missing = getattr(error, "name", None)
        if isinstance(error, ModuleNotFoundError) and missing and (name == missing or name.startswith(f"{missing}.")):
            raise Fault("a module that can be imported", f"there is no module {missing}") from None
        raise Fault("a module that can be imported", f"importing {name} raises {first_line(error)}") from None


def _attribute(owner: Any, name: str, within: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        raise Fault(f"an attribute of {within}", f"{within} has no {name}") from None


def _resolve(module: str | None, path: str) -> Any:
    """What the names stand for; without ``module``, as much of ``path`` as can be is imported part by part."""
    parts = path.split(".")
    if module is None:
        module = parts.pop(0)
        found = _module(module)
        while len(parts) > 1:
            name = f"{module}.{parts[0]}"
            if not hasattr(found, parts[0]):
                _module(name)
            found, module = getattr(found, parts.pop(0)), name
    else:
        found = _module(module)
    for part in parts:
        found, module = _attribute(found, part, module), f"{module}.{part}"
    return found


def load(message: dict[str, Any]) -> Any:
    """The callable that ``message`` names."""
    found = _resolve(message["module"], message["path"])
    if message["arguments"] is None:
        if not callable(found):
            raise Fault("something callable", f"it is of type {type(found).__name__}")
        return found
    if not callable(found):
        raise Fault("a class", f"{message['path']} is of type {type(found).__name__}")
    values = [(keyword, ast.literal_eval(source)) for keyword, source in message["arguments"]]
    try:
        made = found(*(value for keyword, value in values if keyword is None), **{k: v for k, v in values if k})
    except BaseException as error:
        raise Fault(f"arguments that {message['path']} takes", f"it raises {first_line(error)}") from None
    if not isinstance(made, sys.modules["torch"].nn.Module):
        raise Fault("a torch module", f"{message['path']} makes a {type(made).__name__}")
    return made


class Runner:
    """The loaded target, and the way to give it an array, once that has been found."""

    def __init__(self, function: Any, tensors: bool = False) -> None:
        self.function, self.tensors = function, tensors
        self.way: tuple[bool, bool] | None = None
        torch = sys.modules.get("torch")
        self.torch = torch if torch is not None and hasattr(torch, "nn") else None
        self.is_module = self.torch is not None and isinstance(function, self.torch.nn.Module)

    def ways(self, x: Any) -> Iterator[tuple[bool, bool]]:
        """What to try in turn: whether to give a tensor, and whether to make it float32 first."""
        for narrow in (False, True) if x.dtype == "float64" else (False,):
            if not self.is_module and not self.tensors:
                yield False, narrow
            if self.torch is not None:
                yield True, narrow

    def call(self, way: tuple[bool, bool], x: Any) -> tuple[Any, bool]:
        """The target's value at ``x``, and whether it left ``x`` changed."""
        tensor, narrow = way
        x = x.astype("float32") if narrow else x.copy()
        kept = x.copy()
        if self.torch is None:
            return self.function(x), bool(kept.tobytes() != x.tobytes())
        if self.is_module:
            self.function.to(getattr(self.torch, str(x.dtype)))
        with self.torch.no_grad():
            y = self.function(self.torch.from_numpy(x) if tensor else x)
        return y, bool(kept.tobytes() != x.tobytes())

    def __call__(self, x: Any) -> tuple[Any, bool]:
        """As :meth:`call`, in the first way that works; raises Fault where none does."""
        said: dict[bool, BaseException] = {}
        for way in self.ways(x) if self.way is None else [self.way]:
            try:
                found = self.call(way, x)
            except BaseException as error:
                said.setdefault(way[0], error)
                continue
            self.way = way
            return found
        names = {False: "a NumPy array", True: "a torch tensor"}
        reasons = (f"on {names[tensor]} it raises {first_line(error)}" for tensor, error in said.items())
        raise _raised(", ".join(reasons), *said.values())


def _raised(said: str, *errors: BaseException) -> Fault:
    if any(isinstance(error, EOFError) for error in errors):
        said += " (nothing stands on its standard input)"
    return Fault("a function that takes an array of this shape", said)


def as_array(y: Any) -> Any:
    """A contiguous float32 or float64 NumPy array; whole numbers and wider ones become float64, narrower float32."""
    import numpy as np

    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "is_tensor") and torch.is_tensor(y):
        y = y.detach().cpu()
        y = (y.float() if y.dtype in (torch.bfloat16, torch.float16) else y.resolve_conj().resolve_neg()).numpy()
    if not isinstance(y, (np.ndarray, np.generic)) and not hasattr(y, "__array__"):
        raise Fault("a function that returns an array", f"it returns {_named(y)}")
    try:
        found = np.asarray(y)
    except Exception as error:
        raise Fault("a function that returns an array", f"what it returns raises {first_line(error)}") from None
    if found.dtype.kind == "c":
        raise Fault("a function that returns real numbers", "it returns complex ones")
    if found.dtype.kind not in "fiub":
        raise Fault("a function that returns real numbers", f"it returns an array of dtype {found.dtype}")
    if found.dtype.kind != "f" or found.dtype.itemsize > 8:
        found = found.astype(np.float64)
    elif found.dtype.itemsize < 4:
        found = found.astype(np.float32)
    if found.nbytes > LARGEST_ANSWER:
        raise Fault("a function that keeps the shape", f"it returns an array of shape {found.shape}")
    return found.astype(found.dtype.newbyteorder("="), copy=False)


def _named(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the requests end: prepare, load, and then calls."""
    import numpy as np

    runner: Runner | None = None
    own = os.getpid()
    while line := requests.readline():
        message = json.loads(line)
        payload = requests.read(message.get("bytes", 0))
        answer: dict[str, Any] = {}
        found = b""
        try:
            if message["do"] == "prepare":
                if message["torch"]:
                    _module("torch")
                _limit_memory(message["memory"])
                _seed(message["seed"])
            elif message["do"] == "load":
                runner = Runner(load(message), message["tensors"])
                _seed(message["call_seed"])
            elif runner is not None:
                x = np.frombuffer(payload, dtype=message["dtype"]).reshape(message["shape"]).copy()
                y, modified = runner(x)
                y = as_array(y)
                found = y.tobytes()
                answer = {"shape": y.shape, "dtype": str(y.dtype), "modified": modified, "bytes": len(found)}
        except Fault as fault:
            answer = {"expected": fault.expected, "remedy": fault.remedy}
        if os.getpid() != own:  # a copy of this process that the target has made and let return
            os._exit(0)
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        answers.write(json.dumps(answer).encode() + b"\n" + found)
        answers.flush()


def main(lifeline: str, house: str) -> None:
    """Serve; ``lifeline`` is a descriptor that stays open while the asking process lives.

    As with ``python -m`` the current folder comes first where modules are looked for. The folder ``house``, where
    equinorm lies, comes last.
    """
    end_with(int(lifeline))
    requests, answers = streams()
    sys.path.insert(0, os.getcwd())
    if house not in sys.path:
        sys.path.append(house)
    sys.argv = [""]
    serve(requests, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
