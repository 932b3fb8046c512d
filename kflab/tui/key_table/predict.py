"""The keys about what a model says of samples."""

from __future__ import annotations

from kflab.tui.command import Command, Place
from kflab.tui.situation import Pane, on

COMMANDS: tuple[Command, ...] = (
    Command(
        "predict",
        ("C",),
        "Pane",
        "Predictions or node",
        "Shows what the model of the run says of test samples in place of the node, and back.",
        label="Predict",
        shown=lambda now: now.run and not now.training,
    ),
)
"""What goes to the predictions from anywhere in the lab."""

PANE: tuple[Command, ...] = (
    Command(
        "predict_open",
        ("enter",),
        "Predictions",
        "Samples of the cell",
        "Shows the samples of the cell under the cursor with their probabilities; of values, the worst ones.",
        label="Samples",
        place=Place.PREDICT,
        when=on(Pane.PREDICT),
    ),
    Command(
        "predict_mistakes",
        ("x",),
        "Predictions",
        "All mistakes",
        "Shows the samples that were taken for another class, the surest mistakes first.",
        label="Mistakes",
        place=Place.PREDICT,
        when=on(Pane.PREDICT),
    ),
    Command(
        "predict_source",
        ("o",),
        "Predictions",
        "Own files",
        "Asks for a file or folder of your own to predict; nothing typed goes back to the test split.",
        label="Own files",
        place=Place.PREDICT,
        when=on(Pane.PREDICT),
    ),
    Command(
        "predict_model",
        ("b",),
        "Predictions",
        "Best or final model",
        "Turns from the model at the end of the run to that of its best epoch, and back.",
        label="Best/final",
        place=Place.PREDICT,
        when=on(Pane.PREDICT),
    ),
    Command(
        "predict_output",
        ("right_square_bracket",),
        "Predictions",
        "Next output",
        "Turns to the next output of the model.",
        place=Place.PREDICT,
        when=on(Pane.PREDICT),
    ),
    *(
        Command(
            f"predict_{way}",
            (way, *more),
            "Predictions",
            title,
            text,
            place=Place.PREDICT,
            when=on(Pane.PREDICT),
        )
        for way, more, title, text in (
            ("up", ("k",), "Up", "Goes one cell up, or scrolls."),
            ("down", ("j",), "Down", "Goes one cell down, or scrolls."),
            ("left", (), "Left", "Goes one cell to the left, or leafs back to the samples before."),
            ("right", (), "Right", "Goes one cell to the right, or leafs on to the next samples."),
        )
    ),
    Command(
        "predict_back",
        ("escape",),
        "Predictions",
        "Back",
        "Goes back from the samples to the matrix, and from there to the graph.",
        place=Place.PREDICT,
        when=on(Pane.PREDICT),
    ),
)
"""What can be done in the pane of predictions."""
