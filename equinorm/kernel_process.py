"""The process that checks certificates, run as a script by its path; :mod:`equinorm.kernels` starts it and asks.

It finds the standard library and the package ``proofs``, nothing else: not the other rooms beside it, and not what is
installed. Each line of standard input is ``[path, start, length]``, a certificate by its bytes in a file (the path is
bytes, spelled as Latin-1); it is answered by one line, ``null`` or the reason to reject it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from types import ModuleType


def main(room: str) -> None:
    """Answer until standard input ends; ``room`` is the folder of ``proofs``."""
    proofs = ModuleType("proofs")
    proofs.__path__ = [room]
    sys.modules["proofs"] = proofs
    from proofs.kernel.__main__ import limited, prepare
    from proofs.kernel.reading import LARGEST_TEXT, SECONDS

    prepare()
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path, start, length in map(json.loads, sys.stdin):
        # The alarm waits for an operation on long integers to end; the system does not.
        most = int(time.process_time()) + 2 * SECONDS + 1
        resource.setrlimit(resource.RLIMIT_CPU, (min(most, hard) if hard > 0 else most, hard))
        with open(path.encode("latin-1"), "rb") as file:
            file.seek(start)
            text = file.read(min(length, 4 * LARGEST_TEXT + 1)).decode("utf-8", "replace")
        reason = limited(text)
        print(json.dumps(None if reason is None else " ".join(reason.split())[:400]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
