"""The signals that end a lab from outside: what is not saved is kept."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kflab.tui.app import Lab


def catch_signals(lab: Lab) -> None:
    """Has a lab keep what is not saved when its terminal is closed or somebody ends it."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, _end_by, lab, number)


def _end_by(lab: Lab, number: signal.Signals) -> None:
    lab.keep_now()
    if number is signal.SIGTERM:
        lab.exit(return_code=128 + number)
        return
    # The terminal is gone, and writing to it would fail: nothing is left to tidy up.
    asyncio.get_running_loop().remove_signal_handler(number)
    os.kill(os.getpid(), number)
