"""The keys that act on the graph."""

from __future__ import annotations

from kflab.tui.command import Command
from kflab.tui.situation import Pane, Situation, on


def _on_node(now: Situation) -> bool:
    return now.node and now.pane in {Pane.GRAPH, Pane.NODE}


def _on_edge(now: Situation) -> bool:
    return _on_node(now) and now.inputs


def _in_graph(now: Situation) -> bool:
    return now.node and now.pane is Pane.GRAPH


def _on_row(now: Situation) -> bool:
    return now.row and now.pane is Pane.GRAPH


def _on_several(now: Situation) -> bool:
    return (now.node or now.block or now.marked > 0) and now.pane in {Pane.GRAPH, Pane.NODE}


def _marked(now: Situation) -> bool:
    return _on_several(now) and now.marked > 0


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
        shown=lambda now: not now.marked,
    ),
    Command(
        "merge",
        ("m",),
        "Node",
        "Merge the marked nodes",
        "Adds a layer or operation that the marked nodes feed, in the order they were marked.",
        label="Merge",
        when=_on_several,
        shown=_marked,
    ),
    Command(
        "open_node",
        ("enter",),
        "Node",
        "Edit its arguments",
        "Goes to the arguments of the selected node, or into the nested model that it calls.",
        label="Edit",
        when=_on_row,
        shown=lambda now: not now.marked,
    ),
    Command(
        "connect",
        ("c",),
        "Node",
        "Connect another input",
        "Feeds the selected node with one more node; only nodes that would make no cycle are offered.",
        label="Connect",
        when=_on_node,
        shown=lambda now: not now.marked,
    ),
    Command(
        "disconnect",
        ("x",),
        "Node",
        "Disconnect an input",
        "Takes one of the inputs of the selected node away.",
        when=_on_edge,
    ),
    Command(
        "delete",
        ("d",),
        "Node",
        "Delete",
        "Deletes the marked nodes, or the selected one, and closes the gaps.",
        label="Delete",
        when=_on_several,
    ),
    Command(
        "mark",
        ("space",),
        "Node",
        "Mark, or no longer",
        "Marks the selected node: merging, grouping, copying, deleting and freezing act on the marked ones.",
        label="Mark",
        when=lambda now: now.pane is Pane.GRAPH and (now.node or now.block),
    ),
    Command(
        "group",
        ("E",),
        "Node",
        "Group into a nested model, or ungroup",
        "Makes the marked nodes, or the selected one, a nested model. A call of one, with nothing marked, is "
        "replaced by its nodes.",
        label="Group",
        when=_on_several,
        shown=lambda now: now.marked > 0 or now.calls,
    ),
    Command(
        "add_before",
        ("A",),
        "Node",
        "Add before",
        "Adds a layer or operation before the selected node: it takes over its input and feeds it.",
        when=_on_node,
    ),
    Command(
        "insert",
        ("i",),
        "Node",
        "Insert on an edge",
        "Adds a layer or operation between the selected node and one of those that feed it.",
        when=_on_edge,
    ),
    Command(
        "order_inputs",
        ("I",),
        "Node",
        "Order the inputs",
        "Moves an input of the selected node to another place; on an Input, the order of the model's inputs.",
        when=lambda now: _on_node(now) and (now.inputs or now.starts),
    ),
    Command(
        "duplicate",
        ("D",),
        "Node",
        "Duplicate",
        "Copies the marked nodes, or the selected one, beside themselves, fed by what feeds them.",
        when=_on_several,
    ),
    Command(
        "copy",
        ("Y",),
        "Node",
        "Copy",
        "Copies the marked nodes, or the selected one, for pasting here, elsewhere or in another lab.",
        label="Copy",
        when=_on_several,
        shown=_marked,
    ),
    Command(
        "cut",
        ("X",),
        "Node",
        "Cut",
        "Takes the marked nodes, or the selected one, away, for pasting elsewhere.",
        when=_on_several,
    ),
    Command(
        "paste",
        ("P",),
        "Node",
        "Paste",
        "Puts what was copied last, in this lab or another one, after the selected node.",
        when=on(Pane.GRAPH, Pane.NODE),
    ),
    Command(
        "change_type",
        ("T",),
        "Node",
        "Change the layer's type",
        "Lets the selected node call another layer or operation; the arguments that fit stay.",
        when=_on_node,
    ),
    Command(
        "share",
        ("S",),
        "Node",
        "Share a layer, or have its own",
        "Lets the selected node call the layer of another one, with the same weights, or takes that back.",
        when=_on_node,
    ),
    Command(
        "freeze",
        ("F",),
        "Node",
        "Freeze, or train again",
        "Leaves the weights of the marked nodes, or of the selected one, alone in training, or no longer.",
        when=_on_several,
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
        "order_outputs",
        (),
        "Model",
        "Order the outputs",
        "Moves an output of the model to another place.",
        when=on(Pane.GRAPH, Pane.NODE),
    ),
    Command(
        "rename_model",
        (),
        "Model",
        "Rename",
        "Gives the nested model that the node calls another name, or else the model that is shown.",
        when=on(Pane.GRAPH, Pane.NODE),
    ),
    Command(
        "delete_model",
        (),
        "Model",
        "Delete a nested model",
        "Takes a nested model away that nothing calls any more.",
        when=lambda now: now.models,
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
    Command(
        "to_input",
        ("left",),
        "Graph",
        "Go to an input",
        "Goes along an edge to what feeds the node; asks which where several do.",
        when=_on_row,
    ),
    Command(
        "to_consumer",
        ("right",),
        "Graph",
        "Go to a consumer",
        "Goes along an edge to what the node feeds; asks which where it feeds several.",
        when=_on_row,
    ),
    Command(
        "fold",
        ("z",),
        "Graph",
        "Fold or unfold",
        "Shows a repeated block in one row, or its nodes; shows a nested model below the node that calls it.",
        when=_on_row,
    ),
    Command(
        "fold_all",
        ("Z",),
        "Graph",
        "Fold or unfold everything",
        "Folds all repeated blocks and nested models, or opens them all.",
        when=_on_row,
    ),
)
"""What can be done with the selected node and the graph."""
