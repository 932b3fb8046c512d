"""`python -m kflab.train RUN_DIR` trains the experiment in a run folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kflab.errors import KflabError
from kflab.runs.queue_keeper import try_to_keep
from kflab.train.supervise import supervise

WAIT = "--wait"
"""Has a trainer wait for the folder, as in `kflab.train.waiting`, instead of being told it."""


def main(arguments: Sequence[str]) -> int:
    """Trains; what it returns is the exit code of the process.

    0: done or stopped on request. 1: the run failed. 2: there is nothing that could be trained.
    """
    if len(arguments) != 1 or (arguments[0].startswith("-") and arguments[0] != WAIT):
        sys.stderr.write("usage: python -m kflab.train RUN_DIR\n")
        return 2
    os.umask(0o077)
    try:
        run_dir = _awaited() if arguments[0] == WAIT else Path(arguments[0]).resolve()
        return _supervise(run_dir)
    except KflabError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"error: the run folder cannot be used: {error}\n")
        return 2


def _supervise(run_dir: Path) -> int:
    try:
        return supervise(run_dir)
    finally:
        # A place on the machine becomes free.
        try_to_keep(run_dir.parent)


def _awaited() -> Path:
    from kflab.train.waiting import wait

    run_dir = wait()
    if run_dir is None:
        # Keras may be half loaded, by a thread that would hold up an orderly end.
        os._exit(0)
    return run_dir


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
