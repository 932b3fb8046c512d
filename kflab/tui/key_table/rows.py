"""The keys of lists, forms and dialogs."""

from __future__ import annotations

from kflab.tui.command import Command, Place

COMMANDS: tuple[Command, ...] = (
    Command("up", ("up", "k"), "List", "Up", "Goes one row up.", place=Place.ROWS),
    Command("down", ("down", "j"), "List", "Down", "Goes one row down.", place=Place.ROWS),
    Command("first", ("home",), "List", "First", "Goes to the first row.", place=Place.ROWS),
    Command("last", ("end", "G"), "List", "Last", "Goes to the last row.", place=Place.ROWS),
    Command("page_up", ("pageup",), "List", "Page up", "Goes one page up.", place=Place.ROWS),
    Command("page_down", ("pagedown",), "List", "Page down", "Goes one page down.", place=Place.ROWS),
    Command(
        "edit_row",
        ("enter",),
        "Form",
        "Change",
        "Changes the value of the row: type it, or choose it from a list.",
        label="Change",
        place=Place.FORM,
    ),
    Command(
        "toggle_row",
        ("space",),
        "Form",
        "Switch",
        "Switches a true or false, or takes the next choice.",
        label="Switch",
        place=Place.FORM,
    ),
    Command(
        "reset_row",
        ("backspace", "delete"),
        "Form",
        "Back to default",
        "Puts the value back to Keras' default.",
        label="Default",
        place=Place.FORM,
    ),
    Command(
        "open_row",
        ("right",),
        "Form",
        "Open",
        "Shows what stands under the row, such as the arguments of an initializer.",
        place=Place.FORM,
    ),
    Command(
        "shut_row",
        ("left",),
        "Form",
        "Shut",
        "Shuts away what stands under the row, or goes to the row above that it belongs to.",
        place=Place.FORM,
    ),
    Command(
        "accept",
        ("enter",),
        "Dialog",
        "Choose",
        "Takes what is chosen or typed.",
        label="Choose",
        place=Place.DIALOG,
    ),
    Command(
        "cancel",
        ("escape",),
        "Dialog",
        "Leave",
        "Leaves everything as it is.",
        label="Leave",
        place=Place.DIALOG,
    ),
)
"""What can be done in lists, forms and dialogs."""
