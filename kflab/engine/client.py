"""The lab's end of the engine's pipes: asks, restarts an engine that died, never blocks the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from kflab.engine.protocol import (
    Hello,
    Inspect,
    Inspected,
    Refused,
    Reply,
    Report,
    Request,
    Smoke,
    Smoked,
    Summarize,
    Summarized,
)
from kflab.errors import KflabError
from kflab.values import Value

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds before an engine that died is started again: at first, and at most; each time twice as long."""

PATIENCE = 60.0
"""Seconds after which a request that is not answered counts as the end of its engine."""

SMOKE_PATIENCE = 3600.0
"""The same for a smoke step, which may have to download its data first; whoever asked can end it."""

SMOKE_COMMAND = (sys.executable, "-P", "-m", "kflab.train.smoking")
"""What starts an engine for a smoke step: it uses the device that a run would use. `-P`: no import from the
folder it starts in."""

CHANCES = 2
"""How many engines a request may take down before it is answered with a failure."""

LONGEST_LINE = 256 * 2**20
"""Bytes of the longest reply."""


class State(enum.StrEnum):
    """What an engine is doing."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    CLOSED = "closed"


class Status(msgspec.Struct, frozen=True):
    """The state of the engine, for the screen.

    Attributes:
        state: what it is doing. `FAILED` says that it could not start and waits to be asked to `restart`.
        log: where native output and tracebacks go.
        reason: why it is restarting or failed, in one line.
        pause: seconds until it is started again.
        hello: what the engine is, once it is ready.
    """

    state: State
    log: Path
    reason: str = ""
    pause: float = 0.0
    hello: Hello | None = None


class EngineError(KflabError):
    """The engine could not answer; its text says why and where the log is."""


class SupersededError(KflabError):
    """A newer request of the same kind has taken this one's place."""


class _EngineEndedError(Exception):
    """The engine's process is gone, or what it says makes no sense."""


class _CannotStartError(Exception):
    """The engine said why it cannot start; starting it again would not help."""


Answer: TypeAlias = Inspected | Summarized | Smoked

_replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


class _Asked:
    """A request that waits for its answer."""

    def __init__(self, request: Request, answer: asyncio.Future[Answer]) -> None:
        self.request = request
        self.answer = answer
        self.deaths = 0


class EngineClient:
    """Asks an engine of its own, one request at a time, the newest of each kind.

    Args:
        log: the file that the engine's stderr is written to; begun anew.
        on_status: called in the event loop at every change of state.
        backend: the Keras backend; nothing given: that of the environment or the settings.
        environment: the variables that the engine gets; nothing given: those of this process.
        command: what starts an engine.
        first_pause: seconds before the first restart.
        patience: seconds to wait for an answer.
    """

    def __init__(
        self,
        log: Path,
        on_status: Callable[[Status], None] = lambda _: None,
        *,
        backend: str = "",
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "kflab.engine"),
        first_pause: float = FIRST_PAUSE,
        patience: float = PATIENCE,
    ) -> None:
        self.status = Status(State.STARTING, log)
        self._on_status = on_status
        self._command = tuple(command)
        given = os.environ if environment is None else environment
        self._environment = {**given, **({"KERAS_BACKEND": backend} if backend else {})}
        self._first_pause = first_pause
        self._patience = patience
        self._pause = 0.0
        self._last_id = 0
        # One place for each kind of request; an inspection goes first.
        self._waiting: dict[type[Request], _Asked | None] = {Inspect: None, Summarize: None, Smoke: None}
        self._wake = asyncio.Event()
        self._again = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the engine in the background; called once, inside the event loop."""
        self.status.log.parent.mkdir(parents=True, exist_ok=True)
        self.status.log.write_bytes(b"")
        self._task = asyncio.create_task(self._run(), name="engine")

    def restart(self) -> None:
        """Start an engine that failed or waits to be restarted, at once."""
        self._pause = 0.0
        self._again.set()

    async def inspect(self, document: Mapping[str, Value]) -> Report:
        """The report on an experiment, given as its document.

        Raises:
            SupersededError: a newer inspection was asked for meanwhile.
            EngineError: the engine refuses the document, fails on it or is closed.
        """
        answer = await self._ask(Inspect(self._next_id(), document))
        assert isinstance(answer, Inspected)
        return answer.report

    async def summarize(self, document: Mapping[str, Value], width: int, graph: str = "") -> Summarized:
        """The Keras summary of a graph of an experiment, or the findings that stand in its way.

        Raises:
            SupersededError: a newer summary was asked for meanwhile.
            EngineError: the engine refuses the document, fails on it or is closed.
        """
        answer = await self._ask(Summarize(self._next_id(), document, width, graph))
        assert isinstance(answer, Summarized)
        return answer

    async def smoke(self, document: Mapping[str, Value], base: str = "") -> Smoked:
        """What real batches of an experiment measured, or the findings that stand in the way.

        Ask an engine that `SMOKE_COMMAND` starts, and close it with the answer, or to have none: the memory
        that it took of a device comes back when its process ends.

        Raises:
            EngineError: the data can not be had, training fails, or the engine makes no smoke steps.
        """
        answer = await self._ask(Smoke(self._next_id(), document, base))
        assert isinstance(answer, Smoked)
        return answer

    async def close(self) -> None:
        """End the engine; requests that still wait get an EngineError."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._process is not None:
            # The task may have been cancelled while it waited for an engine that it had killed.
            await self._process.wait()
        self._fail_waiting("the engine was closed")
        self._set_status(State.CLOSED)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def _ask(self, request: Request) -> Answer:
        if self.status.state in {State.CLOSED, State.FAILED}:
            raise EngineError(self.status.reason or "the engine was closed")
        older = self._waiting[type(request)]
        if older is not None and not older.answer.done():
            older.answer.set_exception(SupersededError("a newer request has taken its place"))
        asked = _Asked(request, asyncio.get_running_loop().create_future())
        self._waiting[type(request)] = asked
        self._wake.set()
        return await asked.answer

    def _set_status(
        self, state: State, reason: str = "", pause: float = 0.0, hello: Hello | None = None
    ) -> None:
        self.status = Status(state, self.status.log, reason, pause, hello)
        self._on_status(self.status)

    async def _run(self) -> None:
        """Keep an engine alive until cancelled."""
        self._set_status(State.STARTING)
        while True:
            try:
                await self._one_engine()
            except _CannotStartError as error:
                self._fail_waiting(str(error))
                self._set_status(State.FAILED, str(error))
                await self._again_asked(None)
            except (_EngineEndedError, OSError) as error:
                self._pause = min(LONGEST_PAUSE, self._pause * 2 or self._first_pause)
                self._set_status(State.RESTARTING, str(error), self._pause)
                await self._again_asked(self._pause)
            self._set_status(State.STARTING)

    async def _again_asked(self, seconds: float | None) -> None:
        """Wait until somebody asks for a restart, at most so many seconds."""
        self._again.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._again.wait(), seconds)

    async def _one_engine(self) -> None:
        """Start an engine and ask it until it ends; always ends with an exception."""
        with self.status.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environment,
                limit=LONGEST_LINE,
                # Keys typed at the terminal are for the lab; the engine ends when its stdin does.
                start_new_session=True,
            )
        self._process = process
        replies = asyncio.create_task(_read(process))
        try:
            first = await replies
            if isinstance(first, Refused):
                raise _CannotStartError(first.reason)
            if not isinstance(first, Hello):
                raise _EngineEndedError("the engine did not introduce itself")
            self._set_status(State.READY, hello=first)
            while True:
                replies = asyncio.create_task(_read(process))
                await self._answer_next(process, replies)
        finally:
            replies.cancel()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()

    async def _answer_next(self, process: asyncio.subprocess.Process, reply: asyncio.Task[Reply]) -> None:
        """Wait for a request and get its answer."""
        asked = await self._next_asked(reply)
        line = msgspec.json.encode(asked.request) + b"\n"
        assert process.stdin is not None
        try:
            process.stdin.write(line)
            patience = SMOKE_PATIENCE if isinstance(asked.request, Smoke) else self._patience
            answer = await asyncio.wait_for(reply, patience)
        except TimeoutError:
            self._count_death(asked, reason := f"the engine did not answer within {patience:g} seconds")
            raise _EngineEndedError(reason) from None
        except (_EngineEndedError, ConnectionError) as error:
            self._count_death(asked, str(error))
            raise _EngineEndedError(str(error)) from error
        self._pause = 0.0
        self._settle(asked, answer)

    async def _next_asked(self, reply: asyncio.Task[Reply]) -> _Asked:
        """The next request that waits; the end of the engine if that comes first."""
        while True:
            for asked in self._waiting.values():
                if asked is not None and not asked.answer.done():
                    return asked
            self._wake.clear()
            wake = asyncio.create_task(self._wake.wait())
            try:
                await asyncio.wait({wake, reply}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                wake.cancel()
            if reply.done():
                reply.result()
                raise _EngineEndedError("the engine answered what was not asked")

    def _settle(self, asked: _Asked, reply: Reply) -> None:
        """Give an answer to whoever asked, unless a newer request has taken the place."""
        if isinstance(reply, Hello) or reply.id != asked.request.id:
            raise _EngineEndedError("the engine answered what was not asked")
        if asked.answer.done():
            return
        if isinstance(reply, Refused):
            asked.answer.set_exception(EngineError(reply.reason))
        else:
            asked.answer.set_result(reply)

    def _count_death(self, asked: _Asked, reason: str) -> None:
        """Note that an engine ended on a request; one that ended too many is answered with a failure."""
        asked.deaths += 1
        # A smoke step that ended its process, as a rule for want of memory, would end the next one, too.
        chances = 1 if isinstance(asked.request, Smoke) else CHANCES
        if asked.deaths >= chances and not asked.answer.done():
            asked.answer.set_exception(
                EngineError(f"{reason}, {asked.deaths} times on this experiment; see {self.status.log}")
            )

    def _fail_waiting(self, reason: str) -> None:
        for asked in self._waiting.values():
            if asked is not None and not asked.answer.done():
                asked.answer.set_exception(EngineError(reason))


async def _read(process: asyncio.subprocess.Process) -> Reply:
    """The next message of an engine.

    Raises:
        _EngineEndedError: there is none, or it makes no sense.
    """
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
    except ValueError:
        raise _EngineEndedError("the engine sent a message that is too long") from None
    if not line.endswith(b"\n"):
        status = await process.wait()
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        raise _EngineEndedError(f"the engine ended {how}")
    try:
        return _replies.decode(line)
    except msgspec.DecodeError as error:
        raise _EngineEndedError(f"the engine sent what is no message ({error})") from None
