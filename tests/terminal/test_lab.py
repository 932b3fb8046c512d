"""The installed lab in a real terminal, with the real engine and real training."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kflab import document
from kflab.graph.nodes import Layer
from kflab.runs.control import kill
from kflab.runs.info import read_info
from kflab.runs.listing import list_runs
from kflab.runs.status import Status, status

from .pseudo_terminal import KFLAB, PseudoTerminal

# What Keras, TensorFlow and XLA write while they load and train. None of it may reach the screen.
NATIVE = re.compile(r"oneDNN|cudart|absl|XLA|WARNING|Traceback|tensorflow/core|\.cc:\d+")

LONG = """\
kflab: 1
title: A long run
data: {source: digits}
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    pixels: {Flatten: {}, from: image}
    digit: {Dense: {units: 10, activation: softmax}, from: pixels}
  outputs: [digit]
training:
  loss: SparseCategoricalCrossentropy
  metrics: [accuracy]
  epochs: 100000
"""


@pytest.fixture
def long_experiment(tmp_path: Path) -> Path:
    path = tmp_path / "long.yaml"
    path.write_text(LONG)
    return path


@pytest.fixture(autouse=True)
def no_trainer_is_left(runs_dir: Path) -> Iterator[None]:
    yield
    for folder in runs_dir.iterdir():
        if status(folder).is_alive:
            kill(folder)


Open = Callable[..., PseudoTerminal]


def lab(*arguments: str, size: tuple[int, int] = (120, 40), term: str = "xterm-256color") -> PseudoTerminal:
    return PseudoTerminal([KFLAB, *arguments], size=size, term=term)


def running(runs_dir: Path) -> Path:
    (run,) = list_runs(runs_dir)
    return Path(run.path)


def test_a_merge_is_composed_broken_fixed_trained_saved_and_reopened(tmp_path: Path, runs_dir: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(LONG.replace("100000", "300"))
    with lab(str(path)) as terminal:
        terminal.wait_for(r"650 params")
        # Two branches from the picture and a merge of them, in front of the pixels.
        terminal.press("a")
        terminal.wait_for("Add after image")
        terminal.type("conv2d")
        terminal.press("enter")
        terminal.wait_for(r"conv2d · Conv2D")
        terminal.type("4")
        terminal.press("enter")
        terminal.wait_for(r"filters +4")
        terminal.press("enter")
        terminal.type("3")
        terminal.press("enter")
        terminal.wait_for(r"Conv2D 4 3×3 +6×6×4 +40")
        terminal.wait_for(r"pixels +Flatten +144")
        terminal.wait_until_gone("✗")
        terminal.press("1")
        terminal.press("a")
        terminal.wait_for("Add after conv2d")
        terminal.type("add")
        terminal.press("enter")
        # A merge of one input is hardly meant: the node says so.
        terminal.wait_for(r"merges one input only")
        terminal.press("1")
        terminal.press("c")
        terminal.wait_for(r"Connect to add")
        terminal.type("image")
        terminal.press("enter")
        # 6×6×4 and 8×8×1 do not add up: where it is wrong stands in the graph, and why in the node's pane.
        terminal.wait_for(r"✗─╯ add")
        terminal.wait_for(r"6×6×4")
        terminal.press("t")
        terminal.wait_for(r"1 error")
        assert list_runs(runs_dir) == []
        # The other branch makes it fit.
        terminal.press("u")
        terminal.wait_for(r"merges one input only")
        terminal.press("c")
        terminal.wait_for(r"Connect to add")
        terminal.type("conv2d")
        terminal.press("enter")
        terminal.wait_until_gone(r"✗|▲")
        terminal.press("w")
        terminal.wait_for(r"saved")
        terminal.press("t")
        terminal.wait_for(r"epoch \d+/300")
        terminal.wait_for(r"loss .*train")
        terminal.press("s")
        screen = terminal.wait_for(r"Training ─ stopped")
        assert not NATIVE.search(screen)
        terminal.press("q")
        assert terminal.ended() == 0
    assert status(running(runs_dir)) is Status.STOPPED
    assert (running(runs_dir) / "model.keras").is_file()
    saved = document.read(path).model
    assert saved.nodes["add"].inputs == ("conv2d", "conv2d")
    assert saved.nodes["pixels"].inputs == ("add",)
    assert saved.nodes["conv2d"].target == Layer("Conv2D", {"filters": 4, "kernel_size": 3})
    with lab(str(path)) as terminal:
        terminal.wait_for(r"add +Add +6×6×4")


def test_a_run_outlives_its_terminal_and_is_found_again(long_experiment: Path, runs_dir: Path) -> None:
    with lab(str(long_experiment)) as terminal:
        terminal.wait_for(r"650 params")
        terminal.press("t")
        terminal.wait_for(r"epoch \d+/100,000")
        terminal.wait_for(r"val_loss")
        terminal.hang_up()
        terminal.ended()
    run = running(runs_dir)
    assert status(run) is Status.RUNNING
    with lab(str(long_experiment)) as terminal:
        terminal.wait_for(r"[Ww]atch")
        terminal.press("enter")
        before = re.search(r"epoch (\d+)/100,000", terminal.wait_for(r"epoch \d+/100,000"))
        assert before is not None
        terminal.wait_for(rf"epoch (?!{before[1]}/)\d+/100,000")
        # Quitting leaves it alone.
        terminal.press("q")
        assert terminal.ended() == 0
    assert status(run) is Status.RUNNING


def test_a_killed_trainer_is_told_within_five_seconds(long_experiment: Path, runs_dir: Path) -> None:
    with lab(str(long_experiment)) as terminal:
        terminal.wait_for(r"650 params")
        terminal.press("t")
        terminal.wait_for(r"epoch \d+/100,000")
        process = read_info(running(runs_dir)).process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        terminal.wait_for(r"crashed", timeout=5)
    assert status(running(runs_dir)) is Status.CRASHED


@pytest.mark.parametrize("term", ["xterm-256color", "screen"])
def test_a_small_terminal_shows_one_pane_at_a_time(term: str) -> None:
    with lab("digits_branches", size=(80, 24), term=term) as terminal:
        screen = terminal.wait_for(r"joined +Concatenate +8×8×32")
        assert "Graph" in screen
        for key, words in (("3", "optimizer +Adam"), ("4", "trains"), ("5", "Layer .type.")):
            terminal.press(key)
            terminal.wait_for(words)
        terminal.press("1")
        terminal.wait_for(r"joined +Concatenate")
        terminal.resize(120, 40)
        terminal.wait_for(r"Training")
        terminal.press("?")
        terminal.wait_for(r"Adds a layer or operation after")
        terminal.press("esc")
        terminal.wait_until_gone(r"Adds a layer or operation after")
        terminal.press("q")
        assert terminal.ended() == 0


def test_the_command_line_shows_progress_and_stops_on_ctrl_c(long_experiment: Path, runs_dir: Path) -> None:
    with PseudoTerminal([KFLAB, "run", str(long_experiment)]) as terminal:
        terminal.wait_for(r"epoch \d+/100000 .*step")
        terminal.press("ctrl+c")
        terminal.wait_for(r"stopped after")
        assert terminal.ended() == 1
        assert not NATIVE.search(terminal.text)
    assert (running(runs_dir) / "model.keras").is_file()


def test_a_killed_lab_loses_nothing(tmp_path: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFLAB_STATE_DIR", str(tmp_path / "state"))
    path = tmp_path / "mine.yaml"
    path.write_text(LONG)
    beside = tmp_path / ".mine.yaml.kflab-unsaved"
    with lab(str(path)) as terminal:
        terminal.wait_for(r"650 params")
        terminal.press("o")
        terminal.wait_for(r"mine.yaml •")
        deadline = time.monotonic() + 30
        while not (beside.exists() and beside.stat().st_size):
            assert time.monotonic() < deadline, "nothing was kept"
            terminal.wait_for(r"mine.yaml •")
        terminal.hang_up(signal.SIGKILL)
        terminal.ended()
    assert document.read(path).model.outputs == ("digit",)
    with lab(str(path)) as terminal:
        terminal.wait_for(r"1 edit from .* not saved")
        terminal.press("r")
        terminal.wait_for(r"mine.yaml •")
        terminal.press("w")
        terminal.wait_until_gone(r"mine.yaml •")
        # A terminal that closes right after an edit loses nothing either.
        terminal.press("d")
        terminal.wait_for(r"mine.yaml •")
        terminal.hang_up()
        terminal.ended()
    assert document.read(path).model.outputs == ("digit", "image")
    assert beside.exists()
    with lab(str(path)) as terminal:
        terminal.wait_for(r"not saved")
        terminal.press("d")
        terminal.wait_for(r"650 params")
        terminal.press("q")
        assert terminal.ended() == 0
    assert not beside.exists()
