"""The queue and many processes: nothing is lost, nothing started twice, whoever is killed and whenever."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kflab.errors import KflabError, UnusableInputError
from kflab.runs import launch, queue_file, queue_keeper, queueing
from kflab.runs.control import kill
from kflab.runs.events import Finished, Started
from kflab.runs.folder import create
from kflab.runs.info import EVENTS, amend_info, read_info
from kflab.runs.listing import summarize
from kflab.runs.process import identify
from kflab.runs.queue_file import read_queue
from kflab.runs.queue_turns import start_due
from kflab.runs.status import Status, status
from kflab.runs.tail import Tail
from kflab.train import __main__ as trainer

STUBS = Path(__file__).parents[1] / "stubs"
QUICK = "--epochs 1 --steps 2 --pace 0.001"
LONG = "--epochs 1000 --steps 100 --pace 0.05"


def made(runs_dir: Path, count: int) -> list[Path]:
    return [create("kflab: 1\n", f"run {i}", runs_dir, seed=1, backend="tensorflow") for i in range(count)]


def queued(runs_dir: Path) -> list[str]:
    return [waiting.name for waiting in read_queue(runs_dir).waiting]


def wait_until(told: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def times(run_dir: Path) -> tuple[list[float], list[float]]:
    """When trainers began and ended."""
    events = Tail(run_dir / EVENTS).read()
    starts = [event.time for event in events if isinstance(event, Started)]
    return starts, [event.time for event in events if isinstance(event, Finished)]


def keeper_of(runs_dir: Path) -> int:
    """The number of the process that keeps the queue; 0 where none does."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(STUBS / "keeper.py").encode() in words and str(runs_dir.resolve()).encode() in words:
            return int(folder.name)
    return 0


def test_runs_are_trained_one_after_the_other_in_their_order(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(QUICK)
    queueing.hold(runs_dir)
    runs = made(runs_dir, 3)
    assert [queueing.submit(run) for run in runs] == [1, 2, 3]
    assert {status(run) for run in runs} == {Status.QUEUED}
    assert keeper_of(runs_dir) == 0
    assert queueing.move(runs[2], "first") == 1
    queueing.release(runs_dir)
    wait_until(lambda: keeper_of(runs_dir) != 0)
    assert not queue_keeper.keep(runs_dir), "there is one already"
    wait_until(lambda: all(status(run) is Status.DONE for run in runs))
    ended = 0.0
    for run in (runs[2], runs[0], runs[1]):
        [start], [end] = times(run)
        assert ended <= start
        ended = end
    wait_until(lambda: not keeper_of(runs_dir))
    assert not queue_keeper.keep(runs_dir), "nothing waits"


@pytest.mark.parametrize(("options", "end"), [("--fail-at 1", Status.FAILED), ("--die-at 1", Status.CRASHED)])
def test_a_run_that_goes_wrong_does_not_stop_the_queue(
    runs_dir: Path, stub_keeper: Callable[[str], None], options: str, end: Status
) -> None:
    stub_keeper(f"{QUICK} {options}")
    runs = made(runs_dir, 2)
    for run in runs:
        queueing.submit(run)
    wait_until(lambda: all(status(run) is end for run in runs))


def test_a_killed_keeper_is_there_again_with_the_next_who_looks(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(LONG)
    first, second = made(runs_dir, 2)
    queueing.submit(first)
    queueing.submit(second)
    wait_until(lambda: status(first) is Status.RUNNING)
    os.kill(keeper_of(runs_dir), signal.SIGKILL)
    wait_until(lambda: not keeper_of(runs_dir))
    assert status(first) is Status.RUNNING, "what is at work goes on"
    kill(first)
    wait_until(lambda: queue_keeper.keep(runs_dir))  # a process that is killed loses its lock a moment later
    wait_until(lambda: status(second) is Status.RUNNING)


def test_after_a_reboot_what_was_at_work_blocks_nobody(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(QUICK)
    before, waits = made(runs_dir, 2)
    amend_info(before, process=msgspec.structs.replace(identify(), boot="the boot before"))
    queue_file.put(waits, {})
    assert queue_keeper.keep(runs_dir)
    wait_until(lambda: status(waits) is Status.DONE)
    assert status(before) is Status.CRASHED


def test_a_trainer_that_ends_sees_to_the_queue_however_it_ends(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    kept: list[Path] = []
    monkeypatch.setattr(trainer, "try_to_keep", kept.append)
    assert trainer.main([str(runs_dir / "no-run")]) == 2
    assert kept == [runs_dir]


ADDING = """
import sys
from pathlib import Path
from kflab.runs import queueing
for path in sys.argv[1:]:
    queueing.submit(Path(path))
"""


@pytest.mark.slow
def test_many_processes_that_queue_at_once_lose_nothing(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(QUICK)
    queueing.hold(runs_dir)
    shares = [[str(run) for run in made(runs_dir, 4)] for _ in range(5)]
    adding = [subprocess.Popen([sys.executable, "-c", ADDING, *share]) for share in shares]
    assert [process.wait() for process in adding] == [0] * 5
    names = queued(runs_dir)
    assert sorted(names) == sorted(Path(path).name for share in shares for path in share)
    for share in shares:
        places = [names.index(Path(path).name) for path in share]
        assert places == sorted(places), "each finds its own in the order that it put them there"


STARTING = """
import sys
from pathlib import Path
from kflab.runs import launch
from kflab.runs.queue_turns import start_due
runs_dir, *launch.TRAINER = sys.argv[1:]
while start_due(Path(runs_dir)):
    pass
"""


@pytest.mark.slow
def test_even_starters_that_know_nothing_of_each_other_start_nothing_twice(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(QUICK)
    runs = made(runs_dir, 3)
    for run in runs:
        queue_file.put(run, {})
    command = [sys.executable, "-c", STARTING, str(runs_dir), *launch.TRAINER]

    def all_started() -> bool:
        starters = [subprocess.Popen(command) for _ in range(3)]
        assert [starter.wait() for starter in starters] == [0] * 3
        return not queued(runs_dir)

    wait_until(all_started)
    wait_until(lambda: all(status(run) is Status.DONE for run in runs))
    for run in runs:
        starts, ends = times(run)
        assert (len(starts), len(ends)) == (1, 1)


SHUFFLING = """
import random, sys
from pathlib import Path
from kflab.runs.queue import moved
from kflab.runs.queue_file import change, read_queue
runs_dir = Path(sys.argv[1])
names = [waiting.name for waiting in read_queue(runs_dir).waiting]
print(flush=True)
while True:
    change(runs_dir, lambda now: moved(now, random.choice(names), str(random.randint(1, len(names)))))
"""


def test_killed_in_the_middle_of_a_change_the_queue_is_whole_and_free(runs_dir: Path) -> None:
    names = sorted(run.name for run in made(runs_dir, 6) if queue_file.put(run, {}))
    for _ in range(6):
        command = [sys.executable, "-c", SHUFFLING, str(runs_dir)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as shuffling:
            assert shuffling.stdout is not None
            shuffling.stdout.readline()
            time.sleep(random.uniform(0.0, 0.05))  # any moment will do
            shuffling.kill()
        assert sorted(queued(runs_dir)) == names
        queueing.hold(runs_dir)


def test_taken_out_it_can_be_put_back_and_what_is_done_can_not(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(QUICK)
    queueing.hold(runs_dir)
    run, done = made(runs_dir, 2)
    queueing.submit(run)
    with pytest.raises(KflabError, match="already, at place 1"):
        queueing.submit(run)
    queueing.take_out(run)
    assert status(run) is Status.CREATED
    with pytest.raises(KflabError, match="not in the queue"):
        queueing.take_out(run)
    assert queueing.submit(run) == 1
    subprocess.run([*launch.TRAINER, str(done)], check=True, stderr=subprocess.DEVNULL)
    with pytest.raises(KflabError, match=done.name):
        queueing.submit(done)


def test_a_run_that_crashed_waits_to_be_gone_on_with(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(QUICK)
    [run] = made(runs_dir, 1)
    subprocess.run([*launch.TRAINER, "--die-at", "1", str(run)], check=False, stderr=subprocess.DEVNULL)
    assert status(run) is Status.CRASHED
    queueing.submit(run)
    wait_until(lambda: status(run) is Status.DONE)
    assert len(times(run)[0]) == 2


def test_a_run_that_is_started_by_hand_waits_no_longer(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(LONG)
    run, other = made(runs_dir, 2)
    queue_file.put(run, {})
    queue_file.put(other, {})
    launch.launch(run)
    assert status(run) in {Status.STARTING, Status.RUNNING}
    assert start_due(runs_dir) == []
    assert queued(runs_dir) == [other.name]


def test_what_can_not_be_started_says_why_and_lets_others_pass(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(QUICK)
    bad, gone, good = made(runs_dir, 3)
    amend_info(bad, device="gpu:9")
    for run in (bad, gone, good):
        queue_file.put(run, {})
    gone.rename(runs_dir.parent / "elsewhere")
    assert start_due(runs_dir) == [good.name]
    [row] = queueing.Board(runs_dir).rows()
    assert row.run == bad.name
    assert "gpu:9" in row.why()
    assert [waiting.problem for waiting in read_queue(runs_dir).waiting] == [row.problem]


def test_runs_of_another_machine_are_left_to_it(runs_dir: Path, stub_keeper: Callable[[str], None]) -> None:
    stub_keeper(QUICK)
    [run] = made(runs_dir, 1)
    queue_file.put(run, {})
    queue_file.change(
        runs_dir,
        lambda now: msgspec.structs.replace(
            now, waiting=(msgspec.structs.replace(now.waiting[0], host="elsewhere"),)
        ),
    )
    assert not queue_keeper.keep(runs_dir)
    assert start_due(runs_dir) == []
    assert queueing.Board(runs_dir).rows()[0].why() == "waits on elsewhere"


def test_a_file_system_without_locks_is_told_of(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int, _what: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    [run] = made(runs_dir, 1)
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(KflabError, match="a file system without locks"):
        queueing.submit(run)
    assert status(run) is Status.CREATED


def test_a_damaged_queue_is_told_of_and_harms_no_run(runs_dir: Path) -> None:
    [run] = made(runs_dir, 1)
    queue_file.put(run, {})
    (runs_dir / queue_file.FOLDER / "queue.json").write_text('{"waiting": 3}')
    with pytest.raises(UnusableInputError, match="damaged"):
        queueing.Board(runs_dir).rows()
    assert summarize(run).status is Status.CREATED
    assert read_info(run).process is None


def test_a_run_that_waits_tells_when_its_turn_is_expected(
    runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper("--epochs 100 --steps 10 --pace 0.01")
    first, second, third = made(runs_dir, 3)
    for run in (first, second, third):
        queueing.submit(run)
    board = queueing.Board(runs_dir)
    wait_until(lambda: len(rows := board.rows()) == 2 and rows[0].expected is not None)
    ahead, behind = board.rows()
    assert ahead.run == second.name
    assert ahead.behind == (first.name,)
    assert ahead.expected is not None
    assert 0 < ahead.expected - time.time() < 60
    assert behind.expected is None, "nobody knows how long the second takes"
