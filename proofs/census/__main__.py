"""``python -m proofs.census DIR``: keep the manifest and the paper's certificates of the census in a folder.

``equinorm census --out DIR`` writes that folder. The files of this package are replaced; see :mod:`.evidence`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from proofs.census.evidence import keep
from theory.spec.errors import SpecificationError


def main(arguments: list[str]) -> int:
    """Keep the census of the folder that is named; return the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m proofs.census DIR\n")
        return 2
    try:
        written = keep(Path(arguments[0]))
    except SpecificationError as error:
        sys.stderr.write(f"proofs.census: error: {error}\n")
        return 2
    sys.stdout.write("".join(f"{path}: {path.stat().st_size} bytes\n" for path in written))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
