"""How the assertion fails: the layer is not equivariant, or numbers cannot tell."""

from __future__ import annotations

from numerics.equivariance import Measurement
from numerics.minimal import Example


class NotEquivariant(AssertionError):
    """Both sides differ by more than rounding explains.

    Attributes:
        measurement: errors and bounds of the array that showed it.
        example: an array and displacements, made as simple as could be, that show it too.
    """

    def __init__(self, message: str, measurement: Measurement, example: Example) -> None:
        super().__init__(message)
        self.measurement, self.example = measurement, example


class Undecided(AssertionError):
    """Both sides agree within rounding, but rounding is so large that a violation could hide in it.

    Attributes:
        measurement: errors and bounds.
    """

    def __init__(self, message: str, measurement: Measurement) -> None:
        super().__init__(message)
        self.measurement = measurement
