"""equinorm: which normalization layer may a translation-equivariant network use, and why.

The verbs of the command line, as functions. Importing this package loads nothing else: a name is imported when it is
first used, and only what it needs comes with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from equinorm.rooms import check_rooms

if TYPE_CHECKING:
    from equinorm.auditing import audit
    from equinorm.checking import check
    from equinorm.counting import census
    from equinorm.deciding import decide
    from equinorm.deriving import derive
    from equinorm.hunting import hunt
    from equinorm.identifying import identify
    from equinorm.measuring import measure
    from equinorm.measuring_maps import measure_maps
    from equinorm.plotting import plot
    from equinorm.replaying import replay
    from equinorm.report.writing import paper
    from equinorm.translation_laws import self_test
    from theory.spec.errors import SpecificationError

__version__ = "0.1.0"
__all__ = [
    "SpecificationError",
    "__version__",
    "audit",
    "census",
    "check",
    "decide",
    "derive",
    "hunt",
    "identify",
    "measure",
    "measure_maps",
    "paper",
    "plot",
    "replay",
    "self_test",
]

check_rooms()

# Where a name is defined. A module of this package must not bear a verb's name: importing it would hide the verb.
_HOME = {
    "SpecificationError": "theory.spec.errors",
    "audit": "equinorm.auditing",
    "census": "equinorm.counting",
    "check": "equinorm.checking",
    "decide": "equinorm.deciding",
    "derive": "equinorm.deriving",
    "hunt": "equinorm.hunting",
    "identify": "equinorm.identifying",
    "measure": "equinorm.measuring",
    "measure_maps": "equinorm.measuring_maps",
    "paper": "equinorm.report.writing",
    "plot": "equinorm.plotting",
    "replay": "equinorm.replaying",
    "self_test": "equinorm.translation_laws",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
