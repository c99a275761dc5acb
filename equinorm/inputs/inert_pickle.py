"""Reading the pickles of torch.save without running anything.

A pickle is a program for a stack machine whose instructions can import and call any function. This machine knows the
instructions that tensors, numbers, strings, tuples, lists and dictionaries need; it imports nothing and calls nothing.
The few functions that torch.save names are symbols here, and calling one is a case of `_reduce`. Any other name, and
any other instruction, is refused.

Reference: PEP 3154 and the module pickletools (which takes a pickle apart without executing it).
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import IO, Any

from equinorm.inputs.stored_tensors import Unreadable, printable

LARGEST_PICKLE = 4 << 20
"""Bytes of instructions that are read; those of a ResNet-18 take some 20 kB (tensor values are no part of them)."""

STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
ORDERED_DICT = "collections.OrderedDict"
PARAMETER = "torch._utils._rebuild_parameter"
TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
"""The second name is in files from before PyTorch 0.4."""
ALLOWED = frozenset({ORDERED_DICT, PARAMETER, *TENSORS, *(f"torch.{name}" for name in STORAGES)})


@dataclass(frozen=True)
class Symbol:
    """A name that the pickle wants to import; here it stays a name."""

    name: str


@dataclass(frozen=True)
class Storage:
    """A run of ``count`` numbers that is kept elsewhere in the file under ``key``."""

    dtype: str
    key: str
    count: int


@dataclass(frozen=True)
class View:
    """A tensor: a window of a storage; ``offset`` and ``strides`` count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_pickle(stream: IO[bytes], seen: list[Storage] | None = None) -> object:
    """The value that the next pickle of ``stream`` describes; the stream is left behind its last instruction.

    The value is made of None, bool, int, float, str, bytes, tuple, list, dict (only entries whose keys are strings
    are kept), `Storage`, `View` and `Symbol`. Every storage that the pickle names is appended to ``seen``.

    Raises:
        Unreadable: a name or an instruction that is not allowed, a pickle that is damaged, cut or too long.
    """
    try:
        return _run(stream, [] if seen is None else seen)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError):
        raise Unreadable("its pickle is damaged or cut") from None


def _run(stream: IO[bytes], seen: list[Storage]) -> object:
    start = stream.tell()
    stack: list[Any] = []
    below: list[list[Any]] = []
    memo: dict[int, Any] = {}
    for opcode, argument, position in pickletools.genops(stream):
        if position is not None and position - start > LARGEST_PICKLE:
            raise Unreadable(f"its pickle is longer than {LARGEST_PICKLE} bytes")
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                below.append(stack)
                stack = []
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT":
                stack.append(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "SHORT_BINSTRING" | "BINSTRING" | "BINBYTES" | "SHORT_BINBYTES":
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode.name])
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT":
                stack.append({"EMPTY_TUPLE": (), "EMPTY_LIST": [], "EMPTY_DICT": {}}[opcode.name])
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(opcode.name[-1]))]
                stack.append(tuple(reversed(items)))
            case "TUPLE":
                items, stack = stack, below.pop()
                stack.append(tuple(items))
            case "APPEND":
                item = stack.pop()
                _expect(stack[-1], list).append(item)
            case "APPENDS":
                items, stack = stack, below.pop()
                _expect(stack[-1], list).extend(items)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _update(stack[-1], [key, value])
            case "SETITEMS":
                items, stack = stack, below.pop()
                _update(stack[-1], items)
            case "BINPUT" | "LONG_BINPUT":
                memo[_expect(argument, int)] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[_expect(argument, int)])
            case "GLOBAL":
                stack.append(_symbol(*_expect(argument, str).split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_symbol(module, name))
            case "BINPERSID":
                seen.append(_storage(stack.pop()))
                stack.append(seen[-1])
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_reduce(function, arguments))
            case "BUILD":
                # An OrderedDict carries torch's version numbers as attributes; nobody here reads them.
                stack.pop()
                _expect(stack[-1], dict)
            case other:
                raise Unreadable(f"its pickle holds the instruction {other}, which plain tensors do not need")
    raise Unreadable("its pickle is damaged or cut")


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _update(target: object, items: list[Any]) -> None:
    """Put alternating keys and values into ``target``. Hashing a deep tuple may overflow C's stack: strings only."""
    entries = _expect(target, dict)
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key, str):
            entries[key] = value


def _symbol(module: object, name: object) -> Symbol:
    spelled = f"{_expect(module, str)}.{_expect(name, str)}"
    if spelled not in ALLOWED:
        raise Unreadable(f"its pickle asks for {printable(spelled)}, which is code and is not run")
    return Symbol(spelled)


def _storage(identity: object) -> Storage:
    """From torch's persistent id: ('storage', type, key, location, count) and, in the old form, a view (None)."""
    tag, kind, key, _, count, *view = _expect(identity, tuple)
    dtype = STORAGES[_expect(kind, Symbol).name.removeprefix("torch.")]
    if tag != "storage" or view not in ([], [None]) or _expect(count, int) < 0:
        raise ValueError
    return Storage(dtype, _expect(key, str), count)


def _reduce(function: object, arguments: object) -> object:
    name = _expect(function, Symbol).name
    given = _expect(arguments, tuple)
    if name == ORDERED_DICT:
        found: dict[str, Any] = {}
        for pair in given[0] if given else ():
            _update(found, list(pair))
        return found
    if name == PARAMETER:
        return _expect(given[0], View)
    if name in TENSORS:
        storage, offset, shape, strides = given[:4]
        sizes = (_expect(offset, int), *_expect(shape, tuple), *_expect(strides, tuple))
        if len(shape) != len(strides) or any(_expect(size, int) < 0 for size in sizes):
            raise ValueError
        return View(_expect(storage, Storage), offset, shape, strides)
    raise ValueError
