"""The axioms, as their instances on the subterms of one term, where the statement allows them.

A formula is plain data: ("=>", p, q), ("and", …), ("or", …), ("=", a, b) of arrays or of whole numbers, ("<", i, j),
("<=", i, j), ("alternating", a). Whole numbers are ("band", a), ("samples",), ("steps",), ("whole", n), ("plus", …) and
("times", i, j). The number of samples is first + step * steps.

On N = 2 samples an array is "alternating" if it is (a, -a) along the axis; products of two of them are constant.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from proofs.kernel.progressions import Progression
from proofs.kernel.statements import Axis, Statement
from proofs.kernel.terms import Term
from proofs.prove import arrays
from proofs.prove.arrays import is_cancelled, is_centered, moved, subterms

Formula = tuple[Any, ...]
Instance = tuple[str, Formula]

SAMPLES: Formula = ("samples",)


@dataclass(frozen=True)
class Motion:
    """A statement, and the axis that moves."""

    statement: Statement
    moving: Axis

    @property
    def separate(self) -> set[str]:
        """The axes whose entries move apart."""
        return {axis.name for axis in self.statement.axes if axis.separate}


def whole(value: Progression) -> Formula:
    """A number that grows with the size of the moving axis."""
    return ("plus", ("whole", value.first), ("times", ("whole", value.step), ("steps",)))


def constant(term: Term) -> Formula:
    """The array is constant along the moving axis."""
    return ("=", band(term), ("whole", 0))


def band(term: Term) -> Formula:
    """The largest frequency of an array along the moving axis."""
    return ("band", term)


def _same(left: Term, right: Term) -> Formula:
    return ("=", left, right)


def _total(terms: tuple[Term, ...]) -> Formula:
    return ("plus", *map(band, terms))


def _moved_parts(term: Term) -> Term:
    """A sum or a product of the T of its parts."""
    return (term[0], *(("T", part) for part in term[1:]))


def samples(motion: Motion) -> Iterator[Instance]:
    """What the statement says of N and of x."""
    yield "samples", ("and", ("=", SAMPLES, whole(motion.moving.size)), ("<=", ("whole", 0), ("steps",)))
    domain, x = motion.statement.domain, ("x",)
    if domain == "nyquist-free":
        yield "domain", ("<", ("times", ("whole", 2), band(x)), SAMPLES)
    elif domain != "all":
        yield "domain", ("<=", band(x), ("whole", domain))


def any_array(term: Term, motion: Motion) -> Iterator[Instance]:
    """What holds of every array a."""
    yield "band", ("<=", ("whole", 0), band(term))
    yield "band", ("<=", ("times", ("whole", 2), band(term)), SAMPLES)
    yield "constant", ("=>", constant(term), _same(("T", term), term))


def leaf(term: Term, motion: Motion) -> Iterator[Instance]:
    """Numbers and epsilon are constant along every axis, a parameter along those that it does not vary over."""
    known = motion.statement.parameters
    if term[0] in ("number", "eps") or (term[0] == "par" and motion.moving.name not in known[term[1]]):
        yield "constant", constant(term)


def total(term: Term, motion: Motion) -> Iterator[Instance]:
    """T is linear; a sum has no frequency that its parts have not, and none at all if they cancel."""
    if is_cancelled(term):
        zero = ("number", Fraction(0))
        yield "cancelled", _same(term, zero)
        yield "cancelled", _same(moved(term), zero)
        yield from instances(zero, motion)
    yield "linear", _same(("T", term), _moved_parts(term))
    yield "band", ("or", *(("<=", band(term), band(part)) for part in term[1:]))


def product(term: Term, motion: Motion) -> Iterator[Instance]:
    """T passes what is constant, permutes samples if it is a shift, and knows low frequencies from their samples."""
    factors = term[1:]
    yield "band", ("<=", band(term), _total(factors))
    commutes = _same(("T", term), _moved_parts(term))
    if motion.statement.shifts:
        yield "permutation", commutes
        return
    for place in dict.fromkeys(map(factors.index, factors)):
        others = (*factors[:place], *factors[place + 1 :])
        yield "linear", ("=>", ("and", *map(constant, others)), commutes)
    yield "low frequencies", ("=>", ("<", ("times", ("whole", 2), _total(factors)), SAMPLES), commutes)


def root(term: Term, motion: Motion) -> Iterator[Instance]:
    """A function of each sample, of what is constant and of what is permuted."""
    yield "constant", ("=>", constant(term[1]), constant(term))
    if motion.statement.shifts:
        yield "permutation", _same(("T", term), ("rsqrt", ("T", term[1])))


def mean(term: Term, motion: Motion) -> Iterator[Instance]:
    """Means of what moves, of its products, and over entries that move alike; a mean of a sum is taken part by part."""
    _, inner, axes = term
    if inner[0] == "sum":
        parts = [arrays.mean(part, axes) for part in inner[1:]]
        yield "mean of a sum", _same(term, ("sum", *parts))
        yield "mean of a sum", _same(moved(term), ("sum", *map(moved, parts)))
        for part in parts:
            yield from instances(part, motion)
    if motion.moving.name not in axes:
        yield "band", ("<=", band(term), band(inner))
        if not set(axes) & motion.separate:
            yield "entries alike", _same(("T", term), ("mean", ("T", inner), axes))
        return
    yield "constant", constant(term)
    yield "mean", _same(("mean", ("T", inner), axes), term)
    if inner[0] == "product":
        low = ("<", _total(inner[1:]), SAMPLES)
        yield "energy", ("=>", low, _same(("mean", _moved_parts(inner), axes), term))


_AXIOMS: dict[str, Callable[[Term, Motion], Iterator[Instance]]] = {
    "sum": total,
    "product": product,
    "rsqrt": root,
    "mean": mean,
}


def instances(term: Term, motion: Motion) -> Iterator[Instance]:
    """All instances on the subterms of a term."""
    for part in subterms(term):
        yield from any_array(part, motion)
        yield from _AXIOMS.get(part[0], leaf)(part, motion)
    if motion.moving.size == Progression(2):
        yield from _two_samples(term, motion)


def _two_samples(term: Term, motion: Motion) -> Iterator[Instance]:
    """What is centred along two samples alternates, and so on upwards."""
    found = set[Term]()
    for part in subterms(term):
        operands = [child for child in part[1:] if isinstance(child, tuple)]
        own, rest = [a for a in operands if a in found], [a for a in operands if a not in found]
        known = ("and", *(("alternating", a) for a in own))
        if is_centered(part, motion.moving.name):
            found.add(part)
            yield "two samples", ("alternating", part)
        elif own and part[0] == "product":
            odd = len(own) % 2 == 1
            found |= {part} if odd else set()
            conclusion = ("alternating", part) if odd else constant(part)
            yield "two samples", ("=>", ("and", known, *map(constant, rest)), conclusion)
        elif own and not rest and (part[0] == "sum" or (part[0] == "mean" and motion.moving.name not in part[2])):
            found.add(part)
            yield "two samples", ("=>", known, ("alternating", part))
