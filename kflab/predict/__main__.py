"""`python -m kflab.predict`: reads what is wanted as JSON from stdin and answers with JSON on stdout."""

from __future__ import annotations

import os
import sys

import msgspec

from kflab.predict.answering import try_answer
from kflab.predict.asking import Asked


def main() -> int:
    """Answers one question; returns the exit code."""
    os.umask(0o077)
    try:
        asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    except msgspec.DecodeError as error:
        sys.stderr.write(f"expected a question as JSON: {error}\n")
        return 2
    # What libraries print must not come between the answer and who waits for it.
    out = os.dup(1)
    os.dup2(2, 1)
    found = try_answer(asked)
    with os.fdopen(out, "wb") as stdout:
        stdout.write(msgspec.json.encode(found))
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
