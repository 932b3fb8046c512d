"""The engine as a server: requests come in over one pipe, replies go out over another, one JSON line each."""

from __future__ import annotations

import gc
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple, TypeAlias

import msgspec

from kflab.engine.protocol import (
    Hello,
    Inspect,
    Inspected,
    Refused,
    Reply,
    Request,
    Smoke,
    Smoked,
    Summarize,
    Summarized,
)
from kflab.errors import KflabError

STARTING = 0
"""The id of a refusal that answers no request: the engine could not start."""

GARBAGE = (20_000, 20, 20)
"""When garbage is looked for: seldom, as the documents and reports of an edit are no cycles."""

GRACE = 120.0
"""Seconds that the engine may go on after its stdin has ended."""

Send: TypeAlias = Callable[[Reply], None]


class _Id(msgspec.Struct):
    id: int = STARTING


class Handlers(NamedTuple):
    """What answers each kind of request."""

    inspect: Callable[[Inspect], Inspected]
    summarize: Callable[[Summarize], Summarized]
    smoke: Callable[[Smoke], Smoked]


Start: TypeAlias = Callable[[], tuple[Hello, Handlers]]
"""Loads Keras; what the engine is then, and what answers requests."""


def main(start: Start | None = None) -> int:
    """Serve until stdin ends; the exit status.

    Requests are accepted from the start, and answered once Keras is there. Whatever Python or native code
    prints goes to stderr: stdout is kept for replies.

    Args:
        start: loads Keras; nothing given: for an engine beside trainers, which leaves GPUs to them.
    """
    replies = _private_stdout()
    encoder = msgspec.json.Encoder()

    def send(reply: Reply) -> None:
        replies.write(encoder.encode(reply) + b"\n")
        replies.flush()

    lines = _lines_in_background(sys.stdin.buffer)
    try:
        hello, handlers = (start or _start)()
        # What Keras and its backend are made of stays for good: a collection need not walk it at every edit.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        send(hello)
    except Exception as error:  # noqa: BLE001 - a Keras that does not load is for the person at the other end
        traceback.print_exc()
        reason = str(error) if isinstance(error, KflabError) else one_line(error)
        send(Refused(STARTING, f"Keras did not start: {reason}"))
        return 1
    try:
        serve(lines, send, handlers)
    except BrokenPipeError:
        return 0  # nobody listens any more
    return 0


def _start() -> tuple[Hello, Handlers]:
    from kflab.engine import devices

    devices.prepare()
    from kflab.engine.answers import Answers

    answers = Answers()
    hello = answers.hello(devices.list_without_taking())
    return hello, Handlers(answers.inspect, answers.summarize, _no_smoke)


def _no_smoke(_: Smoke) -> Smoked:
    """A smoke step takes memory of the device, which comes back when its process ends: not in this one."""
    raise KflabError("this engine makes no smoke steps; start one with python -m kflab.train.smoking")


def serve(lines: Iterator[bytes], send: Send, handlers: Handlers) -> None:
    """Answer each line; one that is no request, or that fails, is refused with the reason."""
    decoder = msgspec.json.Decoder(Request)
    for line in lines:
        if not line.strip():
            continue
        try:
            request = decoder.decode(line)
        except msgspec.DecodeError as error:
            send(Refused(_id_of(line), f"not a request: {one_line(error)}"))
            continue
        try:
            send(_answered(request, handlers))
        except KflabError as error:
            send(Refused(request.id, str(error)))
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - one request must not end the engine; the log has the whole
            traceback.print_exc()
            send(Refused(request.id, f"the engine failed on this: {one_line(error)}"))


def _answered(request: Request, handlers: Handlers) -> Reply:
    match request:
        case Inspect():
            return handlers.inspect(request)
        case Summarize():
            return handlers.summarize(request)
        case Smoke():
            return handlers.smoke(request)


def one_line(error: BaseException) -> str:
    """An error in one line: its class, and the first line of its text."""
    text = str(error).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _id_of(line: bytes) -> int:
    """The id in a message that is not a request, where one can be read."""
    try:
        return msgspec.json.decode(line, type=_Id).id
    except msgspec.DecodeError:
        return STARTING


def _private_stdout() -> BinaryIO:
    """The pipe that was stdout, out of reach of all that prints; file descriptor 1 becomes stderr."""
    private = os.dup(1)
    os.set_inheritable(private, False)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


def _lines_in_background(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream, read from now on by a thread: nobody who writes has to wait for Keras."""
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            waiting.put(line)
        waiting.put(b"")
        # Whoever asked has gone. What is queued is still answered, but nothing holds the process for ever.
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=read, name="requests", daemon=True).start()
    return iter(waiting.get, b"")
