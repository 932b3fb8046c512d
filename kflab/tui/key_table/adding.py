"""The keys of the line that adds nodes."""

from __future__ import annotations

from kflab.tui.command import Command, Place

COMMANDS: tuple[Command, ...] = (
    Command(
        "accept",
        ("enter",),
        "Line",
        "Add",
        "Adds what the line says, or what is chosen from the list.",
        place=Place.QUICK_ADD,
    ),
    Command(
        "complete",
        ("tab",),
        "Line",
        "Complete",
        "Completes the word with what is chosen from the list, or with the first of it.",
        place=Place.QUICK_ADD,
    ),
    Command(
        "list('up')",
        ("up", "ctrl+p"),
        "Line",
        "Up",
        "Goes one up in the list, and from its top back to the line.",
        place=Place.QUICK_ADD,
    ),
    Command(
        "list('down')",
        ("down", "ctrl+n"),
        "Line",
        "Down",
        "Goes one down in the list.",
        place=Place.QUICK_ADD,
    ),
    Command(
        "list('page_up')",
        ("pageup",),
        "Line",
        "Page up",
        "Goes one page up in the list.",
        place=Place.QUICK_ADD,
    ),
    Command(
        "list('page_down')",
        ("pagedown",),
        "Line",
        "Page down",
        "Goes one page down in the list.",
        place=Place.QUICK_ADD,
    ),
    Command(
        "cancel",
        ("escape",),
        "Line",
        "Leave",
        "Leaves everything as it is.",
        place=Place.QUICK_ADD,
    ),
)
"""What can be done in the line that adds nodes."""
