"""The lab without a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from kflab.errors import UnusableInputError
from kflab.tui import headless
from tests.tui.conftest import StubEngine


def test_presses_keys_waits_and_takes_pictures(experiment_file: Path, tmp_path: Path, runs_dir: Path) -> None:
    for name in ("screen.svg", "screen.txt"):
        status = headless.run(
            experiment_file,
            keys="wait:6 nodes,end,up,a,d,r,o,p,o,u,t,enter",
            until="7 nodes",
            screenshot=tmp_path / name,
            make_engine=StubEngine,
        )
        assert status == 0
    assert (tmp_path / "screen.svg").read_text().startswith("<svg")
    assert "dropout" in (tmp_path / "screen.txt").read_text()


def test_text_that_never_shows_is_told(
    experiment_file: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = headless.run(experiment_file, until="no such text", timeout=0.2, make_engine=StubEngine)
    assert status == 1
    told = capsys.readouterr().err
    assert "Conv2D" in told
    assert "'no such text' did not show" in told


def test_wait_between_keys_can_fail(experiment_file: Path, runs_dir: Path) -> None:
    assert headless.run(experiment_file, keys="wait:never,q", timeout=0.2, make_engine=StubEngine) == 1


def test_screenshot_of_another_kind_is_refused(experiment_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UnusableInputError, match="svg"):
        headless.run(experiment_file, screenshot=tmp_path / "screen.png", make_engine=StubEngine)


def test_key_names() -> None:
    assert headless.key_names("a,esc, ctrl+p,wait:two words,R,?,") == [
        "a", "escape", "ctrl+p", "wait:two words", "R", "?",
    ]  # fmt: skip
