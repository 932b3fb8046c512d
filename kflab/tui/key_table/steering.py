"""The keys that steer a run while it trains."""

from __future__ import annotations

from kflab.tui.command import Command, Place
from kflab.tui.situation import Pane, Situation


def _steers(now: Situation) -> bool:
    return now.training


def _in_sight(now: Situation) -> bool:
    return now.training and now.pane is Pane.TRAIN


COMMANDS: tuple[Command, ...] = tuple(
    Command(action, (key,), "Run", verb, text, label=label, place=Place.TRAIN, when=_steers, shown=_in_sight)
    for action, key, verb, label, text in (
        (
            "pause_run",
            "space",
            "Pause, or go on",
            "Pause/go on",
            "Pauses the run after this step, with a snapshot, and lets it go on.",
        ),
        (
            "learning_rate",
            "k",
            "Learning rate",
            "Rate",
            "Sets the learning rate from the next step on: a number, or a part of what it is.",
        ),
        ("more_epochs", "plus", "One epoch more", "", "Trains for one epoch more."),
        ("fewer_epochs", "minus", "One epoch fewer", "", "Trains for one epoch fewer."),
        (
            "evaluate_run",
            "V",
            "Evaluate now",
            "Evaluate",
            "Holds the model as it is now against the validation split.",
        ),
        (
            "stop_after_epoch",
            "J",
            "Stop after this epoch",
            "Stop after epoch",
            "Asks the run to stop after this epoch; the model is kept.",
        ),
        ("snapshot_run", "w", "Snapshot now", "Snapshot", "Takes a snapshot of the run now, to go on from."),
    )
)
"""What can be asked of a run at work."""
