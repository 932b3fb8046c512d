from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from kflab.errors import UnusableInputError
from kflab.runs import launch as launching
from kflab.runs.control import Requests, ask_stop, kill, stop_asked
from kflab.runs.events import Batch, End, Epoch, Finished, Noted, Prepared, Started
from kflab.runs.folder import create
from kflab.runs.follow import Follow
from kflab.runs.info import CONSOLE, EVENTS, INFO, LOCK, amend_info, read_info
from kflab.runs.launch import launch
from kflab.runs.lines import LineWriter
from kflab.runs.listing import find_run, list_runs, summarize
from kflab.runs.lock import AlreadyTrainingError, hold
from kflab.runs.process import identify
from kflab.runs.status import SILENCE_SECONDS, Status, outline, status

T = TypeVar("T")
STUB = Path(__file__).parents[1] / "stubs" / "trainer.py"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return create("kflab: 1\n", "a run", tmp_path / "runs", seed=1, backend="tensorflow")


@pytest.fixture
def start(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Launches the stub trainer on the run folder; it is dead when the test ends."""

    def launch_stub(*options: str) -> int:
        monkeypatch.setattr(launching, "TRAINER", (sys.executable, str(STUB), *options))
        return launch(run_dir)

    yield launch_stub
    kill(run_dir)


def write(run_dir: Path, *events: msgspec.Struct) -> None:
    with LineWriter(run_dir / EVENTS) as writer:
        for event in events:
            writer.write(event)


def wait_for(run_dir: Path, *wanted: Status) -> Status:
    return wait_until(lambda: found if (found := status(run_dir)) in wanted else None)


def wait_until(told: Callable[[], T | None], seconds: float = 20.0) -> T:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = told()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come")


SIZES = Prepared(2.0, 4, 10, 32, 320, 32, 64, 1234)


class TestStatus:
    def test_created_until_a_trainer_is_started(self, run_dir: Path) -> None:
        assert status(run_dir) is Status.CREATED

    def test_starting_until_data_and_model_are_ready(self, run_dir: Path) -> None:
        amend_info(run_dir, process=identify())
        assert status(run_dir) is Status.STARTING
        write(run_dir, Started(1.0, os.getpid()), Noted(1.0, "a word"))
        assert status(run_dir) is Status.STARTING
        write(run_dir, SIZES)
        assert status(run_dir) is Status.RUNNING
        ask_stop(run_dir)
        assert status(run_dir) is Status.STOPPING

    @pytest.mark.parametrize("end", list(End))
    def test_its_own_last_word_counts(self, run_dir: Path, end: End) -> None:
        amend_info(run_dir, process=identify())
        write(run_dir, Started(1.0, 1), SIZES, Finished(3.0, end))
        assert status(run_dir) == Status(str(end))
        assert status(run_dir).is_over

    def test_started_again_is_not_over(self, run_dir: Path) -> None:
        amend_info(run_dir, process=identify())
        write(run_dir, Started(1.0, 1), SIZES, Finished(3.0, End.STOPPED), Started(4.0, 2))
        assert status(run_dir) is Status.STARTING

    def test_a_later_process_of_the_same_number_is_not_the_trainer(self, run_dir: Path) -> None:
        mine = identify()
        amend_info(run_dir, process=msgspec.structs.replace(mine, start=mine.start - 100))
        assert status(run_dir) is Status.CRASHED

    def test_a_process_from_before_the_machine_started_anew_is_dead(self, run_dir: Path) -> None:
        amend_info(run_dir, process=msgspec.structs.replace(identify(), boot="another"))
        assert status(run_dir) is Status.CRASHED

    def test_an_ended_child_that_nobody_waited_for_is_dead(self, run_dir: Path) -> None:
        child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
        amend_info(run_dir, process=identify(child.pid))
        assert child.stdout is not None
        child.stdout.read()  # its end closes the pipe
        wait_for(run_dir, Status.CRASHED)
        child.stdout.close()
        child.wait()

    def test_another_machine_is_judged_by_the_age_of_the_last_event(self, run_dir: Path) -> None:
        amend_info(run_dir, process=msgspec.structs.replace(identify(), host="elsewhere", pid=1))
        write(run_dir, Started(1.0, 1), SIZES)
        assert status(run_dir) is Status.RUNNING
        old = time.time() - SILENCE_SECONDS - 10
        os.utime(run_dir / EVENTS, (old, old))
        assert status(run_dir) is Status.CRASHED

    def test_outline_of_a_long_run_comes_from_its_ends(self, run_dir: Path) -> None:
        write(run_dir, Started(1.0, 1), SIZES)
        write(run_dir, *(Batch(3.0, 1, step, 9999, {"loss": 1.0}) for step in range(3000)))
        write(run_dir, Epoch(4.0, 1, 2.0, {"loss": 0.5}), Batch(5.0, 2, 1, 9999, {"loss": 1.0}))
        seen = outline(run_dir)
        assert seen.prepared == SIZES
        assert seen.epoch is not None
        assert seen.epoch.logs == {"loss": 0.5}
        assert (seen.updated, seen.is_training, seen.finished) == (5.0, True, None)

    def test_no_run_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableInputError, match="not a run folder"):
            status(tmp_path)


class TestLaunch:
    def test_a_run_from_start_to_end(self, run_dir: Path, start: Callable[..., int]) -> None:
        pid = start("--epochs", "3", "--steps", "5")
        assert read_info(run_dir).process == identify(pid) or status(run_dir).is_over
        assert wait_for(run_dir, Status.DONE, Status.CRASHED) is Status.DONE
        follow = Follow(run_dir)
        assert follow.poll()
        assert follow.state.epochs_done == 3
        assert follow.state.metric_names == ("loss", "accuracy")
        assert "stub trainer at work" in (run_dir / CONSOLE).read_text()

    def test_it_has_a_session_of_its_own(self, run_dir: Path, start: Callable[..., int]) -> None:
        pid = start("--epochs", "50", "--steps", "100")
        assert os.getsid(pid) == pid != os.getsid(0)

    def test_killed_it_is_crashed_at_once_and_readable(
        self, run_dir: Path, start: Callable[..., int]
    ) -> None:
        start("--epochs", "9", "--die-at", "2")
        assert wait_for(run_dir, Status.DONE, Status.CRASHED) is Status.CRASHED
        follow = Follow(run_dir)
        follow.poll()
        assert follow.state.epochs_done == 1
        assert summarize(run_dir).epoch == 1

    def test_no_zombie_stays_behind(self, start: Callable[..., int]) -> None:
        pid = start("--epochs", "1", "--steps", "1")

        def is_gone() -> bool:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
            return False

        assert wait_until(is_gone)

    def test_it_stops_when_asked(self, run_dir: Path, start: Callable[..., int]) -> None:
        start("--epochs", "1000", "--steps", "100")
        wait_for(run_dir, Status.RUNNING)
        ask_stop(run_dir)
        assert wait_for(run_dir, Status.STOPPED, Status.CRASHED) is Status.STOPPED
        assert summarize(run_dir).cause == "stopped on request"

    def test_failed_with_its_cause(self, run_dir: Path, start: Callable[..., int]) -> None:
        start("--fail-at", "2", "--cause", "out of memory")
        assert wait_for(run_dir, Status.FAILED, Status.CRASHED) is Status.FAILED
        assert summarize(run_dir).cause == "out of memory"

    def test_a_deaf_one_can_be_killed(self, run_dir: Path, start: Callable[..., int]) -> None:
        start("--epochs", "1000", "--steps", "100", "--deaf")
        wait_for(run_dir, Status.RUNNING)
        ask_stop(run_dir)
        wait_for(run_dir, Status.STOPPING)
        assert kill(run_dir)
        wait_for(run_dir, Status.CRASHED)
        assert not kill(run_dir)

    def test_a_second_trainer_is_refused(self, run_dir: Path, start: Callable[..., int]) -> None:
        start("--epochs", "1000", "--steps", "100")
        with pytest.raises(AlreadyTrainingError):
            launch(run_dir)
        wait_for(run_dir, Status.RUNNING)
        second = subprocess.run([sys.executable, str(STUB), str(run_dir)], capture_output=True, check=False)
        assert second.returncode == 2
        assert b"another trainer is at work" in second.stderr
        assert (run_dir / EVENTS).read_bytes().count(b'"started"') == 1

    def test_a_broken_command_is_crashed(self, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(launching, "TRAINER", (sys.executable, "-c", "raise SystemExit(3)"))
        launch(run_dir)
        wait_for(run_dir, Status.CRASHED)


class TestLock:
    def test_holds_others_off_until_the_block_ends(self, run_dir: Path) -> None:
        with hold(run_dir), pytest.raises(AlreadyTrainingError, match="another trainer"), hold(run_dir):
            pass
        with hold(run_dir):
            assert (run_dir / LOCK).exists()


class TestControl:
    def test_nothing_is_asked_of_a_fresh_run(self, run_dir: Path) -> None:
        assert not stop_asked(run_dir)
        assert not Requests(run_dir).stop_asked()

    def test_a_request_reaches_the_trainer(self, run_dir: Path) -> None:
        requests = Requests(run_dir)
        assert not requests.stop_asked()
        ask_stop(run_dir)
        assert wait_until(requests.stop_asked)

    def test_junk_is_no_request(self, run_dir: Path) -> None:
        (run_dir / "control.jsonl").write_bytes(b'\0\0{"request":"dance"}\n{"request":"st')
        assert not stop_asked(run_dir)
        ask_stop(run_dir)
        assert stop_asked(run_dir)

    def test_only_runs_can_be_stopped(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableInputError):
            ask_stop(tmp_path)
        assert list(tmp_path.iterdir()) == []


class TestListing:
    @pytest.fixture
    def runs(self, tmp_path: Path) -> list[Path]:
        runs = []
        for index, title in enumerate(("first", "second", "third")):
            run_dir = create("kflab: 1\n", title, tmp_path, seed=1, backend="tensorflow")
            amend_info(run_dir, created=1000.0 + index)
            runs.append(run_dir)
        return runs

    def test_newest_first(self, tmp_path: Path, runs: list[Path]) -> None:
        assert [summary.title for summary in list_runs(tmp_path)] == ["third", "second", "first"]

    def test_no_runs(self, tmp_path: Path) -> None:
        assert list_runs(tmp_path / "none") == []

    def test_a_damaged_run_is_listed_with_the_cause(self, tmp_path: Path, runs: list[Path]) -> None:
        (runs[0] / INFO).write_text("{")
        damaged = next(summary for summary in list_runs(tmp_path) if summary.name == runs[0].name)
        assert damaged.status is Status.CRASHED
        assert "damaged" in damaged.cause

    def test_other_folders_are_no_runs(self, tmp_path: Path, runs: list[Path]) -> None:
        (tmp_path / "notes").mkdir()
        assert len(list_runs(tmp_path)) == 3

    def test_a_row_tells_how_it_went(self, tmp_path: Path, runs: list[Path]) -> None:
        write(
            runs[1],
            SIZES,
            Epoch(4.0, 3, 2.0, {"loss": 0.5}),
            Finished(9.0, End.DONE, {"loss": 0.4}, 7.0, "", 3),
        )
        row = summarize(runs[1])
        assert (row.status, row.epoch, row.epochs, row.seconds) == (Status.DONE, 3, 4, 7.0)
        assert (row.logs, row.test) == ({"loss": 0.5}, {"loss": 0.4})

    def test_found_by_name_start_end_path_and_last(self, tmp_path: Path, runs: list[Path]) -> None:
        second = runs[1]
        assert find_run(second.name, tmp_path) == second
        assert find_run(second.name.rpartition("-")[2], tmp_path) == second
        assert find_run(second.name[:-2], tmp_path) == second
        assert find_run(str(second), tmp_path / "elsewhere") == second
        assert find_run("last", tmp_path) == runs[2]

    def test_what_means_several_is_refused_with_some(self, tmp_path: Path, runs: list[Path]) -> None:
        with pytest.raises(UnusableInputError, match=r"means 3 runs.*type more"):
            find_run(runs[0].name[:4], tmp_path)

    @pytest.mark.parametrize("text", ["", "nothing", "../.."])
    def test_what_means_none_is_refused(self, tmp_path: Path, runs: list[Path], text: str) -> None:
        with pytest.raises(UnusableInputError, match="no run is called"):
            find_run(text, tmp_path)

    def test_last_of_none(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableInputError, match="no runs"):
            find_run("last", tmp_path)
