"""The keys of the queue, and of the list of runs that shows it."""

from __future__ import annotations

from kflab.tui.command import Command, Place

COMMANDS: tuple[Command, ...] = (
    Command(
        "queue",
        ("Q",),
        "Run",
        "Queue",
        "Puts the experiment in the queue: it is trained when a GPU, or without one the CPU, is free.",
        label="Queue",
        shown=lambda now: now.training,
    ),
)
"""What puts a run in the queue."""

LIST: tuple[Command, ...] = tuple(
    Command(action, (key,), "Run", verb, text, place=Place.RUNS)
    for action, key, verb, text in (
        (
            "stop_run",
            "s",
            "Stop, or take out",
            "Stops the run and keeps its model; takes one that waits out.",
        ),
        ("pause", "space", "Pause, or go on", "Pauses the run after this step, and lets it go on."),
        ("resume", "G", "Go on", "Goes on with a run that is over from its newest snapshot."),
        ("sooner", "u", "Up in the queue", "Moves a run that waits one place up."),
        ("later", "d", "Down in the queue", "Moves a run that waits one place down."),
        ("wait", "Q", "Queue", "Puts a run that was taken out, or that ended early, in the queue."),
        ("hold", "h", "Hold, or release", "Starts nothing new from the queue for now, and goes on."),
    )
)
"""What can be done in the list of runs."""
