"""A fault of kflab itself, in a real terminal: one line, and nothing of the work is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .pseudo_terminal import PseudoTerminal

EXPERIMENT = """\
kflab: 1
title: Small
data: {source: digits}
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    pixels: {Flatten: {}, from: image}
  outputs: [pixels]
"""

BROKEN = """\
import sys
from kflab.tui.screens.lab import LabScreen

def action_help(self):
    secret_local = 'shown by nobody'
    raise ZeroDivisionError('for the test')

LabScreen.action_help = action_help
sys.argv = ['kflab', sys.argv[1]]
from kflab.__main__ import main
main()
"""


def test_a_fault_is_one_line_and_keeps_what_was_not_saved(
    tmp_path: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFLAB_STATE_DIR", str(tmp_path / "state"))
    path = tmp_path / "mine.yaml"
    path.write_text(EXPERIMENT)
    with PseudoTerminal([sys.executable, "-c", BROKEN, str(path)]) as terminal:
        terminal.wait_for(r"pixels +Flatten")
        terminal.press("o")
        terminal.wait_for(r"mine.yaml •")
        terminal.press("?")
        assert terminal.ended() == 1
        assert "a fault of kflab itself (ZeroDivisionError: for the test)" in terminal.text
        assert "Traceback" not in terminal.text
        assert "secret_local" not in terminal.text
    log = (tmp_path / "state" / "faults.log").read_text()
    assert "ZeroDivisionError: for the test" in log
    assert "action_help" in log
    assert (tmp_path / ".mine.yaml.kflab-unsaved").stat().st_size
