"""Room on the disk: what is kept free, what is needed, and lines that find none."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from kflab.runs.disk import FULL, LastWords, Room, full_disk_cause, needed, room, shortage, too_little
from kflab.runs.events import End, Finished, Noted
from kflab.runs.lines import LineWriter
from kflab.runs.tail import Tail
from tests.small_disk import small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "256k") as mounted:
        yield mounted


def fill(folder: Path) -> Path:
    """Takes all room but for some bytes of the last page."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return path


def write_until_full(writer: LineWriter) -> OSError:
    for _ in range(1000):
        try:
            writer.write(Noted(2.0, "x" * 100))
        except OSError as error:
            return error
    raise AssertionError("it is not full")


def test_a_line_that_finds_no_room_is_taken_back_and_the_next_that_does_stands_alone(disk: Path) -> None:
    path = disk / "events.jsonl"
    with LineWriter(path) as writer:
        writer.write(Noted(1.0, "before"))
        filler = fill(disk)
        assert write_until_full(writer).errno in FULL
        assert path.read_bytes().endswith(b"\n")
        filler.unlink()
        writer.write(Noted(3.0, "after"))
    tail = Tail(path)
    texts = [event.text for event in tail.read() if isinstance(event, Noted)]
    assert (texts[0], texts[-1]) == ("before", "after")
    assert tail.skipped == 0


def test_how_a_run_ended_finds_room_on_a_full_disk(disk: Path) -> None:
    kept = LastWords(disk)
    with LineWriter(disk / "events.jsonl") as writer:
        writer.write(Noted(1.0, "before"))
        fill(disk)
        write_until_full(writer)
        kept.release()
        writer.write(Finished(3.0, End.FAILED, cause="the disk is full"))
    assert isinstance(Tail(disk / "events.jsonl").read()[-1], Finished)


def test_a_file_at_its_limit_is_a_full_disk_and_leaves_no_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            with LineWriter(path) as writer:
                while True:
                    writer.write(Noted(1.0, "x" * 77))
        except OSError as error:
            code = 0 if full_disk_cause(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    tail = Tail(path)
    assert len(tail.read()) > 3
    assert tail.skipped == 0
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full: best.keras could not be written"),
        (errno.EDQUOT, "the quota is used up: best.keras could not be written"),
        (errno.EFBIG, "a file is at its limit: best.keras could not be written"),
        (errno.EACCES, ""),
    ],
)
def test_what_a_full_disk_says(number: int, words: str) -> None:
    assert full_disk_cause(OSError(number, os.strerror(number), "/runs/one/best.keras")) == words


def test_a_reserve_is_a_tenth_of_a_small_disk_at_most() -> None:
    assert Room(free=5, total=10**12).kept_free(1e9) == 10**9
    assert Room(free=5, total=10**9).kept_free(1e9) == 10**8
    assert too_little(Room(free=10**8, total=10**9), 1e9) == ""
    assert "50 MB of 1.0 GB are free" in too_little(Room(free=5 * 10**7, total=10**9), 1e9)
    assert too_little(Room(free=0, total=10**9), 0) == ""


def test_a_run_that_may_not_find_room_is_warned_of_before() -> None:
    needs = needed(10**9, 2 * 10**9)
    assert shortage(Room(free=20 * 10**9, total=10**12), needs, 1e9) == ""
    said = shortage(Room(free=18 * 10**9, total=10**12), needs, 1e9)
    assert "takes up to 18.1 GB" in said
    assert "18.0 GB are free and 1.0 GB are left for others" in said


def test_the_room_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above(disk: Path) -> None:
    assert room(disk / "runs" / "one") == room(disk)
    assert room(disk).total == 256 * 1024


def test_what_a_run_takes_grows_with_weights_and_slots() -> None:
    assert needed(10**9, 2 * 10**9) - needed(0, 0) == 6 * 3 * 10**9
