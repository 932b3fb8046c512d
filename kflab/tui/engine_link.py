"""The lab's line to the engine: what it needs of one, and how one is told about in a few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from kflab import paths
from kflab.engine.client import EngineClient, State, Status
from kflab.engine.protocol import Report, Summarized
from kflab.values import Value


class Engine(Protocol):
    """What the lab needs of an engine."""

    def start(self) -> None:
        """Starts it; called once, inside the event loop."""

    def restart(self) -> None:
        """Starts it again after it has failed."""

    async def inspect(self, document: Mapping[str, Value]) -> Report:
        """What an experiment turns out to be."""
        ...

    async def summarize(self, document: Mapping[str, Value], width: int, graph: str = "") -> Summarized:
        """The Keras summary of a model, or the findings that stand in its way."""
        ...

    async def close(self) -> None:
        """Ends it."""


MakeEngine: TypeAlias = Callable[[Callable[[Status], None]], Engine]
"""Makes an engine that tells its changes of state to a function."""


def own_engine(on_status: Callable[[Status], None]) -> Engine:
    """An engine in a process of its own; what it prints goes to a log."""
    return EngineClient(paths.state_dir() / "engine.log", on_status)


def status_text(status: Status) -> str:
    """The state of the engine in a few words: `tensorflow · cpu`."""
    match status.state:
        case State.READY if status.hello is not None:
            devices = [device for device in status.hello.devices if not device.startswith("cpu")]
            return " · ".join((status.hello.backend, ", ".join(devices) or "cpu"))
        case State.STARTING:
            return "engine starting"
        case State.RESTARTING:
            return f"engine restarting: {status.reason}"
        case State.FAILED:
            return f"engine failed: {status.reason}"
        case _:
            return "no engine"
