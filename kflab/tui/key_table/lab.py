"""The keys of files, panes and the lab itself."""

from __future__ import annotations

from kflab.tui.command import Command
from kflab.tui.situation import Pane

VIEWS: tuple[Command, ...] = (
    Command(
        "setup",
        ("g",),
        "Pane",
        "Setup or node",
        "Shows data, optimizer, loss, metrics and callbacks in place of the node, and back.",
        label="Setup",
    ),
    Command(
        "code",
        ("v",),
        "Pane",
        "Code or node",
        "Shows the Keras script of the experiment in place of the node, and back.",
        label="Code",
    ),
    Command(
        "summary",
        ("V",),
        "Pane",
        "Summary or node",
        "Shows the Keras summary of the model in place of the node, and back.",
    ),
)
"""What shows another pane beside the graph."""

FILES: tuple[Command, ...] = (
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
    Command("presets", (), "File", "Open a preset", "Opens one of the experiments that came with kflab."),
    Command("new", ("n",), "File", "New", "Starts an experiment with nothing but an Input for the dataset."),
)
"""What can be done with files."""

_LEADS_TO = {
    Pane.GRAPH: "the graph",
    Pane.NODE: "the arguments of the selected node",
    Pane.SETUP: "data, optimizer, loss, metrics and callbacks",
    Pane.TRAIN: "the training curves",
    Pane.SUMMARY: "the Keras summary",
    Pane.CODE: "the Keras script",
    Pane.DATA: "what is in the data",
    Pane.PROBLEMS: "what is wrong with the experiment",
    Pane.PREDICT: "what the model of the run says of samples",
}
"""What each pane shows; its digit is its place among the panes."""

PANES: tuple[Command, ...] = (
    *(
        Command(f"pane({number})", (str(number + 1),), "Pane", pane.value, f"Goes to {_LEADS_TO[pane]}.")
        for number, pane in enumerate(Pane)
    ),
    Command(
        "back",
        ("escape",),
        "Pane",
        "Back",
        "Takes the marks away, leaves the nested model, or goes back to the graph.",
        label="Back",
        when=lambda now: bool(now.marked) or now.nested or now.pane is not Pane.GRAPH,
        shown=lambda now: bool(now.marked) or now.nested,
    ),
)
"""What goes to a pane, or back."""

WHOLE: tuple[Command, ...] = (
    Command(
        "restart_engine",
        (),
        "Engine",
        "Start again",
        "Starts the engine again after it has failed; its log says why it did.",
        when=lambda now: now.engine_failed,
    ),
    Command(
        "device",
        ("M",),
        "Engine",
        "Backend and device",
        "Chooses Keras' backend and what is trained on, of what this machine has.",
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
)
"""What is about the lab as a whole."""
