"""A question to a process of its own, so that the lab loads nothing of what it takes to answer it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TypeVar

import msgspec

from kflab import paths
from kflab.errors import KflabError

T = TypeVar("T", bound=msgspec.Struct)


async def ask(
    module: str, question: msgspec.Struct, answer: type[T], *, doing: str, log: str, patience: float
) -> T:
    """The answer of a module of kflab that reads one JSON message and writes one; cancelled, it is ended.

    Args:
        module: what `python -m` runs.
        question: the message.
        answer: what it answers with.
        doing: what it does, as an error begins: `predicting`.
        log: the file among the logs that takes what it prints.
        patience: the seconds it may take.

    Raises:
        KflabError: it took longer, or ended without an answer.
    """
    log_path = paths.state_dir() / log
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stream,
            # Keys typed at the terminal are for the lab.
            start_new_session=True,
        )
        try:
            told, _ = await asyncio.wait_for(process.communicate(msgspec.json.encode(question)), patience)
        except TimeoutError:
            raise KflabError(f"{doing} took more than {patience:g} seconds") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    try:
        return msgspec.json.decode(told, type=answer)
    except msgspec.DecodeError:
        raise KflabError(f"{doing} failed; {log_path} says why") from None
