"""``python -m proofs.prove FILE…``: cross-check typing certificates with z3, a line for each.

A file ending in ``.jsonl`` holds one certificate on each line, any other file one certificate. Certificates with other
evidence are passed over. The last line is ``proved N, not proved M, passed over K``; the exit status is 1 if M > 0 or
N = 0, and 2 if a file cannot be read or z3 is not installed.
"""

import sys
from collections import Counter

from proofs.kernel.__main__ import texts
from proofs.kernel.reading import Rejected, read_json
from proofs.prove.checking import cross_check, load_z3


def outcome(text: str) -> tuple[str, str]:
    """``proved``, ``not proved`` or ``passed over``, and what there is to say about it."""
    try:
        data = read_json(text)
        evidence = data.get("evidence") if isinstance(data, dict) else None
        kind = evidence.get("kind") if isinstance(evidence, dict) else None
        if isinstance(kind, str) and kind != "typing":
            return "passed over", f"passed over: evidence of the kind {kind[:40]!r}"
        found = cross_check(data)
    except Rejected as reason:
        return "not proved", f"not proved: {' '.join(str(reason).split())[:400]}"
    except RecursionError:
        return "not proved", "not proved: nested too deeply"
    return "proved" if found.proved else "not proved", str(found)


def main(paths: list[str]) -> int:
    """Cross-check the files, report each certificate, and return the exit status."""
    counts: Counter[str] = Counter()
    try:
        load_z3()
        for path in paths:
            for place, text in texts(path):
                result, line = outcome(text)
                counts[result] += 1
                print(ascii(f"{place}: {line}")[1:-1])  # noqa: T201
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 2
    print(", ".join(f"{result} {counts[result]}" for result in ("proved", "not proved", "passed over")))  # noqa: T201
    return 0 if counts["proved"] and not counts["not proved"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
