"""The keys that look at the data."""

from __future__ import annotations

from kflab.tui.command import Command, Place
from kflab.tui.situation import Pane, on

COMMANDS: tuple[Command, ...] = (
    Command(
        "data",
        ("L",),
        "Pane",
        "Data or node",
        "Shows what is in the data in place of the node, and back: figures, classes, samples.",
        label="Look",
    ),
)
"""What goes to the data from anywhere in the lab."""

PANE: tuple[Command, ...] = (
    Command(
        "data_view",
        ("enter",),
        "Data",
        "Figures, points or samples",
        "Turns from the figures to the points and the samples, and back.",
        label="Figures/samples",
        place=Place.DATA,
        when=on(Pane.DATA),
    ),
    Command(
        "data_next",
        ("right",),
        "Data",
        "More samples",
        "Leafs on to the next samples.",
        label="More",
        place=Place.DATA,
        when=on(Pane.DATA),
    ),
    Command(
        "data_previous",
        ("left",),
        "Data",
        "Samples before",
        "Leafs back to the samples before.",
        place=Place.DATA,
        when=on(Pane.DATA),
    ),
    Command(
        "data_next_class",
        ("right_square_bracket",),
        "Data",
        "Next class",
        "Shows the samples of the next class alone; after the last, those of all.",
        label="Class",
        place=Place.DATA,
        when=on(Pane.DATA),
    ),
    Command(
        "data_previous_class",
        ("left_square_bracket",),
        "Data",
        "Class before",
        "Shows the samples of the class before alone.",
        place=Place.DATA,
        when=on(Pane.DATA),
    ),
    Command(
        "data_augmented",
        ("x",),
        "Data",
        "Augmented or not",
        "Shows beside each image what augmentation makes of it, or no longer.",
        label="Augmented",
        place=Place.DATA,
        when=lambda now: now.pane is Pane.DATA and now.augments,
    ),
)
"""What can be done in the data pane."""
