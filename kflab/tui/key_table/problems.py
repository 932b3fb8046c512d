"""The keys about what is wrong with an experiment, and what it will cost."""

from __future__ import annotations

from kflab.tui.command import Command, Place
from kflab.tui.situation import Pane, Situation, on


def _in_list(now: Situation) -> bool:
    return now.pane is Pane.PROBLEMS and now.problem


FIX: tuple[Command, ...] = (
    Command(
        "fix",
        ("f",),
        "Problem",
        "Fix",
        "Fixes the selected problem, or the first of the selected node or setting that there is a fix for.",
        label="Fix",
        when=lambda now: now.fixable,
        shown=lambda now: now.pane is not Pane.PROBLEMS,
    ),
)
"""What mends what is selected: where it applies, nothing is nearer."""

COMMANDS: tuple[Command, ...] = (
    Command(
        "problems",
        ("p",),
        "Pane",
        "Problems or node",
        "Shows what is wrong with the experiment in place of the node, and back.",
        label="Problems",
    ),
    Command(
        "cost",
        ("K",),
        "Experiment",
        "What it will cost",
        "Shows memory and work before training, and measures a step of it.",
        label="Cost",
        shown=on(Pane.SETUP, Pane.PROBLEMS, Pane.SUMMARY),
    ),
)
"""What can be done about problems from anywhere in the lab."""

LIST: tuple[Command, ...] = (
    Command(
        "fix",
        ("f",),
        "Problem",
        "Fix",
        "Fixes the problem under the cursor, in one step that can be undone.",
        label="Fix",
        place=Place.PROBLEMS,
        when=lambda now: _in_list(now) and now.fixable,
    ),
    Command(
        "go_to_problem",
        ("enter",),
        "Problem",
        "Go to it",
        "Goes to the node or the setting that the problem is about.",
        label="Go to",
        place=Place.PROBLEMS,
        when=_in_list,
    ),
    Command(
        "explain",
        ("x",),
        "Problem",
        "Explain",
        "Shows all there is to say about the rule, with an example.",
        label="Explain",
        place=Place.PROBLEMS,
        when=_in_list,
    ),
    Command(
        "ignore",
        ("i",),
        "Problem",
        "Switch its rule off",
        "Writes into the document that the rule is not to be looked for; setup and undo take that back.",
        label="Ignore",
        place=Place.PROBLEMS,
        when=_in_list,
    ),
    Command(
        "fix_all",
        ("F",),
        "Problem",
        "Fix all that is safe",
        "Fixes everything whose fix changes nothing but what is wrong, in one step.",
        label="Fix all",
        place=Place.PROBLEMS,
        when=lambda now: now.pane is Pane.PROBLEMS and now.fixes > 1,
    ),
)
"""What can be done in the list of problems."""

COST: tuple[Command, ...] = (
    Command(
        "smoke",
        ("K", "enter"),
        "Cost",
        "Smoke step",
        "Runs one real batch forward and backward, in a process of its own, and measures it.",
        place=Place.COST,
    ),
    Command(
        "close",
        ("escape", "q"),
        "Cost",
        "Back",
        "Cancels the smoke step that is under way, or goes back to the lab.",
        place=Place.COST,
    ),
    Command("scroll(1)", ("j",), "Cost", "Down", "Scrolls one line down.", place=Place.COST),
    Command("scroll(-1)", ("k",), "Cost", "Up", "Scrolls one line up.", place=Place.COST),
)
"""What can be done in the view of the cost."""
