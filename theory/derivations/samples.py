"""Waves, their samples, and T_t, on exact numbers: the definitions from which the exact checks decide their rules.

The wave of frequency k is e^(2 pi i k x / N), and a polynomial of degree L a sum of P_k times the waves of |k| <= L.
An array holds N samples, x = n; those of a polynomial moved by t are P(n - t). T_t is what can be done to an array of
which only the samples are known: with

    X_k = (1/N) sum_n x[n] e^(-2 pi i k n / N),    -N/2 < k <= N/2,

it multiplies X_k by e^(-2 pi i k t / N), and at k = N/2 by cos(pi t): the policy `symmetric`.

"For every array" is decided at once, with an unknown in the place of each sample (or coefficient): two polynomials in
these unknowns agree for all real arrays only if they have the same coefficients.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, reduce
from operator import mul

from theory.derivations.exact import Displacement, Number, cis, real, total

Array = tuple[Number, ...]
Spelled = int | Fraction | str
"""A displacement as a condition spells it: a number, or ``integer`` or ``real`` for all those of an action."""

X = real("x")
"""Any place n - t. A polynomial there is the polynomial itself, and not its samples."""


def displacements(size: int) -> tuple[Spelled, ...]:
    """Those to look at: all of either action, whole ones, 1/2, and N/2 and N/3, which turn some waves fully."""
    numbers = {Fraction(n) for n in range(size + 1)} | {Fraction(size, d) for d in (2, 3)}
    return ("integer", "real", *sorted(numbers | {Fraction(1, 2)}))


def meant(spelled: Spelled, size: int) -> tuple[Displacement, ...]:
    """The displacements that a spelling stands for. A shift by N is none, so N of them are all shifts."""
    if isinstance(spelled, str):
        return tuple(range(size)) if spelled.startswith("integer") else (real(spelled),)
    return (spelled,)


def unknown(name: str) -> Number:
    """A number without a value: a phase, since polynomials that agree on all phases agree on all numbers."""
    return cis(real(name))


def unknowns(size: int, name: str = "y") -> Array:
    """An array without values, which stands for all arrays."""
    return tuple(unknown(f"{name}[{n}]") for n in range(size))


def wave(k: int, x: Displacement, size: int) -> Number:
    """The wave of frequency k at the place x."""
    return cis(Fraction(k, size) * x)


def told_apart(size: int) -> range:
    """The frequencies k with -N/2 < k <= N/2, one for each wave that N samples tell from the others."""
    return range(size // 2 - size + 1, size // 2 + 1)


@cache
def samples(k: int, size: int, t: Displacement = 0) -> Array:
    """The samples of the wave of frequency k moved by t."""
    return tuple(wave(k, n - t, size) for n in range(size))


def polynomial(degree: int, x: Displacement, size: int, name: str = "P") -> Number:
    """P(x) for a polynomial with unknown coefficients, which stands for all of its degree."""
    return total(unknown(f"{name}_{k}") * wave(k, x, size) for k in range(-degree, degree + 1))


@cache
def sampled(degree: int, size: int, t: Displacement = 0) -> Array:
    """The samples P(n - t) of that polynomial moved by t."""
    return tuple(polynomial(degree, n - t, size) for n in range(size))


def reached(value: Number, size: int) -> int:
    """The degree of a polynomial at :data:`X`: its largest frequency."""
    frequencies = [size * dict(turns.unknown).get("x", Fraction(0)) for turns in value.reduced().terms]
    return int(max(map(abs, frequencies), default=0))


def mean(array: Array) -> Number:
    """The mean of the samples."""
    return total(array) * Fraction(1, len(array))


def plus(*arrays: Array) -> Array:
    """The sum, sample by sample."""
    return tuple(total(values) for values in zip(*arrays, strict=True))


def times(*arrays: Array) -> Array:
    """The product, sample by sample."""
    return tuple(reduce(mul, values) for values in zip(*arrays, strict=True))


def scaled(c: Number | int | Fraction, array: Array) -> Array:
    """c times each sample."""
    return tuple(value * c for value in array)


def translated(array: Array, t: Displacement) -> Array:
    """T_t applied to an array."""
    size, half = len(array), Fraction(1, 2)
    found = {}
    for k in told_apart(size):
        phase = half * (cis(half * t) + cis(-half * t)) if 2 * k == size else wave(-k, t, size)
        found[k] = phase * mean(times(array, samples(-k, size))).reduced()
    return tuple(total(x_k * wave(k, n, size) for k, x_k in found.items()).reduced() for n in range(size))


@cache
def moved(k: int, size: int, t: Displacement) -> Array:
    """T_t applied to the samples of the wave of frequency k."""
    return translated(samples(k, size), t)
