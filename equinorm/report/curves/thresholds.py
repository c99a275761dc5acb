"""The predicted threshold: the largest band on which `decide` says equivariant, asked and never typed in.

The arrays of band K are among those of band K + 1, so the verdicts change at most once and are found by bisection. The
band after the widest stands for all arrays of the domain, where the grid has any beyond: on even axes the bin N/2.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass, replace
from functools import cache

from equinorm.deciding import decide
from equinorm.questions import Words

EQUIVARIANT, NOT_EQUIVARIANT = "equivariant", "not_equivariant"


@dataclass(frozen=True)
class Threshold:
    """What is decided of the bands 0 to ``last``.

    ``proved`` is the largest one on which the subject is equivariant, ``refuted`` the smallest one on which it is not;
    None where there is none. ``whole``: the last one stands for all arrays.
    """

    proved: int | None
    refuted: int | None
    last: int
    whole: bool

    @property
    def line(self) -> float:
        """Where the line stands: half a band above the largest equivariant one, or below all."""
        return (-1 if self.proved is None else self.proved) + 0.5

    @property
    def settled(self) -> bool:
        """True if no band between both is left unknown."""
        return (self.last + 1 if self.refuted is None else self.refuted) == self.line + 0.5

    def spelled(self, band: int) -> str:
        """``all`` for the last one, where it stands for all arrays.

        >>> Threshold(2, 3, 4, True).spelled(4), Threshold(2, 3, 4, True).spelled(2)
        ('all', '2')
        """
        return "all" if self.whole and band == self.last else str(band)

    @property
    def said(self) -> str:
        """The prediction in words."""
        if self.proved is None:
            return "no band" if self.settled else "no band certain"
        if self.proved == self.last:
            return "all arrays" if self.whole else "every band"
        return f"up to {self.spelled(self.proved)}"


def bands_of(height: int, width: int) -> tuple[int, bool]:
    """The last band on a grid, and whether it stands for all arrays beyond the widest.

    >>> bands_of(7, 7), bands_of(8, 8), bands_of(5, 9)
    ((3, False), (4, True), (3, True))
    """
    widest = (min(height, width) - 1) // 2
    whole = max(height, width) // 2 > widest
    return widest + whole, whole


def threshold(words: Words, height: int, width: int) -> Threshold:
    """Decide on which bands of a grid the subject of ``words``, whose domain is not looked at, is equivariant.

    Raises:
        SpecificationError: words that name no question.
    """
    last, whole = bands_of(height, width)

    @cache
    def verdict(band: int) -> str:
        domain = "all" if whole and band == last else str(band)
        given = asdict(replace(words, domain=domain))
        return decide(given.pop("layer"), **given).verdict

    bands = range(last + 1)
    proved = bisect_left(bands, True, key=lambda band: verdict(band) != EQUIVARIANT) - 1
    refuted = bisect_left(bands, True, key=lambda band: verdict(band) == NOT_EQUIVARIANT)
    return Threshold(proved if proved >= 0 else None, refuted if refuted <= last else None, last, whole)
