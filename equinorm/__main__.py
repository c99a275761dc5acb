"""``python -m equinorm`` is the command ``equinorm``."""

from __future__ import annotations

import sys

from equinorm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
