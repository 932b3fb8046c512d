"""How a command has Keras in its own process: on the CPU, and nothing that it prints on the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def native_output_to(log: Path, *, beside_runs: bool = True) -> Iterator[None]:
    """While it lasts, file descriptor 2 is `log`, so that not even native code writes to the terminal.

    What TensorFlow and XLA print from C++ goes there.

    Args:
        log: the file.
        beside_runs: Keras, where it is imported meanwhile, has the backend of the settings and leaves GPUs to
            those who train; otherwise whoever imports it sees to that.

    Raises:
        UnusableInputError: the backend of the settings is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if beside_runs and "keras" not in sys.modules:
        from kflab.engine import devices

        devices.prepare()
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        target = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        target = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(target, 2)
        os.close(target)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
