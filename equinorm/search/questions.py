"""A question: this function, claimed to be equivariant under this action, on arrays of these shapes and this domain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod

from equinorm.questions import Words, read_action, read_domain, read_grids
from equinorm.search.subjects import Subject
from numerics.equivariance import Motion
from theory.spec.actions import Action, ActionKind, NyquistPolicy, Scope
from theory.spec.axes import BCHW, AxisKind
from theory.spec.claims import Claim
from theory.spec.errors import refuse
from theory.spec.grids import Domain, Grid, Size
from theory.spec.terms import X

Shape = tuple[int, ...]

MEMBERS = 2
"""Of a family so many of the smallest sizes are drawn from; what a larger one shows, repeating mostly shows already."""

DENSE = 200
"""Arrays of a family have at most so many entries, if any has: what a certificate can hold entry by entry."""

MOST_ENTRIES = 2**22


@dataclass(frozen=True)
class Question:
    """What is claimed.

    ``kind`` and ``name`` are how the subject was given: ``layer``, ``term`` or ``target``, and its spelling; ``shapes``
    are those to draw from, the smallest first; ``eps`` is ``None`` where any epsilon will do.
    """

    subject: Subject
    kind: str
    name: str
    action: Action
    domain: Domain
    policy: NyquistPolicy
    shapes: tuple[Shape, ...]
    eps: Fraction | None = None

    @property
    def places(self) -> tuple[int, ...]:
        """The positions of the moving axes in an array."""
        return tuple(place for place, axis in enumerate(BCHW) if axis.name in self.action.moving)

    @property
    def motion(self) -> Motion:
        """What is done to arrays."""
        return Motion(self.action.kind, tuple(place - len(BCHW) for place in self.places), self.policy)

    def rows(self, shape: Shape) -> int:
        """The number of displacements: one, or one for each sample."""
        return shape[0] if self.action.scope is Scope.PER_SAMPLE else 1

    def certifiable(self, shape: Shape) -> bool:
        """True where the kernel knows the action: not the one-sided policy, unless all policies agree."""
        odd_rows = shape[BCHW.index("H")] % 2 == 1
        return self.policy is not NyquistPolicy.ONE_SIDED or self.action.kind is ActionKind.SHIFT or odd_rows

    def document(self) -> dict[str, object]:
        """The claim as plain data, its words as on the command line."""
        return {
            self.kind: self.name,
            "action": self.action.kind.value,
            "scope": self.action.scope.value,
            "axes": "".join(BCHW.names[place] for place in self.places),
            "domain": str(self.domain),
            "nyquist": self.policy.value,
        }

    def text(self) -> str:
        """The claim in words."""
        arrays = {"all": "all real arrays", "nyquist-free": "Nyquist-free arrays"}
        domain = arrays.get(str(self.domain), f"arrays of band {self.domain}")
        axes = ", ".join(BCHW.names[place] for place in self.places)
        policy = f", {self.policy.value} at the Nyquist bin" if self.policy is NyquistPolicy.ONE_SIDED else ""
        return f"{self.action.kind.value}s along {axes}, {self.action.scope.value}, {domain}{policy}"


def read_question(words: Words, subject: Subject, kind: str, name: str, eps: Fraction | None) -> Question:
    """The question that ``words`` ask about ``subject``.

    Raises:
        SpecificationError: words that name nothing, a band too wide for the grid, a grid too large.
    """
    action, policy = read_action(words), NyquistPolicy.SYMMETRIC
    if words.nyquist == NyquistPolicy.ONE_SIDED.value:
        words, policy = replace(words, nyquist=policy.value), NyquistPolicy.ONE_SIDED
    domain = read_domain(words)
    grids = [grid for _, grid in read_grids(words)]
    for grid in grids:
        Claim(X, action, grid, domain)  # which refuses a band that does not fit
    shapes = _sorted([shape for grid in grids for shape in shapes_of(grid, domain)])
    if prod(shapes[-1]) > MOST_ENTRIES:
        raise refuse(f"arrays of shape {shapes[-1]}", f"at most {MOST_ENTRIES} entries", "choose smaller sizes")
    return Question(subject, kind, name, action, domain, policy, shapes, eps)


def shapes_of(grid: Grid, domain: Domain) -> tuple[Shape, ...]:
    """The shapes of a grid, or the smallest ones of a family, on which the band of the domain is narrow enough."""
    members = []
    for axis, size in zip(grid.layout, grid.sizes, strict=True):
        own = size
        if axis.kind is AxisKind.SPATIAL and domain.band is not None and not size.exact:
            least = size.least + size.step * max(0, -(-(2 * domain.band + 1 - size.least) // size.step))
            own = Size(least, size.step)
        members.append(own.members(MEMBERS))
    found = _sorted(list(product(*members)))
    return tuple(shape for shape in found if prod(shape) <= DENSE) or found[:1]


def _sorted(shapes: list[Shape]) -> tuple[Shape, ...]:
    return tuple(sorted(dict.fromkeys(shapes), key=lambda shape: (prod(shape), shape)))
