"""The lab's line to whoever predicts: a process for each question, so that no Keras is loaded here."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import msgspec

from kflab import paths
from kflab.predict.asking import LOG, Asked, known
from kflab.predict.results import Answer

PATIENCE = 600.0
"""Seconds after which predictions that have not come count as failed."""


async def predict(asked: Asked, patience: float = PATIENCE) -> Answer:
    """Predicts, or finds what was predicted before; what goes wrong comes as the answer's error.

    Cancelled, it ends the process, too.

    Args:
        asked: what is wanted.
        patience: the seconds it may take.

    Raises:
        UnusableInputError: the run has no model yet, or there is no such file.
    """
    if (kept := await asyncio.to_thread(known, asked)) is not None:
        return Answer(kept)
    log_path = paths.state_dir() / LOG
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "kflab.predict",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            # Keys typed at the terminal are for the lab.
            start_new_session=True,
        )
        try:
            answer, _ = await asyncio.wait_for(process.communicate(msgspec.json.encode(asked)), patience)
        except TimeoutError:
            return Answer(error=f"predicting took more than {patience:g} seconds")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    try:
        return msgspec.json.decode(answer, type=Answer)
    except msgspec.DecodeError:
        return Answer(error=f"predicting failed; {log_path} says why")
