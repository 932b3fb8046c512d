"""Every key of the lab in one table; bindings, footer, help and the palette are made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textual.binding import Binding

from kflab.tui.command import Command, Place, key_text
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


def _on_node(now: Situation) -> bool:
    return now.node and now.pane in {Pane.GRAPH, Pane.NODE}


def _on(*panes: Pane) -> Callable[[Situation], bool]:
    return lambda now: now.pane in panes


def _on_curves(now: Situation) -> bool:
    return now.run and now.pane is Pane.TRAIN


COMMANDS: tuple[Command, ...] = (
    Command(
        "add",
        ("a",),
        "Node",
        "Add a layer or operation",
        "Adds a layer or operation after the selected node, fed by it; what it fed is fed by the new one.",
        label="Add",
        when=_on(Pane.GRAPH, Pane.NODE),
    ),
    Command(
        "branch",
        ("b",),
        "Node",
        "Add a branch",
        "Adds a layer or operation that the selected node feeds, beside what it feeds already.",
        label="Branch",
        when=_on_node,
    ),
    Command(
        "open_node",
        ("enter",),
        "Node",
        "Edit its arguments",
        "Goes to the arguments of the selected node, or into the nested model that it calls.",
        label="Edit",
        when=lambda now: now.pane is Pane.GRAPH and now.node,
    ),
    Command(
        "connect",
        ("c",),
        "Node",
        "Connect another input",
        "Feeds the selected node with one more node; only nodes that would make no cycle are offered.",
        label="Connect",
        when=_on_node,
    ),
    Command(
        "disconnect",
        ("x",),
        "Node",
        "Disconnect an input",
        "Takes one of the inputs of the selected node away.",
        when=lambda now: _on_node(now) and now.inputs,
    ),
    Command(
        "delete",
        ("d",),
        "Node",
        "Delete",
        "Deletes the selected node and closes the gap.",
        label="Delete",
        when=_on_node,
    ),
    Command(
        "rename",
        ("r",),
        "Node",
        "Rename",
        "Gives the selected node another name, everywhere it is used.",
        when=_on_node,
    ),
    Command(
        "toggle_output",
        ("o",),
        "Node",
        "Make it an output, or no longer",
        "Makes the selected node an output of the model, or takes that back.",
        when=_on_node,
    ),
    Command(
        "undo", ("u",), "Edit", "Undo", "Takes the last edit back.", label="Undo", when=lambda now: now.undo
    ),
    Command(
        "redo",
        ("U", "ctrl+r"),
        "Edit",
        "Redo",
        "Does again what was undone.",
        label="Redo",
        when=lambda now: now.redo,
    ),
    Command(
        "find",
        ("slash",),
        "Node",
        "Find",
        "Finds a node by its name or layer and selects it.",
        when=_on(Pane.GRAPH, Pane.NODE),
    ),
    Command(
        "setup",
        ("g",),
        "Pane",
        "Setup or node",
        "Shows data, optimizer, loss, metrics and callbacks in place of the node, and back.",
        label="Setup",
    ),
    Command(
        "summary",
        ("v",),
        "Pane",
        "Summary or node",
        "Shows the Keras summary of the model in place of the node, and back.",
        label="Summary",
    ),
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
        "console",
        ("O", "l"),
        "Run",
        "Console output",
        "Shows what the run has printed.",
        label="Console",
        when=lambda now: now.run,
        shown=_on(Pane.TRAIN),
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
        "runs", ("R",), "Run", "List all", "Lists all runs, to watch, stop or look at one.", label="Runs"
    ),
    Command(
        "save",
        ("w",),
        "File",
        "Save",
        "Writes the experiment to its file; comments in the file survive.",
        label="Save",
        kept=True,
        when=lambda now: now.unsaved,
    ),
    Command("save_as", ("W",), "File", "Save as", "Writes the experiment to another file."),
    Command("open", ("e",), "File", "Open", "Opens an experiment: a preset, or a file.", label="Open"),
    Command("presets", ("p",), "File", "Open a preset", "Opens one of the experiments that came with kflab."),
    Command("new", ("n",), "File", "New", "Starts an experiment with nothing but an Input for the dataset."),
    Command("pane(0)", ("1",), "Pane", "Graph", "Goes to the graph."),
    Command("pane(1)", ("2",), "Pane", "Node", "Goes to the arguments of the selected node."),
    Command("pane(2)", ("3",), "Pane", "Setup", "Goes to data, optimizer, loss, metrics and callbacks."),
    Command("pane(3)", ("4",), "Pane", "Train", "Goes to the training curves."),
    Command("pane(4)", ("5",), "Pane", "Summary", "Goes to the Keras summary."),
    Command(
        "back",
        ("escape",),
        "Pane",
        "Back",
        "Leaves the nested model, or goes back to the graph.",
        when=lambda now: now.nested or now.pane is not Pane.GRAPH,
    ),
    Command(
        "restart_engine",
        (),
        "Engine",
        "Start again",
        "Starts the engine again after it has failed; its log says why it did.",
        when=lambda now: now.engine_failed,
    ),
    Command(
        "palette",
        ("colon", "ctrl+p"),
        "Lab",
        "All commands",
        "Lists every command that applies now.",
        label="Commands",
    ),
    Command(
        "help",
        ("question_mark", "f1"),
        "Lab",
        "Help",
        "Shows every key and what it does.",
        label="Help",
        kept=True,
    ),
    Command("leave", ("q", "ctrl+q"), "Lab", "Quit", "Leaves the lab; runs go on.", label="Quit"),
    # Lists and forms
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
    # Dialogs
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


def footer(now: Situation) -> list[Command]:
    """What the footer shows now, in its order; a form's own keys come first."""
    form = [Place.FORM] if now.pane in {Pane.NODE, Pane.SETUP} else []
    return [
        command
        for place in (*form, Place.LAB)
        for command in commands(place)
        if command.label and command.when(now) and command.shown(now)
    ]
