"""`kflab data`: what a person or a script is told of a source."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kflab.cli import run
from kflab.pictures.palette import Depth


def test_a_dataset_is_told_in_plain_text_where_it_is_piped(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "digits", "--samples", "3", "--width", "90"]) == 0
    told = capsys.readouterr().out
    for words in (
        "digits: handwritten digits",
        "1,293 to train on · 144 to validate on · 360 to test on",
        "classes of digit: 10",
        "3 of 1,437 training samples",
    ):
        assert words in told
    assert "\x1b" not in told
    assert max(map(len, told.splitlines())) <= 90


@pytest.mark.parametrize("source", ["moons", "tickets", "sine", "wine", "digits_pairs"])
@pytest.mark.parametrize("width", [40, 100])
def test_no_line_is_wider_than_asked(source: str, width: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", source, "--samples", "3", "--width", str(width), "--ascii"]) == 0
    told = capsys.readouterr().out
    assert told.isascii()
    assert max(map(len, told.splitlines())) <= width


def test_scripts_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "iris_mlp", "--samples", "2", "--json", "--seed", "3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["profile"]["train"] > 0
    assert told["profile"]["fed"]["features"]["mean"] == pytest.approx(0, abs=1e-6)
    assert len(told["samples"]) == 2
    assert told["of"] == 150


def test_settings_and_classes_are_heeded(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["data", "spirals", "--set", "data.arguments.classes=3", "--set", "data.limit=300"]
    assert run([*asked, "--class", "arm 2", "--samples", "4"]) == 0
    told = capsys.readouterr().out
    assert "classes of arm: 3" in told
    assert "270 to train on" in told
    assert told.count("arm 2") >= 5


def test_a_file_of_ones_own_is_told_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.arange(60, dtype="float32").reshape(30, 2)
    x[4, 0] = np.nan
    np.savez(tmp_path / "mine.npz", x=x, y=np.arange(30) % 3)
    assert run(["data", str(tmp_path / "mine.npz"), "--samples", "2", "--width", "100"]) == 0
    told = capsys.readouterr().out
    assert "1 from row 4" in told
    assert "classes of y: 3" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digitz"], "did you mean digits"),
        (["no/such/file.npz"], "no such file"),
        (["iris", "--class", "setoza"], "did you mean setosa"),
        (["diabetes", "--class", "ill"], "has no classes"),
        (["iris", "--set", "data.arguments.colour=red"], "colour"),
    ],
)
def test_what_can_not_be_looked_at_is_said_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", *arguments]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert len(told.err.splitlines()) == 1
    assert not told.out


def test_what_would_be_downloaded_is_said_and_not_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert run(["data", "cifar10"]) == 2
    assert "170.5 MB" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_terminal_gets_its_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kflab.pictures.palette.depth_of", lambda *_, **__: Depth.TRUE)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    assert run(["data", "digits", "--samples", "1", "--images", "blocks", "--width", "80"]) == 0
    told = capsys.readouterr().out
    assert "\x1b[48;2;255;255;255m" in told


@pytest.mark.parametrize(("images", "start"), [("kitty", "\x1b_G"), ("sixel", "\x1bP")])
def test_graphics_are_sent_where_they_are_asked_for(
    images: str, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "digits", "--samples", "2", "--images", images, "--width", "80"]) == 0
    told = capsys.readouterr().out
    assert told.count(start) == 2
    assert "▀" not in told
