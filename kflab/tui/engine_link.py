"""The lab's line to the engine: asks it about the newest experiment, and tells how it is in a few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

from kflab import document, paths
from kflab.engine.client import SMOKE_COMMAND, EngineClient, State, Status, SupersededError
from kflab.engine.protocol import Report, Smoked, Summarized
from kflab.experiment import Experiment
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

    async def smoke(self, document: Mapping[str, Value], base: str = "") -> Smoked:
        """What real batches of an experiment measured, or the findings that stand in the way."""
        ...

    async def close(self) -> None:
        """Ends it."""


MakeEngine: TypeAlias = Callable[[Callable[[Status], None]], Engine]
"""Makes an engine that tells its changes of state to a function."""


def own_engine(on_status: Callable[[Status], None]) -> Engine:
    """An engine in a process of its own; what it prints goes to a log."""
    return EngineClient(paths.state_dir() / "engine.log", on_status)


def smoke_engine(on_status: Callable[[Status], None]) -> Engine:
    """An engine for one smoke step: what it takes of a device is given back when it ends."""
    return EngineClient(paths.state_dir() / "smoke.log", on_status, command=SMOKE_COMMAND)


async def smoke(make: MakeEngine, experiment: Experiment, base: Path | None) -> Smoked:
    """What real batches of an experiment measured, in an engine that ends with the answer.

    Args:
        make: makes the engine.
        experiment: the experiment.
        base: the folder that its paths start from.

    Raises:
        EngineError: the engine can not answer.
    """
    engine = make(lambda _: None)
    engine.start()
    try:
        return await engine.smoke(document.encode(experiment), str(base) if base else "")
    finally:
        await engine.close()


class EngineLink:
    """Asks an engine about experiments.

    Args:
        engine: the engine.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._started = False

    def start(self) -> None:
        """Starts the engine."""
        self._started = True
        self.engine.start()

    async def inspect(self, experiment: Experiment) -> Report | None:
        """What an experiment turns out to be; None where a newer one was asked about meanwhile.

        Raises:
            EngineError: the engine can not answer.
        """
        try:
            return await self.engine.inspect(document.encode(experiment))
        except SupersededError:
            return None

    async def summarize(self, experiment: Experiment, graph: str, width: int) -> Summarized | None:
        """The Keras summary of a graph, or why there is none; None where a newer one was asked for meanwhile.

        Raises:
            EngineError: the engine can not answer.
        """
        try:
            return await self.engine.summarize(document.encode(experiment), width, graph)
        except SupersededError:
            return None

    async def close(self) -> None:
        """Ends the engine."""
        if self._started:
            await self.engine.close()


def status_text(status: Status, *, trainer_ready: bool = False) -> str:
    """The state of the engine in a few words: `tensorflow · cpu`, and whether a trainer waits for a run."""
    match status.state:
        case State.READY if status.hello is not None:
            devices = [device for device in status.hello.devices if not device.startswith("cpu")]
            ready = ["trainer ready"] if trainer_ready else []
            return " · ".join((status.hello.backend, ", ".join(devices) or "cpu", *ready))
        case State.STARTING:
            return STARTING
        case State.RESTARTING:
            return f"engine restarting: {status.reason}"
        case State.FAILED:
            return f"engine failed: {status.reason}"
        case _:
            return "no engine"


STARTING = "engine starting"
"""What is told before anything is known of the engine."""
