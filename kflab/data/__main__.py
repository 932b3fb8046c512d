"""`python -m kflab.data`: one question about data on stdin, one answer on stdout, both JSON; then it ends."""

from __future__ import annotations

import os
import sys

import msgspec

from kflab.catalog.looks import Asked, Look


def main() -> int:
    """Answer the question on stdin; the exit status."""
    # Whatever libraries print goes to stderr: stdout is kept for the answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A look at data must not take a device from a run.
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    except msgspec.DecodeError as error:
        found = Look(error=f"not a question about data: {error}")
    else:
        from kflab.data.looking import look

        found = look(asked)
    answers.write(msgspec.json.encode(found) + b"\n")
    answers.flush()
    return 1 if found.error else 0


if __name__ == "__main__":
    sys.exit(main())
