"""The layer as a function of NumPy arrays in float64, whatever library and precision it computes in.

Arrays are moved in float64; they are rounded to the layer's dtype once, on their way in. In which dtype:

- a module is copied, and the copy converted to float64; if that refuses, the copy as it is, in the module's own dtype;
- another function is given float64, and if it refuses, its modules' own dtype or else float32.

A layer that gives other values when it is called again is random or keeps state, and nothing can be said of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from equinorm.testing.libraries import DTYPES, Floats, Library, as_float64, find_library, roundoff
from equinorm.testing.modules import as_found, copied, device_of, is_module, modules_of, own_dtype
from equinorm.testing.surroundings import quiet_torch, random_state_kept
from numerics.arrays import namespace_of
from theory.spec.errors import SpecificationError, refuse

LONGEST_NAME = 120
REPEATED = 1e3
"""So many unit roundoffs apart are two calls that differ by more than the order in which a GPU happens to add."""


@dataclass(frozen=True)
class Way:
    """One way to call the layer: with arrays of ``library`` in ``dtype``; ``note`` says what was done to get there."""

    function: Callable[[Any], Any]
    library: Library
    dtype: str
    note: str = ""


@dataclass
class Subject:
    """A layer under test: call it with float64 NumPy arrays.

    Attributes:
        name: of the layer, in one line.
        way: how it is called.
        mode: training or evaluation mode of a module, else empty.
        refusal: why it is not called in float64, else empty.
        unit: the largest unit roundoff of the dtypes that went in and came out.
        output: the shape of what came out last.
    """

    name: str
    way: Way
    mode: str
    refusal: str = ""
    unit: float = 0.0
    output: tuple[int, ...] = ()

    def __call__(self, x: Floats) -> Floats:
        """The value at ``x``. Raises SpecificationError if the layer raises, or returns no real array."""
        given = self.way.library.array(x, self.way.dtype)
        self.unit = max(self.unit, roundoff(given))
        try:
            y = self.way.function(given)
        except Exception as error:
            expected = f"a function of {self.way.dtype} arrays of {self.way.library}, of shape {x.shape}"
            remedy = f"it raised {first_line(error)}"
            if self.way.library.name == "numpy" and "ensor" in str(error):
                remedy += '; a function of torch tensors needs like="torch"'
            raise refuse(f"layer={self.name}", expected, remedy) from error
        try:
            namespace_of(y)
        except SpecificationError:
            kind = f"{type(y).__name__} of dtype {y.dtype}" if hasattr(y, "dtype") else type(y).__name__
            raise refuse(f"layer={self.name}", "a function that returns one real array", f"returned: {kind}") from None
        self.unit = max(self.unit, roundoff(y))
        self.output = tuple(y.shape)
        return as_float64(y)

    def describe(self) -> str:
        """Where and in which precision it is computed."""
        parts = [f"{self.way.dtype} by {self.way.library}", self.way.note, self.mode]
        if self.refusal:
            parts.append(f"float64 refused: {self.refusal}")
        return ", ".join(filter(None, parts))


@contextlib.contextmanager
def open_subject(
    layer: Any, x: Floats, like: Any = None, device: Any = None, dtype: str | None = None
) -> Iterator[Subject]:
    """Find a way to call ``layer`` at ``x``; on leaving, everything is as it was found.

    Raises:
        SpecificationError: arguments that cannot be used, a layer that cannot be called, that is random, or that keeps
            state, or does not return finite numbers.
    """
    if dtype is not None and dtype not in DTYPES:
        raise refuse(f"dtype={dtype!r}", f"one of {', '.join(DTYPES)}", "by name, for every library")
    name = name_of(layer)
    if not callable(layer) or isinstance(layer, type):
        remedy = "make one of its class first" if isinstance(layer, type) else ""
        raise refuse(f"layer={name}", "a function of one array, or a torch module", remedy)
    modules = modules_of(layer)
    mode = "" if not modules else "training mode" if modules[0].training else "evaluation mode"
    with contextlib.ExitStack() as stack:
        for context in (random_state_kept(), quiet_torch(), np.errstate(all="ignore")):
            stack.enter_context(context)
        ways, in_place = _ways(layer, modules, like, device, dtype)
        stack.enter_context(as_found(in_place))
        subject, y = _first_that_works(name, mode, ways, x)
        _check_repeats(subject, x, y)
        yield subject


def _ways(layer: Any, modules: list[Any], like: Any, device: Any, dtype: str | None) -> tuple[list[Way], list[Any]]:
    """The ways to try, in turn, and the modules that are called themselves and not a copy of them."""
    if like is None:
        place = device_of(modules[0]) if modules and device is None else device
        library = find_library("torch" if modules else "numpy", place)
    else:
        library = find_library(like, device)
    if not is_module(layer):
        own = own_dtype(modules[0]) if modules else "float32"
        kinds = [dtype] if dtype is not None else list(dict.fromkeys(["float64", own]))
        return [Way(layer, library, kind) for kind in kinds], modules
    own = own_dtype(layer)
    ways = []
    for kind in [dtype] if dtype is not None else list(dict.fromkeys(["float64", own])):
        found = copied(layer, None if kind == own else kind, device)
        if found is not None:
            ways.append(Way(found, library, kind, "" if kind == own else f"on a copy of the module, which is in {own}"))
    return (ways, []) if ways else ([Way(layer, library, dtype or own, "the module cannot be copied")], [layer])


def _first_that_works(name: str, mode: str, ways: list[Way], x: Floats) -> tuple[Subject, Floats]:
    refusal = ""
    for way in ways:
        subject = Subject(name, way, mode, refusal)
        try:
            return subject, subject(x)
        except SpecificationError as error:
            if way is ways[-1]:
                raise
            refusal = first_line(error.__cause__ or error)
    raise AssertionError("there is a way")


def _check_repeats(subject: Subject, x: Floats, y: Floats) -> None:
    """Refuse a layer whose value ``y`` at ``x`` is not finite, or another when it is called again."""
    if not np.all(np.isfinite(y)):
        raise refuse(f"layer={subject.name}", "finite values for standard normal noise", "it returns NaN or infinity")
    if _same(y, subject(x), subject.unit):
        return
    with random_state_kept():
        first = subject(x)
    again, later = subject(x), subject(x)
    # Random numbers that come back bring its values back, and others do not.
    drawn = _same(first, again, subject.unit) and not _same(again, later, subject.unit)
    remedy = "it is random; dropout rests after .eval()" if drawn else "it keeps state from call to call, or is random"
    raise refuse(f"layer={subject.name}", "the same values whenever it is called", remedy)


def _same(y: Floats, other: Floats, unit: float) -> bool:
    size = float(np.linalg.norm(y))
    return y.shape == other.shape and float(np.linalg.norm(y - other)) <= REPEATED * unit * size


def name_of(layer: Any) -> str:
    """The layer in one line: what a module prints, the name of a function, the class of anything else."""
    if is_module(layer):
        text = " ".join(repr(layer).split())
    elif hasattr(layer, "__qualname__"):
        text = f"{getattr(layer, '__module__', None) or ''}.{layer.__qualname__}".lstrip(".")
    elif hasattr(layer, "func"):
        text = f"partial of {name_of(layer.func)}"
    else:
        text = type(layer).__name__
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def first_line(error: BaseException) -> str:
    """The type of an exception and the first line of what it says."""
    said = str(error).strip().splitlines()
    return type(error).__name__ + (f": {said[0][:LONGEST_NAME]}" if said else "")
