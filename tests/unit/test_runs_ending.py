"""What is told of a run that ended: why, and what to do; found out from trainers that really end so."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from kflab import cli
from kflab.diagnose.verdict import verdict_of
from kflab.errors import KflabError
from kflab.runs import launch as launching
from kflab.runs import process as processes
from kflab.runs.control import ask_stop, kill
from kflab.runs.ending import Ending, advice, how_it_ended
from kflab.runs.events import Costed, End, Fault, Finished, LargestLayer, Prepared, Started
from kflab.runs.fault_words import fault_in
from kflab.runs.folder import create
from kflab.runs.info import CONSOLE, EVENTS, EXPERIMENT, amend_info, read_info
from kflab.runs.launch import launch
from kflab.runs.lines import LineWriter
from kflab.runs.listing import summarize
from kflab.runs.lock import AlreadyTrainingError, hold
from kflab.runs.memory_kills import memory_kills
from kflab.runs.position import Position
from kflab.runs.process import identify
from kflab.runs.snapshots import SNAPSHOTS
from kflab.runs.status import Status, status
from tests.small_disk import small_disk

SMALL = """
kflab: 1
model: {nodes: {x: {Input: {shape: [4]}}, y: {Dense: {units: 1}, from: x}}, outputs: [y]}
training: {loss: MeanSquaredError}
"""
STUB = Path(__file__).parents[1] / "stubs" / "trainer.py"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return create("kflab: 1\n", "a run", tmp_path / "runs", seed=1, backend="tensorflow")


@pytest.fixture
def trainer(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Launches a program in place of the trainer; it is dead when the test ends."""

    def start(*command: str) -> int:
        monkeypatch.setattr(launching, "TRAINER", command)
        return launch(run_dir)

    yield start
    kill(run_dir)


def wait_until(told: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def ended(run_dir: Path) -> Ending:
    wait_until(lambda: status(run_dir) is Status.CRASHED)
    found = how_it_ended(run_dir)
    assert found is not None
    return found


def stub(*options: str) -> tuple[str, ...]:
    return (sys.executable, str(STUB), *options)


def write(run_dir: Path, *events: msgspec.Struct) -> None:
    with LineWriter(run_dir / EVENTS) as writer:
        for event in events:
            writer.write(event)


def test_a_kill_is_told_by_its_signal_and_goes_on(run_dir: Path, trainer: Callable[..., int]) -> None:
    os.kill(trainer(*stub("--epochs", "99", "--steps", "1000")), signal.SIGKILL)
    wait_until(lambda: read_info(run_dir).ended)
    found = ended(run_dir)
    assert (found.fault, found.cause) == (Fault.KILLED, "the trainer was killed (SIGKILL)")
    assert found.advice == f"`kflab resume {run_dir.name}` goes on from its start"


def test_a_kill_on_request_says_who_asked(run_dir: Path, trainer: Callable[..., int]) -> None:
    pid = trainer(*stub("--epochs", "99", "--steps", "1000"))
    assert kill(run_dir)
    wait_until(lambda: not identify_or_none(pid))
    assert f"process {os.getpid()}" in ended(run_dir).cause


def identify_or_none(pid: int) -> object:
    with contextlib.suppress(ProcessLookupError):
        return identify(pid)
    return None


def test_a_fault_in_a_library_is_told_with_its_last_words(run_dir: Path, trainer: Callable[..., int]) -> None:
    code = """
import ctypes, os
from kflab.runs.crash import starts
from kflab.train.console import keep_printing
keep_printing()
print(starts(os.getpid()))
print("F0000 00:00:1.2 9 cuda_dnn.cc:1] Check failed: cudnn (3 vs. 1)", flush=True)
ctypes.string_at(0)
"""
    with (run_dir / CONSOLE).open("w") as console:
        console.write("Fatal Python error: of a trainer before\n")
    trainer(sys.executable, "-c", code)
    found = ended(run_dir)
    assert found.fault is Fault.NATIVE
    assert found.cause == "a library broke the trainer: Check failed: cudnn (3 vs. 1)"
    assert "Segmentation fault" in (run_dir / CONSOLE).read_text()


def test_a_kill_after_a_crash_in_a_library_is_not_told_as_that_crash(run_dir: Path) -> None:
    amend_info(run_dir, process=msgspec.structs.replace(identify(), pid=5, start=-100.0))
    (run_dir / CONSOLE).write_text("trainer 4 starts\nFatal Python error: Aborted\ntrainer 5 starts\nhello\n")
    assert ended(run_dir).fault is Fault.KILLED
    (run_dir / CONSOLE).write_text("trainer 5 starts\nstd::bad_alloc\nFatal Python error: Aborted\n")
    assert ended(run_dir).fault is Fault.MEMORY


@pytest.fixture
def little_memory(tmp_path: Path) -> Iterator[Path]:
    """A control group of 64 MB; the test is skipped where none can be made."""
    roots = [Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")]
    limits = ("memory.limit_in_bytes", "memory.max")
    for root, limit in zip(roots, limits, strict=True):
        group = root / f"kflab-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(64 << 20))
            with contextlib.suppress(OSError):
                (group / "memory.swap.max").write_text("0")
            yield group
        except PermissionError:
            continue
        finally:
            wait_until(lambda folder=group: not (folder / "cgroup.procs").read_text())
            group.rmdir()
        return
    pytest.skip("no control group can be made here")


def test_memory_that_ran_out_is_told_from_a_kill(
    run_dir: Path, trainer: Callable[..., int], little_memory: Path
) -> None:
    write(run_dir, Costed(1.0, largest=(LargestLayer("conv", 30_000_000), LargestLayer("dense", 2_000_000))))
    eat = "kept = [bytearray(1 << 20) for _ in range(1000)]"
    script = f"echo $$ > {little_memory / 'cgroup.procs'}; exec {sys.executable} -c '{eat}'"
    before = memory_kills()
    trainer("sh", "-c", script)
    wait_until(lambda: read_info(run_dir).ended)
    assert memory_kills() > before
    found = ended(run_dir)
    assert found.fault is Fault.MEMORY
    assert found.cause.startswith("out of memory: the system ended the trainer (SIGKILL)")
    assert "conv 30 MB, dense 2 MB" in found.cause
    assert found.advice.startswith("free memory or take a smaller training.batch_size; `kflab resume")
    (run_dir / EXPERIMENT).write_text(SMALL)
    assert "KF019" in {finding.code for finding in verdict_of(run_dir)}
    # Without a witness it is only likely.
    amend_info(run_dir, ended="", memory_kills=before)
    assert ended(run_dir).cause.startswith("out of memory, most likely")


def test_a_machine_that_was_restarted(run_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    amend_info(run_dir, process=identify())
    write(run_dir, Started(1.0, os.getpid()), Prepared(2.0, 4, 10, 32, 320, 32, 64, 12))
    (run_dir / SNAPSHOTS).mkdir()
    (run_dir / SNAPSHOTS / "1-2-7-abcdef.npz").touch()
    assert status(run_dir) is Status.RUNNING
    boot = tmp_path / "boot_id"
    boot.write_text("of-the-next-start\n")
    monkeypatch.setattr(processes, "_BOOT_ID", boot)
    found = ended(run_dir)
    assert (found.fault, found.cause) == (Fault.RESTARTED, "the machine was restarted while it trained")
    assert found.advice == f"`kflab resume {run_dir.name}` goes on from epoch 3, step 7"


def test_a_number_that_was_given_to_another_process(run_dir: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        now = identify(other.pid)
        amend_info(run_dir, process=msgspec.structs.replace(now, start=now.start - 50))
        assert ended(run_dir).fault is Fault.KILLED
        assert not kill(run_dir)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_another_machine_that_is_not_heard_of(run_dir: Path) -> None:
    amend_info(run_dir, process=msgspec.structs.replace(identify(), host="elsewhere"))
    write(run_dir, Started(1.0, 1))
    os.utime(run_dir / EVENTS, (1, 1))
    found = ended(run_dir)
    assert found.fault is Fault.SILENT
    assert "elsewhere" in found.cause


def test_a_folder_that_can_only_be_read_and_a_disk_without_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "256k") as disk:
        run_dir = create("kflab: 1\n", "a run", disk, seed=1, backend="tensorflow")
        amend_info(run_dir, process=msgspec.structs.replace(identify(), start=-100.0))
        assert ended(run_dir).fault is Fault.KILLED
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        found = ended(run_dir)
        assert (found.fault, found.cause[:34]) == (Fault.FOLDER, "the run folder can only be read, s")
        assert found.advice.startswith("make the folder writable again; ")
        with pytest.raises(KflabError, match="cannot start a trainer: Read-only file system") as refused:
            launch(run_dir)
        assert "\n" not in str(refused.value)
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        with contextlib.suppress(OSError):
            (disk / "filler").write_bytes(bytes(1 << 20))
        found = ended(run_dir)
        assert (found.fault, found.cause[:18]) == (Fault.DISK, "the disk is full, ")
        with pytest.raises(KflabError, match="cannot start a trainer: No space left"):
            launch(run_dir)


def test_ended_at_once_while_it_was_stopping(run_dir: Path) -> None:
    amend_info(run_dir, process=msgspec.structs.replace(identify(), start=-100.0))
    ask_stop(run_dir)
    assert ended(run_dir).cause == "the trainer was ended at once after it was asked to stop"


def test_a_damaged_record_is_told(run_dir: Path) -> None:
    (run_dir / "run.json").write_text("{")
    found = summarize(run_dir)
    assert (found.status, found.cause[:8]) == (Status.CRASHED, "damaged:")


@pytest.mark.parametrize("fault", list(Fault))
def test_there_is_something_to_do_about_every_fault(fault: Fault) -> None:
    for ending in (Status.STOPPED, Status.FAILED, Status.CRASHED):
        for snapshot in (None, Position(2, 7)):
            line = advice("a-run", ending, fault, snapshot)
            assert "\n" not in line
            assert "`kflab resume a-run` goes on" in line or "train it anew" in line
    assert advice("a-run", Status.DONE, fault) == ""
    assert advice("a-run", Status.RUNNING, fault) == ""


def test_what_a_trainer_says_itself_is_what_is_told(run_dir: Path) -> None:
    write(run_dir, Started(1.0, 1), Finished(2.0, End.FAILED, cause="it is full", fault=Fault.DISK))
    found = how_it_ended(run_dir)
    assert found is not None
    assert (found.cause, found.fault) == ("it is full", Fault.DISK)
    assert found.advice.startswith("make room on the disk; ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "{{function_node}} /tmp/x/variables; No space left on device [Op:SaveV2] RESOURCE_EXHAUSTED",
            Fault.DISK,
        ),
        ("OOM when allocating tensor with shape[256,64] on GPU:0 by allocator GPU_0_bfc", Fault.MEMORY),
        ("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes.", Fault.MEMORY),
        ("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB", Fault.MEMORY),
        ("INTERNAL: CUDA error: CUDA_ERROR_OUT_OF_MEMORY: out of memory", Fault.MEMORY),
        ("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be", Fault.DEVICE),
        (
            "INTERNAL: Failed to synchronize GPU: CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure",
            Fault.DEVICE,
        ),
        ("CUDA error: uncorrectable ECC error encountered", Fault.DEVICE),
        ("CUDA error: device-side assert triggered", Fault.NONE),
        ("Incompatible shapes: [32,10] vs. [32,9]", Fault.NONE),
    ],
)
def test_what_libraries_call_it(text: str, fault: Fault) -> None:
    assert fault_in(text) is fault


START = """
import sys
from pathlib import Path
from kflab.errors import KflabError
from kflab.runs import launch
launch.TRAINER = tuple(sys.argv[3:])
print("ready", flush=True)
sys.stdin.readline()
try:
    print(launch.launch(Path(sys.argv[1])))
except KflabError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def test_of_many_that_start_it_at_once_one_does_and_the_others_say_so(run_dir: Path) -> None:
    command = [sys.executable, "-c", START, str(run_dir), "--", *stub("--epochs", "2", "--steps", "5")]
    starters = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    for starter in starters:
        assert starter.stdout is not None
        starter.stdout.readline()
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("\n")
        starter.stdin.flush()
    said = [starter.communicate(timeout=60) for starter in starters]
    codes = sorted(starter.returncode for starter in starters)
    assert codes == [0, 2, 2, 2, 2]
    refused = [error for _, error in said if error]
    assert len(refused) == 4
    assert all("trainer is at work in this folder" in error and error.count("\n") == 1 for error in refused)
    wait_until(lambda: status(run_dir).is_over)
    assert summarize(run_dir).status is Status.DONE
    lines = (run_dir / EVENTS).read_text().splitlines()
    assert sum('"event":"started"' in line for line in lines) == 1
    assert all(msgspec.json.decode(line) for line in lines)


def test_a_trainer_that_is_started_has_the_lock_from_its_first_moment(
    run_dir: Path, trainer: Callable[..., int]
) -> None:
    trainer("sh", "-c", "exec sleep 60")
    with pytest.raises(AlreadyTrainingError), hold(run_dir):
        raise AssertionError("two hold it")
    kill(run_dir)
    wait_until(lambda: status(run_dir) is Status.CRASHED)
    with hold(run_dir):
        pass


def test_every_command_tells_the_cause_and_what_to_do(
    run_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    sizes = Prepared(2.0, 4, 10, 32, 320, 32, 64, 12)
    write(run_dir, Started(1.0, 1), sizes, Finished(3.0, End.FAILED, cause="it is full", fault=Fault.DISK))
    where = ("--runs-dir", str(run_dir.parent))
    todo = "make room on the disk; train it anew: it ended before its first snapshot"
    assert cli.run(("runs", *where)) == 0
    assert f"it is full; {todo}" in capsys.readouterr().out
    assert cli.run(("show", "last", *where)) == 0
    shown = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["status", "failed: it is full"] in shown
    assert ["next", todo] in shown
    assert cli.run(("watch", "last", *where)) == 1
    watched = capsys.readouterr().out
    assert "it is full" in watched
    assert f"next: {todo}" in watched
    assert cli.run(("show", "last", "--json", *where)) == 0
    told = msgspec.json.decode(capsys.readouterr().out)["run"]
    assert (told["cause"], told["advice"], told["fault"]) == ("it is full", todo, "disk")


def test_a_crash_is_told_by_every_command(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    amend_info(run_dir, process=msgspec.structs.replace(identify(), boot="of-the-start-before"))
    write(run_dir, Started(1.0, 1), Prepared(2.0, 4, 10, 32, 320, 32, 64, 12))
    where = ("--runs-dir", str(run_dir.parent))
    assert cli.run(("watch", "last", *where)) == 1
    watched = capsys.readouterr().out
    assert "crashed in epoch 1: the machine was restarted while it trained" in watched
    assert f"next: `kflab resume {run_dir.name}` goes on" in watched
    assert cli.run(("watch", "last", "--json", *where)) == 1
    last = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert (last["status"], last["fault"]) == ("crashed", "restarted")
