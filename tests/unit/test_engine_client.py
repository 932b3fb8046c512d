"""The lab's end of the engine: the newest request is answered, whatever happens to engines."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from kflab.engine.client import LONGEST_PAUSE, EngineClient, EngineError, State, Status, SupersededError

STUB = str(Path(__file__).parents[1] / "stubs" / "engine.py")


class Watched:
    """A client with all the states it was in."""

    def __init__(
        self, log: Path, *arguments: str, command: tuple[str, ...] = (), patience: float = 20.0
    ) -> None:
        self.seen: list[Status] = []
        self._changed = asyncio.Event()
        self.client = EngineClient(
            log,
            self._note,
            command=command or (sys.executable, STUB, *arguments),
            first_pause=0.01,
            patience=patience,
        )
        self.client.start()

    def _note(self, status: Status) -> None:
        self.seen.append(status)
        self._changed.set()

    @property
    def states(self) -> list[State]:
        return [status.state for status in self.seen]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def engines(self) -> list[psutil.Process]:
        return [process for process in psutil.Process().children() if STUB in process.cmdline()]


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = Watched(tmp_path / "engine.log")
    yield watched
    await watched.client.close()


async def test_a_report_comes_back(watched: Watched) -> None:
    report = await watched.client.inspect({"title": "mine"})
    assert report.model.nodes["mine"].params == 3
    assert report.model.totals.total == 3
    assert watched.states == [State.STARTING, State.READY]
    assert watched.seen[-1].hello is not None
    assert watched.seen[-1].hello.backend == "stub"


async def test_a_summary_comes_back_beside_a_report(watched: Watched) -> None:
    summary, report = await asyncio.gather(
        watched.client.summarize({"title": "a"}, width=77), watched.client.inspect({"title": "b"})
    )
    assert summary.text == "a: 77"
    assert list(report.model.nodes) == ["b"]


async def test_the_newest_request_wins(watched: Watched) -> None:
    asked = [asyncio.create_task(watched.client.inspect({"title": str(number)})) for number in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers[:-1]] == [SupersededError] * 4
    assert not isinstance(answers[-1], BaseException)
    assert list(answers[-1].model.nodes) == ["4"]


async def test_a_refusal_says_why(watched: Watched) -> None:
    with pytest.raises(EngineError, match=r"^no such layer$"):
        await watched.client.inspect({"do": "refuse"})
    assert (await watched.client.inspect({"title": "next"})).model.nodes


async def test_a_request_outlives_its_engine(watched: Watched, tmp_path: Path) -> None:
    report = await watched.client.inspect({"do": "die once", "marker": str(tmp_path / "m"), "title": "again"})
    assert list(report.model.nodes) == ["again"]
    assert State.RESTARTING in watched.states
    reason = next(status.reason for status in watched.seen if status.state is State.RESTARTING)
    assert reason == "the engine ended with exit status 3"
    assert (tmp_path / "engine.log").read_text() == "it hurts\n"


@pytest.mark.parametrize("how", ["die", "babble"])
async def test_a_request_that_ends_two_engines_is_given_up(watched: Watched, how: str) -> None:
    with pytest.raises(EngineError, match=r"2 times on this experiment; see .*engine.log"):
        await watched.client.inspect({"do": how})
    assert (await watched.client.inspect({"title": "next"})).model.nodes


async def test_an_engine_that_hangs_is_ended(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "engine.log", patience=0.2)
    with pytest.raises(EngineError, match=r"did not answer within 0\.2 seconds, 2 times"):
        await watched.client.inspect({"do": "hang"})
    await watched.client.close()
    assert not watched.engines()


async def test_an_engine_that_dies_unasked_is_started_again(watched: Watched) -> None:
    await watched.until(lambda: State.READY in watched.states)
    (engine,) = watched.engines()
    os.kill(engine.pid, signal.SIGKILL)
    await watched.until(lambda: watched.states.count(State.READY) == 2)
    assert "the engine ended by signal 9" in [status.reason for status in watched.seen]


async def test_the_pause_grows_up_to_a_limit(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "engine.log", command=(sys.executable, "-c", "raise SystemExit(5)"))
    await watched.until(lambda: watched.states.count(State.RESTARTING) == 4)
    await watched.client.close()
    pauses = [status.pause for status in watched.seen if status.state is State.RESTARTING]
    assert pauses == [0.01, 0.02, 0.04, 0.08]
    assert max(pauses) < LONGEST_PAUSE == 30


async def test_an_engine_that_cannot_start_waits_to_be_asked(tmp_path: Path) -> None:
    obstacle = tmp_path / "obstacle"
    obstacle.touch()
    watched = Watched(tmp_path / "engine.log", str(obstacle))
    with pytest.raises(EngineError, match="no backend"):
        await watched.client.inspect({})
    assert watched.seen[-1].state is State.FAILED
    with pytest.raises(EngineError, match="no backend"):
        await watched.client.inspect({})
    obstacle.unlink()
    watched.client.restart()
    await watched.until(lambda: State.READY in watched.states)
    assert (await watched.client.inspect({"title": "at last"})).model.nodes
    await watched.client.close()


async def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "engine.log", command=(str(tmp_path / "nothing"),))
    await watched.until(lambda: State.RESTARTING in watched.states)
    assert "nothing" in watched.seen[-1].reason
    await watched.client.close()


async def test_closing_ends_the_engine_and_whoever_waits(watched: Watched) -> None:
    await watched.until(lambda: State.READY in watched.states)
    (engine,) = watched.engines()
    waiting = asyncio.create_task(watched.client.inspect({"do": "hang"}))
    await asyncio.sleep(0)
    await watched.client.close()
    with pytest.raises(EngineError, match="closed"):
        await waiting
    assert not engine.is_running()
    assert watched.seen[-1].state is State.CLOSED
    with pytest.raises(EngineError, match="closed"):
        await watched.client.inspect({})


async def test_the_event_loop_goes_on_while_an_engine_works(watched: Watched) -> None:
    waiting = asyncio.create_task(watched.client.inspect({"do": "hang"}))
    await watched.until(lambda: State.READY in watched.states)
    turns = 0
    while turns < 1000:
        await asyncio.sleep(0)
        turns += 1
    assert not waiting.done()
    waiting.cancel()
