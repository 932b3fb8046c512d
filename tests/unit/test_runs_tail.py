from __future__ import annotations

import math
from pathlib import Path

import pytest

from kflab.runs.events import Epoch, Event, Noted
from kflab.runs.lines import LineWriter
from kflab.runs.tail import Tail


def note(text: str) -> Noted:
    return Noted(time=1.0, text=text)


def read_all(tail: Tail, most: int = 1 << 20) -> list[Event]:
    events = tail.read(most)
    while not tail.at_end:
        events += tail.read(most)
    return events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_gives_each_event_once(path: Path) -> None:
    tail = Tail(path)
    assert tail.read() == []
    with LineWriter(path) as writer:
        writer.write(note("a"))
        writer.write(note("b"))
        assert tail.read() == [note("a"), note("b")]
        assert tail.read() == []
        writer.write(note("c"))
    assert tail.read() == [note("c")]


def test_a_torn_last_line_is_not_there_yet(path: Path) -> None:
    append(path, b'{"event":"noted","time":1.0,"te')
    tail = Tail(path)
    assert tail.read() == []
    append(path, b'xt":"whole"}\n')
    assert tail.read() == [note("whole")]
    assert tail.skipped == 0


@pytest.mark.parametrize(
    "junk",
    [
        b"nonsense",
        b"{}",
        b'{"event":"unheard of"}',
        b"\xff\xfe",
        b"[" * 5000,
        b'{"event":"noted","time":"x"}',
        b"1",
    ],
)
def test_an_unreadable_line_is_left_out_and_counted(path: Path, junk: bytes) -> None:
    append(path, junk + b"\n")
    with LineWriter(path) as writer:
        writer.write(note("after"))
    tail = Tail(path)
    assert tail.read() == [note("after")]
    assert tail.skipped == 1


def test_zero_bytes_of_a_crashed_machine_do_not_hide_the_next_event(path: Path) -> None:
    append(path, b"\0" * 300)
    append(path, b'{"event":"noted","time":1.0,"text":"after"}\n\n')
    tail = Tail(path)
    assert tail.read() == [note("after")]
    assert tail.skipped == 0


def test_a_line_without_end_takes_no_memory_and_hides_only_itself(path: Path) -> None:
    append(path, b"x" * (3 << 20))
    tail = Tail(path)
    assert read_all(tail) == []
    assert len(tail._part) == 0
    append(path, b"y\n")
    with LineWriter(path) as writer:
        writer.write(note("after"))
    assert read_all(tail) == [note("after")]
    assert tail.skipped == 1


def test_a_call_reads_a_bounded_part_and_says_that_there_is_more(path: Path) -> None:
    with LineWriter(path) as writer:
        for index in range(100):
            writer.write(note(str(index)))
    tail = Tail(path)
    assert len(tail.read(100)) < 5
    assert not tail.at_end
    assert len(read_all(tail, 64)) + 2 >= 98


@pytest.mark.parametrize("way", ["replaced", "truncated"])
def test_a_file_that_was_started_over_is_read_from_its_start(path: Path, way: str) -> None:
    append(path, b'{"event":"noted","time":1.0,"text":"old old old"}\n{"torn')
    tail = Tail(path)
    tail.read()
    if way == "replaced":
        path.rename(path.with_name("away"))
    else:
        path.write_bytes(b"")
    with LineWriter(path) as writer:
        writer.write(note("new"))
    assert tail.read() == [note("new")]
    assert tail.restarts == 1


def test_a_line_torn_by_a_kill_does_not_swallow_the_next_ones(path: Path) -> None:
    append(path, b'{"event":"noted","time":1.0,"text":"to')
    with LineWriter(path) as writer:
        writer.write(note("after"))
    tail = Tail(path)
    assert tail.read() == [note("after")]
    assert tail.skipped == 1


def test_nan_and_infinity_are_written_as_null(path: Path) -> None:
    with LineWriter(path) as writer:
        writer.write(
            Epoch(time=1.0, epoch=1, seconds=2.0, logs={"loss": math.nan, "mae": math.inf, "a": 0.5})
        )
    assert b'"loss":null,"mae":null,"a":0.5' in path.read_bytes()
    (event,) = Tail(path).read()
    assert isinstance(event, Epoch)
    assert event.logs == {"loss": None, "mae": None, "a": 0.5}
