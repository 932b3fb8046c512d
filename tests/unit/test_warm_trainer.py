"""A trainer that waits, and how runs are handed over to it; nothing is loaded and the trainer is a stub."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from kflab.runs import launch as launching
from kflab.runs import warm, warm_keeping
from kflab.runs.control import ask_stop, kill
from kflab.runs.folder import create
from kflab.runs.hand_over import Taken, changes, late_variables, may_have_gpus, send
from kflab.runs.info import CONSOLE, read_info
from kflab.runs.launch import launch
from kflab.runs.lock import AlreadyTrainingError, hold
from kflab.runs.process import identify
from kflab.runs.status import Status, status
from kflab.runs.warm import WarmTrainer
from kflab.runs.warm_keeping import WarmKeeper
from kflab.train import waiting

STUBS = Path(__file__).parents[1] / "stubs"
ENDLESS = ("--epochs", "100000", "--steps", "10")


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    made = create("kflab: 1\n", "a run", tmp_path / "runs", seed=1, backend="tensorflow")
    yield made
    kill(made)


@pytest.fixture
def waiter(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the stub what waits, with options, and what a cold start starts."""

    def use(*options: str) -> None:
        monkeypatch.setattr(warm, "WAITER", (sys.executable, str(STUBS / "waiter.py"), *options))

    monkeypatch.setattr(launching, "TRAINER", (sys.executable, str(STUBS / "trainer.py"), *ENDLESS))
    monkeypatch.setattr(warm, "PATIENCE", 60.0)
    monkeypatch.setattr(warm, "PATIENCE_WHILE_LOADING", 60.0)
    monkeypatch.setattr(warm_keeping, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(warm_keeping, "PATIENCE", 0.0)
    use(*ENDLESS)
    return use


@pytest.fixture
def keeper(waiter: Callable[..., None]) -> Iterator[WarmKeeper]:
    made = WarmKeeper("tensorflow", memory=lambda: 10**10)
    yield made
    made.close()


def wait_until(told: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def waiting_process(keeper: WarmKeeper) -> int:
    wait_until(lambda: keeper.is_ready)
    assert keeper._trainer is not None
    return keeper._trainer.process.pid


def test_the_run_is_trained_by_the_process_that_waited_and_outlives_who_gave_it(
    run_dir: Path, keeper: WarmKeeper
) -> None:
    keeper.start()
    pid = waiting_process(keeper)
    assert launch(run_dir, {"CUDA_VISIBLE_DEVICES": "7"}, warm=keeper) == pid
    assert read_info(run_dir).process == identify(pid)
    assert os.getsid(pid) == pid != os.getsid(0)
    with pytest.raises(AlreadyTrainingError), hold(run_dir):
        pass
    wait_until(lambda: status(run_dir) is Status.RUNNING)
    keeper.close()
    assert status(run_dir) is Status.RUNNING
    printed = (run_dir / CONSOLE).read_text()
    assert printed.startswith("printed while it was loaded\n")
    assert f"in {run_dir}, sees 7, reads ''" in printed
    assert "stub trainer at work" in printed
    ask_stop(run_dir)
    wait_until(lambda: status(run_dir) is Status.STOPPED)
    wait_until(lambda: not psutil.pid_exists(pid))


def test_who_has_read_all_of_a_message_may_leave_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, its = socket.socketpair()
    sending = socket.send_fds

    def send_and_leave(to: socket.socket, lines: list[bytes], files: tuple[int, ...]) -> int:
        sent = sending(to, lines, files)
        assert its.recv(1000) == lines[0]
        its.close()
        return sent

    monkeypatch.setattr(socket, "send_fds", send_and_leave)
    with mine:
        send(mine, Taken())


@pytest.mark.slow
def test_another_waits_once_the_run_has_begun(
    run_dir: Path, keeper: WarmKeeper, waiter: Callable[..., None]
) -> None:
    waiter("--start", "1000", *ENDLESS)
    keeper.start()
    first = waiting_process(keeper)
    launch(run_dir, warm=keeper)
    wait_until(lambda: status(run_dir) is Status.STARTING)
    looks: list[int] = []
    keeper._memory = lambda: looks.append(1) or 10**10  # type: ignore[func-returns-value]
    wait_until(lambda: len(looks) > 5)
    assert not keeper.is_ready
    ask_stop(run_dir)
    assert waiting_process(keeper) != first


def test_it_ends_when_whoever_started_it_is_killed(waiter: Callable[..., None]) -> None:
    program = (
        "import sys, time; from kflab.runs import warm; warm.WAITER = tuple(sys.argv[1:]);"
        "print(warm.WarmTrainer('tensorflow').process.pid, flush=True); time.sleep(1000)"
    )
    command = [sys.executable, "-c", program, *warm.WAITER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        pid = int(lab.stdout.readline())
        assert psutil.pid_exists(pid)
        lab.kill()
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")


def test_one_that_does_not_answer_is_ended_and_a_cold_start_made(
    run_dir: Path, keeper: WarmKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "PATIENCE", 0.05)
    keeper.start()
    pid = waiting_process(keeper)
    os.kill(pid, signal.SIGSTOP)
    assert launch(run_dir, warm=keeper) != pid
    assert not psutil.pid_exists(pid)
    wait_until(lambda: status(run_dir) is Status.RUNNING)


@pytest.mark.slow
def test_one_that_has_died_unseen_is_no_harm(run_dir: Path, keeper: WarmKeeper) -> None:
    keeper.start()
    pid = waiting_process(keeper)
    os.kill(pid, signal.SIGKILL)
    assert launch(run_dir, warm=keeper) != pid
    wait_until(lambda: status(run_dir) is Status.RUNNING)


def test_one_that_still_loads_is_given_the_run(
    run_dir: Path, keeper: WarmKeeper, waiter: Callable[..., None]
) -> None:
    waiter("--slow")
    keeper.start()
    wait_until(lambda: keeper._trainer is not None)
    assert keeper._trainer is not None
    pid = keeper._trainer.process.pid
    assert launch(run_dir, warm=keeper) == pid
    assert status(run_dir) is Status.STARTING


def test_what_a_run_needs_other_than_what_was_loaded(waiter: Callable[..., None], run_dir: Path) -> None:
    trainer = WarmTrainer("tensorflow")
    wait_until(lambda: trainer.is_ready)
    usual = trainer._environment
    with hold(run_dir) as lock, (run_dir / CONSOLE).open("wb") as console:

        def given(environment: dict[str, str]) -> object:
            return trainer.hand_over(run_dir, environment, console=console.fileno(), lock=lock)

        assert given({**usual, "KERAS_BACKEND": "jax"}) is None
        assert given({**usual, "XLA_FLAGS": "--xla_gpu_deterministic_ops=true"}) is None
        assert trainer.is_ready
        assert trainer.loaded is not None
        trainer.loaded["keras"] = "0.0"
        assert given(usual) is None
        assert trainer.wait_until_over(0)
        assert trainer.process.poll() is not None


def test_one_that_cannot_load_keras_is_not_tried_again(
    keeper: WarmKeeper, waiter: Callable[..., None], run_dir: Path
) -> None:
    waiter("--fail")
    keeper.start()
    wait_until(lambda: not keeper._thread.is_alive())
    assert keeper._trainer is not None
    assert keeper._trainer.has_failed
    launch(run_dir, warm=keeper)
    wait_until(lambda: status(run_dir) is Status.RUNNING)


def test_none_is_started_where_memory_is_short_or_nobody_wants_one(keeper: WarmKeeper) -> None:
    looks: list[int] = []
    wanted = [True] * 5

    keeper._memory = lambda: looks.append(1) or warm_keeping.MEMORY_TO_START - 1  # type: ignore[func-returns-value]
    keeper._is_wanted = lambda: bool(wanted) and wanted.pop()
    keeper.start()
    wait_until(lambda: not keeper._thread.is_alive())
    assert len(looks) == 5
    assert keeper._trainer is None


def test_it_gives_way_when_memory_gets_short(
    monkeypatch: pytest.MonkeyPatch, waiter: Callable[..., None]
) -> None:
    import socket

    ours, its = socket.socketpair()
    monkeypatch.setattr(waiting, "spare_memory", lambda: waiting.LEAST_MEMORY - 1)
    with ours, its:
        assert waiting._given(its, waiting._Loader(its)) is None


def test_what_a_backend_heeds_when_it_is_loaded(tmp_path: Path) -> None:
    if sys.platform != "darwin":
        assert not may_have_gpus(tmp_path)
        assert "CUDA_VISIBLE_DEVICES" in late_variables("torch", tmp_path)
    (tmp_path / "nvidia0").touch()
    assert may_have_gpus(tmp_path)
    assert "CUDA_VISIBLE_DEVICES" in late_variables("tensorflow", tmp_path)
    assert "XLA_FLAGS" not in late_variables("tensorflow", tmp_path)
    assert late_variables("torch", tmp_path) == frozenset()


def test_changes_between_environments() -> None:
    before = {"same": "1", "other": "1", "gone": "1"}
    assert changes(before, {"same": "1", "other": "2", "new": "3"}) == {
        "gone": None,
        "new": "3",
        "other": "2",
    }
