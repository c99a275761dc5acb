"""The process in which a network that the command names lives, run as a script by its path.

:mod:`equinorm.networks.apart` starts it and asks. Each question is a line of JSON, the first with the images behind
it; there is one answer to each:

    {"share": ...}           progress; the next question lets the audit go on
    {"within": seconds}      what the user named is run now, and has so long; null: it has returned
    {"refused": words}       bad input, in one line
    {"done": true}           behind it the audit, as JSON

What a forked copy of this process answers is not sent.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any, BinaryIO


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer the one audit that is asked for."""
    own = os.getpid()

    def answer(found: dict[str, Any], body: bytes = b"") -> None:
        if os.getpid() != own:  # a copy that the network has made and let return
            os._exit(0)
        answers.write(json.dumps({**found, "bytes": len(body)}).encode() + b"\n" + body)
        answers.flush()

    def told(found: dict[str, Any]) -> None:
        answer(found)
        if not requests.readline():
            os._exit(0)

    message = json.loads(requests.readline())
    payload = requests.read(message["bytes"])
    found = _audited(message, payload, told)
    # An audit may be long, where a line may not.
    if "holds" in found:
        answer({"done": True}, json.dumps(found).encode())
    else:
        answer(found)


def _audited(message: dict[str, Any], payload: bytes, told: Any) -> dict[str, Any]:
    import numpy as np

    from equinorm.auditing import inspect
    from equinorm.networks.findings import told_apart
    from equinorm.networks.given import Images
    from equinorm.networks.loading import said, watched
    from theory.spec.errors import SpecificationError

    images = np.frombuffer(payload, dtype=np.float64).reshape(message["shape"]).copy()
    given = Images(images, tuple(message["names"]), message["treatment"], tuple(message["remarks"]))
    try:
        with watched(lambda seconds: told({"within": seconds})):
            found = inspect(
                given=given,
                progress=lambda state: told({"share": state.share, "state": asdict(state)}),
                **message["options"],
            )
        return told_apart(found)
    except SpecificationError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": f"model={message['options']['model']}: expected a network that fits into memory"}
    except BaseException as error:
        if isinstance(error, Exception):
            import traceback

            return {"fault": traceback.format_exc()}
        words = f"model={message['options']['model']}: expected a network that only computes; it raises {said(error)}"
        return {"refused": words}


def main(lifeline: str, house: str) -> None:
    """Serve; see :func:`equinorm.targets.child.main` for ``lifeline`` and the order of folders."""
    if house not in sys.path:
        sys.path.append(house)
    from equinorm.targets.child import end_with, streams

    end_with(int(lifeline))
    requests, answers = streams()
    sys.argv = [""]
    serve(requests, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
