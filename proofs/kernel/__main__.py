"""``python -m proofs.kernel FILE…``: check certificates on a bare Python.

A file ending in ``.jsonl`` holds one certificate on each line, any other file one certificate. Every certificate is
checked by itself, within a limit of time and memory. The last line is ``accepted N, rejected M``; the exit status is 1
if M > 0, and 2 if a file cannot be read.
"""

import gc
import resource
import signal
import sys
from collections.abc import Iterator

from proofs.kernel.checking import verdict
from proofs.kernel.reading import LARGEST_TEXT, MEGABYTES, SECONDS, TOO_LARGE, Rejected


def prepare() -> None:
    """Limit the memory of this process and make it hear the alarm."""
    signal.signal(signal.SIGPROF, _too_long)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (min(MEGABYTES << 20, hard) if hard > 0 else MEGABYTES << 20, hard))
    gc.freeze()


def limited(text: str) -> str | None:
    """The verdict on a certificate, or that it took too long; :func:`prepare` comes first."""
    reason = _within_limits(text)
    if reason == TOO_LARGE:
        gc.collect()  # what certificates before it left behind was counted as its own
        reason = _within_limits(text)
    return reason


def _within_limits(text: str) -> str | None:
    try:
        try:
            signal.setitimer(signal.ITIMER_PROF, SECONDS, 1)
            return verdict(text)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except Rejected as reason:  # the alarm rang outside of the check itself
        return str(reason)
    except MemoryError:
        return TOO_LARGE
    except Exception as error:  # it accepts nothing, and the next one is to be checked
        return f"the kernel failed: {type(error).__name__}: {error}"


def _too_long(number: int, frame: object) -> None:
    raise Rejected(f"more than {SECONDS} seconds")


def texts(path: str) -> Iterator[tuple[str, str]]:
    """The certificates of a file, each with its place."""
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        if not path.endswith(".jsonl"):
            yield path, file.read(LARGEST_TEXT + 1)
            return
        for number, line in enumerate(iter(lambda: file.readline(LARGEST_TEXT + 1), ""), start=1):
            yield f"{path}:{number}", line


def main(paths: list[str]) -> int:
    """Check the files, report each rejection, and return the exit status."""
    prepare()
    accepted = rejected = 0
    for path in paths:
        try:
            for place, text in texts(path):
                reason = limited(text)
                accepted, rejected = accepted + (reason is None), rejected + (reason is not None)
                if reason is not None:
                    # Certificates may hold characters that the terminal has none for.
                    print(ascii(" ".join(f"{place}: rejected: {reason[:400]}".split()))[1:-1])  # noqa: T201
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)  # noqa: T201
            return 2
    print(f"accepted {accepted}, rejected {rejected}")  # noqa: T201
    return 1 if rejected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
