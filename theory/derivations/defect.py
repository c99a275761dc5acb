"""The frequency defect: which monomials an action tolerates. This is the necessary half of the calculus.

A homogeneous term that sends waves k_1, ..., k_p to the wave k_0 is equivariant iff the phase that the displacement
puts on its inputs equals the phase it puts on its output: e^(-2 pi i t (k_1 + ... + k_p) / N) = e^(-2 pi i t k_0 / N).
With D = k_1 + ... + k_p - k_0, the quotient of the phases is e^(-2 pi i t D / N).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations_with_replacement, product

from sympy import Symbol
from sympy.logic.boolalg import Boolean

from theory.derivations.aliasing import whole_turns
from theory.derivations.exact import Displacement
from theory.derivations.rule import Case, N, Rule, t
from theory.derivations.samples import Array, displacements, meant, moved, samples, times

D = Symbol("D", integer=True)


def derive() -> Boolean:
    """The quotient of the two phases makes whole turns for the displacement t."""
    return whole_turns(t * D / N)


def exact(size: int) -> Iterator[Case]:
    """Monomials without the Nyquist wave, of as many inputs as it takes for a defect of N."""
    highest = (size - 1) // 2
    most = (size - 1) // max(highest, 1)
    for inputs, output in monomials(range(-highest, highest + 1), most):
        for spelled in displacements(size):
            allowed = all(tolerated(inputs, output, size, u) for u in meant(spelled, size))
            yield Case({"N": size, "D": sum(inputs) - output, "t": spelled}, allowed)


def monomials(frequencies: Sequence[int], most: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """The frequencies of up to so many inputs, and that of the output."""
    for count in range(most + 1):
        yield from product(combinations_with_replacement(frequencies, count), frequencies)


def tolerated(inputs: tuple[int, ...], output: int, size: int, u: Displacement) -> bool:
    """Whether y[n] = g[n] x_1[n] … x_p[n] commutes with T_u on these waves; the wave g makes y the output."""
    gain = samples(output - sum(inputs), size)
    parts = zip(gain, _product(inputs, size, u), moved(output, size, u), strict=True)
    return all(g * product == whole for g, product, whole in parts)


@cache
def _product(inputs: tuple[int, ...], size: int, u: Displacement) -> Array:
    """T_u applied to each of the waves, and multiplied."""
    return times(samples(0, size), *(moved(k, size, u) for k in inputs))


RULE = Rule(
    "defect",
    "a monomial of defect D is tolerated iff t D / N is whole; names the frequencies of a counterexample",
    derive,
    exact,
)
