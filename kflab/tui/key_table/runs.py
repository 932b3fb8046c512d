"""The keys that train and watch."""

from __future__ import annotations

from kflab.tui.command import Command
from kflab.tui.situation import Pane, Situation, on


def _on_curves(now: Situation) -> bool:
    return now.run and now.pane is Pane.TRAIN


COMMANDS: tuple[Command, ...] = (
    Command(
        "train",
        ("t",),
        "Run",
        "Train",
        "Starts a run of the experiment in a process of its own; it goes on when the lab is closed.",
        label="Train",
        kept=True,
        shown=lambda now: not now.training,
    ),
    Command(
        "stop",
        ("s",),
        "Run",
        "Stop",
        "Asks the run to stop after this step; the model is kept.",
        label="Stop",
        kept=True,
        when=lambda now: now.training,
    ),
    Command(
        "resume_run",
        ("G",),
        "Run",
        "Go on",
        "Goes on with the run from its newest snapshot: one that was stopped, failed, died or is done.",
        label="Go on",
        when=lambda now: now.run and not now.training,
        shown=on(Pane.TRAIN),
    ),
    Command(
        "console",
        ("O", "l"),
        "Run",
        "Console output",
        "Shows what the run has printed.",
        label="Console",
        when=lambda now: now.run,
        shown=on(Pane.TRAIN),
    ),
    Command(
        "next_charts",
        ("right_square_bracket",),
        "Run",
        "More charts",
        "Shows the charts that there was no room for.",
        when=_on_curves,
    ),
    Command(
        "previous_charts",
        ("left_square_bracket",),
        "Run",
        "Charts before",
        "Goes back to the charts before.",
        when=_on_curves,
    ),
    Command(
        "log_scale",
        ("y",),
        "Run",
        "Logarithmic curves, or linear again",
        "Makes the y axes of the curves logarithmic, or linear again.",
        when=_on_curves,
    ),
    Command(
        "surface",
        ("B",),
        "Run",
        "Decision surface, or curves alone",
        "Shows beside the curves what the model says of each place of the plane, for data of two numbers.",
        when=_on_curves,
    ),
    Command(
        "runs", ("R",), "Run", "List all", "Lists all runs, to watch, stop or look at one.", label="Runs"
    ),
)
"""What can be done with runs."""
