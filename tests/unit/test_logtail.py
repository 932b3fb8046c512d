"""A run's console on the screen: the newest output, and nothing that acts on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from kflab.tui.logtail import LAST_BYTES, MOST_LINES, LogTail, printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m text", "red text"),
        ("1/10 [>...]\r2/10 [=>..]\r3/10 [==>.]", "3/10 [==>.]"),
        ("windows\r", "windows"),
        ("\x1b]0;a title\x07here", "here"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[H\x07boo\x08", "boo"),
        ("a\tb", "a       b"),
        ("x\u202ey", "xy"),
        ("plain [8, 8] [/b] text", "plain [8, 8] [/b] text"),
    ],
)
def test_output_becomes_harmless_text(raw: str, shown: str) -> None:
    assert printable(raw) == shown


def test_lines_come_as_they_are_written(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    tail = LogTail(log)
    assert not tail.read()
    log.write_text("one\ntw")
    assert tail.read()
    assert tail.text() == ["one", "tw"]
    with log.open("ab") as file:
        file.write(b"o\ncaf" + "é".encode()[:1])
    assert tail.read()
    assert tail.text()[:2] == ["one", "two"]
    with log.open("ab") as file:
        file.write("é".encode()[1:] + b"\n")
    assert tail.read()
    assert tail.text() == ["one", "two", "café"]
    assert not tail.read()


def test_a_huge_log_is_read_from_near_its_end(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_text("".join(f"line {number}\n" for number in range(200_000)))
    tail = LogTail(log)
    assert tail.read()
    assert tail.skipped
    assert tail.text()[-1] == "line 199999"
    assert all(line.startswith("line ") for line in tail.text())
    assert len(tail.text()) <= MOST_LINES
    with log.open("a") as file:
        file.write("x" * (3 * LAST_BYTES) + "\nthe end\n")
    assert tail.read()
    assert tail.text() == ["the end"]


def test_a_log_that_was_cut_starts_over(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_text("a first run\nwith lines\n")
    tail = LogTail(log)
    tail.read()
    log.write_text("new\n")
    assert tail.read()
    assert tail.text() == ["new"]


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"\0" * (2 * LAST_BYTES))
    tail = LogTail(log)
    tail.read()
    assert len(tail.rest) < LAST_BYTES
