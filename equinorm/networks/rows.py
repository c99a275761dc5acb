"""What was found about one call of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from equinorm.networks.defects import Defect
from equinorm.networks.describe import Description
from numerics.bounds import Judgement, judge
from theory.spec.actions import ActionKind

ROOT = "(the network)"
"""The title of a network that is a layer itself: as a module of itself it has no name."""

OUTPUT = "(output)"
"""The title of the row that compares the output of the network with that of the moved images."""


@dataclass(frozen=True)
class Carried:
    """The defects that a layer's input and output carry; None where no action is induced on them.

    ``bound`` is what rounding may make of that of the input.
    """

    input: float | None = None
    output: float | None = None
    bound: float | None = None

    @property
    def difference(self) -> float | None:
        """What the layer adds: that of its output less that of its input."""
        return None if self.input is None or self.output is None else self.output - self.input


@dataclass(frozen=True)
class Row:
    """One call of a layer.

    Attributes:
        name: of the layer in the network.
        turn: 0, or how often it was called before.
        about: what the layer is.
        shapes: of its first input and output.
        verdicts: for the specification, by action: verdict and reason; empty where nothing is decided.
        own: its own defects.
        carried: the defects of its input and output.
        reason: why nothing was compared, or not all; empty where everything was.
        partly: outputs were left out for that reason, and others compared.
    """

    name: str
    turn: int
    about: Description
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    verdicts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    own: Mapping[ActionKind, Defect] = field(default_factory=dict)
    carried: Mapping[ActionKind, Carried] = field(default_factory=dict)
    reason: str = ""
    partly: bool = False

    @property
    def title(self) -> str:
        """The name, with the number of the call where there are several."""
        return (self.name or ROOT) + (f" (call {self.turn + 1})" if self.turn else "")

    def exceeds(self, kind: ActionKind) -> bool:
        """True when the own defect under ``kind`` is more than rounding."""
        return kind in self.own and self.own[kind].judgement is Judgement.ABOVE

    def receives(self, kind: ActionKind) -> bool:
        """True when the defect that the input carries under ``kind`` is more than rounding."""
        through = self.carried.get(kind)
        if through is None or through.input is None or through.bound is None:
            return False
        return judge(through.input, through.bound) is Judgement.ABOVE
