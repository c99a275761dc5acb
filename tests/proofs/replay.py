"""Replay of a counterexample from its document alone, in float64 with NumPy or in long floats.

Nothing of the calculus is used: the term is read from its spelling, x and the parameters from their entries, and the
displacement is made from the definition, one matrix of Fourier phases. Every array carries an elementwise bound of what
rounding adds, by the usual first-order laws, so that "the values agree" and "the values differ" are statements about
exact numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np

from theory.spec.axes import Axis, AxisKind, Layout
from theory.spec.syntax import parse
from theory.spec.terms import Constant, Epsilon, Input, InverseRoot, Mean, Parameter, Power, Product, Sum, Term

Array = Any
Document = dict[str, Any]


@dataclass(frozen=True)
class Numbers:
    """A kind of numbers: its unit roundoff (with some room), the dtype of its arrays, and three functions."""

    unit: Any
    dtype: Any
    number: Callable[[Fraction], Any]
    sqrt: Callable[[Array], Array]
    cos_of_turns: Callable[[Fraction], Any]


_LONG = mpmath.MPContext()
_LONG.dps = 60

FLOAT64 = Numbers(2.0**-52, np.float64, float, np.sqrt, lambda turns: float(np.cos(2 * np.pi * float(turns % 1))))
LONG = Numbers(
    _LONG.mpf(10) ** -58,
    object,
    lambda value: _LONG.mpf(value.numerator) / value.denominator,
    np.frompyfunc(_LONG.sqrt, 1, 1),
    lambda turns: _LONG.cospi(2 * _LONG.mpf(turns.numerator) / turns.denominator),
)


@dataclass(frozen=True)
class Bounded:
    """Values and, entry by entry, how far they may be from the exact ones."""

    value: Array
    bound: Array


def read_layout(data: Document) -> Layout:
    """The layout, as far as evaluation needs it: the names in order."""
    return Layout(tuple(Axis(name, AxisKind.INDEX) for name in data["sizes"]))


def described(data: Document, numbers: Numbers) -> Bounded:
    """The input as its description in words says, each wave as a cosine of a rational number of turns."""
    sizes = data["sizes"]
    total = np.full(tuple(sizes.values()), numbers.number(Fraction(0)), dtype=numbers.dtype)
    bound = np.full_like(total, numbers.number(Fraction(0)))
    if data["input"] == "0":
        return Bounded(total, bound)
    for part in data["input"].split(" + "):
        match = re.fullmatch(r"(-?\d+(?:/\d+)?) \* (.*)", part)
        assert match is not None, part
        array: Array = np.full((), numbers.number(Fraction(match[1])), dtype=numbers.dtype)
        profiles = re.findall(r"\[(\w) (\w+)(?: (\d+))?\]", match[2])
        assert [name for name, _, _ in profiles] == list(sizes)
        for name, kind, argument in profiles:
            line = [_sample(kind, int(argument or 0), n, sizes[name], numbers) for n in range(sizes[name])]
            array = array[..., None] * np.array(line, dtype=numbers.dtype)
        total = total + array
        bound = bound + 16 * numbers.unit * (abs(array) + numbers.number(abs(Fraction(match[1]))))
    return Bounded(total, bound)


def _sample(kind: str, argument: int, n: int, size: int, numbers: Numbers) -> Any:
    if kind == "cosine":
        return numbers.cos_of_turns(Fraction(argument * n, size))
    if kind == "sine":
        return numbers.cos_of_turns(Fraction(argument * n, size) - Fraction(1, 4))
    hits = {"constant": range(size), "entry": (argument,), "pair": (argument % size, (argument + 1) % size)}[kind]
    return numbers.number(Fraction(int(n in hits)))


def read_array(array: Document, numbers: Numbers, exact: bool) -> Bounded:
    """An array from its entries; decimals stand for numbers within a few roundings of them."""
    values = [numbers.number(Fraction(text)) for text in array["entries"]]
    shaped = np.array(values, dtype=numbers.dtype).reshape(array["shape"])
    # A cosine computed in floats is wrong by a few units of the largest summand, not of the sum.
    far = 64 * 2.0**-52 * max((abs(float(value)) for value in values), default=0.0)
    slack = numbers.number(Fraction(0)) if exact else numbers.number(Fraction(far))
    return Bounded(shaped, numbers.unit * abs(shaped) + slack)


@cache
def phases(size: int, t: Fraction, numbers: Numbers) -> Array:
    """The matrix of the translation by t: (1/N) sum_k cos(2 pi k (n - m - t) / N), cos(pi t) at the Nyquist bin."""
    whole = t.denominator == 1
    highest = (size - 1) // 2
    entries = []
    for d in range(size):
        if whole:
            entries.append(numbers.number(Fraction(int((d - t) % size == 0))))
            continue
        entry = sum(numbers.cos_of_turns(k * (d - t) / size) for k in range(-highest, highest + 1))
        if size % 2 == 0:
            entry = entry + (-1) ** d * numbers.cos_of_turns(t / 2)
        entries.append(entry / size)
    return np.array([[entries[(n - m) % size] for m in range(size)] for n in range(size)], dtype=numbers.dtype)


def moved(x: Bounded, data: Document, numbers: Numbers) -> Bounded:
    """The array with the entries that move displaced along the axis."""
    names = list(data["sizes"])
    place, t = names.index(data["axis"]), Fraction(data["displacement"])
    matrix = phases(data["sizes"][data["axis"]], t, numbers)
    size = len(matrix)

    def along(array: Array, by: Array) -> Array:
        return np.moveaxis(np.tensordot(by, array, axes=(1, place)), 0, place)

    value = along(x.value, matrix)
    # Each entry of the matrix is wrong by a few units: it is a mean of cosines of rounded angles.
    slack = np.full_like(matrix, 64 * numbers.unit) + 2 * size * numbers.unit * abs(matrix)
    if t.denominator == 1:
        slack = np.full_like(matrix, numbers.number(Fraction(0)))
    bound = along(x.bound, abs(matrix)) + along(abs(x.value), slack)
    if data["moves"] == "all":
        return Bounded(value, bound)
    match = re.fullmatch(r"(\w)=0 only", data["moves"])
    assert match is not None, data["moves"]
    first = [slice(None)] * len(names)
    first[names.index(match[1])] = slice(0, 1)
    result, slackness = x.value.copy(), x.bound.copy()
    result[tuple(first)], slackness[tuple(first)] = value[tuple(first)], bound[tuple(first)]
    return Bounded(result, slackness)


def evaluated(
    term: Term, x: Bounded, parameters: Iterator[Bounded], eps: Fraction, layout: Layout, n: Numbers
) -> Bounded:
    """The value of a term with the bound of its rounding."""

    def full(value: Fraction) -> Bounded:
        array = np.full(x.value.shape, n.number(value), dtype=n.dtype)
        return Bounded(array, n.unit * abs(array))

    def times(a: Bounded, b: Bounded) -> Bounded:
        value = a.value * b.value
        crossed = abs(a.value) * b.bound + abs(b.value) * a.bound + a.bound * b.bound
        return Bounded(value, crossed + n.unit * (abs(value) + crossed))

    def plus(a: Bounded, b: Bounded) -> Bounded:
        value = a.value + b.value
        return Bounded(value, a.bound + b.bound + n.unit * (abs(value) + a.bound + b.bound))

    def visit(node: Term) -> Bounded:
        if isinstance(node, Input):
            return x
        if isinstance(node, Epsilon):
            return full(eps)
        if isinstance(node, Constant):
            return full(node.value)
        if isinstance(node, Parameter):
            given = next(parameters)
            shape = x.value.shape
            return Bounded(np.broadcast_to(given.value, shape), np.broadcast_to(given.bound, shape))
        parts = [visit(child) for child in node.children]
        result = parts[0]
        if isinstance(node, Sum):
            for part in parts[1:]:
                result = plus(result, part)
        elif isinstance(node, Product):
            for part in parts[1:]:
                result = times(result, part)
        elif isinstance(node, Power):
            for _ in range(node.exponent - 1):
                result = times(result, parts[0])
        elif isinstance(node, Mean):
            axes = tuple(layout.index(name) for name in sorted(node.axes))
            if axes:
                count = int(np.prod([x.value.shape[axis] for axis in axes]))
                mean = result.value.sum(axis=axes, keepdims=True) / count
                sizes = (abs(result.value) + result.bound).sum(axis=axes, keepdims=True) / count
                bound = result.bound.sum(axis=axes, keepdims=True) / count + (count + 1) * n.unit * sizes
                result = Bounded(np.broadcast_to(mean, x.value.shape), np.broadcast_to(bound, x.value.shape))
        else:
            assert isinstance(node, InverseRoot)
            low = result.value - result.bound
            assert low.min() > 0, "the root of a number that is not certainly positive"
            value = 1 / n.sqrt(result.value)
            result = Bounded(value, result.bound / (2 * low * n.sqrt(low)) + 4 * n.unit / n.sqrt(low))
        return result

    return visit(term)


@dataclass(frozen=True)
class Replay:
    """Both sides at the entry of a document, each with the bound of its rounding."""

    moved_then_layer: Any
    first_bound: Any
    layer_then_moved: Any
    second_bound: Any

    @property
    def apart(self) -> bool:
        """True if the two exact values are certainly different."""
        return bool(abs(self.moved_then_layer - self.layer_then_moved) > self.first_bound + self.second_bound)


def replay(data: Document, term: str, numbers: Numbers = FLOAT64, from_words: bool = False) -> Replay:
    """Evaluate both sides of a witness document.

    ``from_words`` builds x from its description instead of from its printed entries, which are rounded where a cosine
    is not rational.
    """
    layout = read_layout(data)
    tree = parse(term, layout)
    x = described(data, numbers) if from_words else read_array(data["x"], numbers, data["x"]["exact"])
    parameters = [read_array(array, numbers, True) for array in data["parameters"]]
    eps = Fraction(data["eps"])
    place = tuple(data["entry"][name] for name in layout.names)
    left = evaluated(tree, moved(x, data, numbers), iter(parameters), eps, layout, numbers)
    right = moved(evaluated(tree, x, iter(parameters), eps, layout, numbers), data, numbers)
    return Replay(left.value[place], left.bound[place], right.value[place], right.bound[place])


def differs(data: Document, term: str, numbers: Numbers = FLOAT64) -> bool:
    """Whether the two sides of a witness document are certainly different numbers."""
    if "x" not in data:
        return False
    return replay(data, term, numbers, from_words=numbers is LONG).apart
