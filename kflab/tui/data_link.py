"""The lab's line to whoever looks at data: a process for each question, so that no array is loaded here."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import msgspec

from kflab import paths
from kflab.catalog.looks import Asked, Look

PATIENCE = 60.0
"""Seconds after which a look that has not come counts as failed: a library may have to be loaded first."""

LOG = "data.log"
"""What the process prints goes to this file among the logs."""


async def look(asked: Asked, patience: float = PATIENCE) -> Look:
    """Looks at data; what goes wrong comes as the answer's error. Cancelled, it ends the process, too.

    Args:
        asked: what is wanted.
        patience: the seconds it may take.
    """
    log_path = paths.state_dir() / LOG
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "kflab.data",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            # Keys typed at the terminal are for the lab.
            start_new_session=True,
        )
        try:
            answer, _ = await asyncio.wait_for(process.communicate(msgspec.json.encode(asked)), patience)
        except TimeoutError:
            return Look(error=f"looking at the data took more than {patience:g} seconds")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    try:
        return msgspec.json.decode(answer, type=Look)
    except msgspec.DecodeError:
        return Look(error=f"looking at the data failed; {log_path} says why")
