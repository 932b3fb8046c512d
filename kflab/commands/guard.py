"""What is between a command and the terminal: exit codes, errors in one line, no traceback."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable

from kflab.errors import KflabError, UnusableInputError

USABLE, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
"""The exit codes."""


def guarded(command: Callable[[], int], *, as_json: bool = False) -> int:
    """Run a command; what goes wrong becomes a line on stderr and an exit code.

    Args:
        command: what is run; returns its exit code.
        as_json: print an error as JSON on stdout, too.
    """
    try:
        code = command()
        sys.stdout.flush()
        return code
    except KflabError as error:
        _tell(error, as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`kflab list layers | head`); nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USABLE
    except Exception as error:  # noqa: BLE001 - the last resort: a fault of kflab must not spill over the screen
        _tell(_fault(error), as_json=as_json)
        return FAILED


def _tell(error: KflabError, *, as_json: bool) -> None:
    if as_json:
        import json

        shown: dict[str, object] = {"error": str(error)}
        if isinstance(error, UnusableInputError):
            shown = {"error": error.message, "file": error.file, "line": error.line, "path": error.path}
        sys.stdout.write(json.dumps(shown) + "\n")
        sys.stdout.flush()
    sys.stderr.write(f"kflab: {error}\n")


def _fault(error: Exception) -> KflabError:
    """A fault of kflab itself as an error that says where its traceback was written."""
    from kflab.paths import state_dir

    where = state_dir() / "faults.log"
    text = "".join(traceback.format_exception(error))
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        with where.open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} kflab {' '.join(sys.argv[1:])}\n{text}\n")
    except OSError:
        return KflabError(f"a fault of kflab: {text}")
    return KflabError(
        f"a fault of kflab itself ({type(error).__name__}: {error}); its traceback is in {where}"
    )
