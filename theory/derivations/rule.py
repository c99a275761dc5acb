"""What a derivation exports: a named rule, its statement in words, and two functions that know nothing of each other.

``derive`` finds the side condition for all sizes at once, with SymPy. ``exact`` decides on one small size, from the
definition and in exact arithmetic, whether the statement is true; so each can convict the other.

Symbols shared by all derivations, so that one substitution serves every condition:

    N  number of samples of the moving axis           k, j  frequencies, integers
    K  largest frequency of the input                 n     a sample, 0 <= n < N
    L  degree of a trigonometric polynomial           t, s  displacements of two entries, in samples
    P  period of a parameter along the moving axis

``t`` and ``s`` are real; the calculus puts an integer in their place where the action is the shifts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sympy import Symbol
from sympy.logic.boolalg import Boolean

N = Symbol("N", integer=True, positive=True)
K = Symbol("K", integer=True, nonnegative=True)
L = Symbol("L", integer=True, nonnegative=True)
L1 = Symbol("L_1", integer=True, nonnegative=True)
L2 = Symbol("L_2", integer=True, nonnegative=True)
P = Symbol("P", integer=True, positive=True)
k = Symbol("k", integer=True)
j = Symbol("j", integer=True)
n = Symbol("n", integer=True, nonnegative=True)
t = Symbol("t", real=True)
s = Symbol("s", real=True)


@dataclass(frozen=True)
class Case:
    """Values of a rule's symbols, by name, and whether the statement ``holds`` there by its definition.

    A displacement may be spelled as the calculus spells it: ``integer`` for all whole numbers, ``real`` for all reals.
    """

    values: Mapping[str, int | Fraction | str]
    holds: bool


@dataclass(frozen=True)
class Rule:
    """A rule of the calculus.

    ``derive`` starts from the definition and returns the side condition as a SymPy relation (or a formula of
    relations) in the symbols of this module; :func:`theory.calculus.conditions.holds` reads that very object.
    ``exact`` takes N and decides the statement at values on both sides of the condition's boundary: the condition is
    right if it holds in those cases in which the statement does, and in no others.
    """

    name: str
    statement: str
    derive: Callable[[], Boolean]
    exact: Callable[[int], Iterator[Case]]
