"""equinorm: which normalization layer may a translation-equivariant network use, and why.

The verbs of the command line, as functions. Importing this package loads nothing else: a verb is imported when it is
first used, and only what it needs comes with it.
"""

from __future__ import annotations

from equinorm.rooms import check_rooms

__version__ = "0.1.0"

check_rooms()
