"""Every key of the lab in one table; bindings, footer, help and the palette are made from it."""

from __future__ import annotations

from collections.abc import Iterator

from textual.binding import Binding

from kflab.tui.command import Command, Place, key_text
from kflab.tui.key_table import adding, data, graph, lab, predict, problems, queue, rows, runs, steering
from kflab.tui.situation import WIDE, Pane, Situation, is_narrow

__all__ = [
    "COMMANDS",
    "WIDE",
    "Command",
    "Pane",
    "Place",
    "Situation",
    "bindings",
    "commands",
    "find",
    "footer",
    "is_narrow",
    "key_text",
]


COMMANDS: tuple[Command, ...] = (
    *problems.FIX,
    *graph.COMMANDS,
    *lab.VIEWS,
    *data.COMMANDS,
    *problems.COMMANDS,
    *runs.COMMANDS,
    *queue.COMMANDS,
    *predict.COMMANDS,
    *lab.FILES,
    *lab.PANES,
    *lab.WHOLE,
    *rows.COMMANDS,
    *data.PANE,
    *problems.LIST,
    *predict.PANE,
    *steering.COMMANDS,
    *queue.LIST,
    *problems.COST,
    *adding.COMMANDS,
)
"""Every command. The lab's own come in the order of the footer."""


def commands(place: Place) -> Iterator[Command]:
    """The commands of one place."""
    return (command for command in COMMANDS if command.place is place)


def bindings(place: Place) -> list[Binding]:
    """The bindings of one place."""
    return [command.binding() for command in commands(place) if command.keys]


def find(action: str, place: Place = Place.LAB) -> Command | None:
    """The command that runs an action, if there is one; `pane` finds the first of its five."""
    return next((command for command in commands(place) if command.action.partition("(")[0] == action), None)


_OWN = {
    Pane.NODE: Place.FORM,
    Pane.SETUP: Place.FORM,
    Pane.DATA: Place.DATA,
    Pane.PROBLEMS: Place.PROBLEMS,
    Pane.PREDICT: Place.PREDICT,
    Pane.TRAIN: Place.TRAIN,
}
"""The panes that have keys of their own."""


def footer(now: Situation) -> list[Command]:
    """What the footer shows now, in its order; a pane's own keys come first."""
    own = _OWN.get(now.pane)
    return [
        command
        for place in (*([own] if own else []), Place.LAB)
        for command in commands(place)
        if command.label and command.when(now) and command.shown(now)
    ]
