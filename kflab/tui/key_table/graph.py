"""The keys that act on the graph."""

from __future__ import annotations

from kflab.tui.command import Command
from kflab.tui.situation import Pane, Situation, on


def _on_node(now: Situation) -> bool:
    return now.node and now.pane in {Pane.GRAPH, Pane.NODE}


COMMANDS: tuple[Command, ...] = (
    Command(
        "add",
        ("a",),
        "Node",
        "Add a layer or operation",
        "Adds a layer or operation after the selected node, fed by it; what it fed is fed by the new one.",
        label="Add",
        when=on(Pane.GRAPH, Pane.NODE),
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
        when=on(Pane.GRAPH, Pane.NODE),
    ),
)
"""What can be done with the selected node and the graph."""
