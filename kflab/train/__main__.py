"""`python -m kflab.train RUN_DIR` trains the experiment in a run folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kflab.errors import KflabError
from kflab.train.supervise import supervise


def main(arguments: Sequence[str]) -> int:
    """Trains; what it returns is the exit code of the process.

    0: done or stopped on request. 1: the run failed. 2: there is nothing that could be trained.
    """
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m kflab.train RUN_DIR\n")
        return 2
    os.umask(0o077)
    try:
        return supervise(Path(arguments[0]).resolve())
    except KflabError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"error: the run folder cannot be used: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
