"""The rows of the inspector: everything that can be changed about one node."""

from __future__ import annotations

from collections.abc import Sequence

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.text import format_value
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share
from kflab.tui.rows.row import Option, Row, argument_row, entry_option
from kflab.values import Arguments, Value


def node_rows(catalog: Catalog, experiment: Experiment, graph: str, name: str) -> list[Row]:
    """The rows of node `name`: its name, what it calls, what feeds it, and the arguments of its layer."""
    value = experiment.graph(graph)
    node = value.nodes[name]
    return [
        _name_row(graph, name),
        _target_row(catalog, experiment, graph, name),
        *_input_rows(node),
        *_argument_rows(catalog, value, graph, name),
        *_call_rows(node),
    ]


def first_argument(rows: Sequence[Row]) -> str:
    """The row that one most likely wants to change: the first argument of the layer, or else the name."""
    arguments = (row.label for row in rows if row.argument is not None and row.label != "name")
    return next(arguments, "name")


def entry_of(catalog: Catalog, graph: Graph, name: str) -> Entry | None:
    """The catalog's entry of what a node calls; nested models have none."""
    match graph.own(name).target:
        case Layer(layer=layer):
            return catalog.find(Kind.LAYER, layer)
        case Op(op=op):
            return catalog.find(Kind.OP, op)
        case _:
            return None


def _name_row(graph: str, name: str) -> Row:
    def rename(experiment: Experiment, value: Value) -> Edited:
        return edits.rename(experiment, graph, name, str(value))

    return Row(
        label="name",
        shown=name,
        value=name,
        help="The name of the node, and of its layer in Keras.",
        argument=Argument("name", ArgumentKind.TEXT, required=True),
        apply=rename,
    )


def _target_row(catalog: Catalog, experiment: Experiment, graph: str, name: str) -> Row:
    node = experiment.graph(graph).nodes[name]
    match node.target:
        case Layer(layer=shown):
            label = "layer"
        case Op(op=shown):
            label = "operation"
        case Share(node=owner):
            label, shown = "layer", f"the layer of {owner}, with its weights"
        case Call(model=shown):
            label = "model"
    entry = entry_of(catalog, experiment.graph(graph), name)

    def change(experiment: Experiment, value: Value) -> Edited:
        return edits.set_target(experiment, graph, name, target_of(str(value)))

    return Row(
        label=label,
        shown=shown,
        value=shown,
        help=f"{entry.summary}\n\n{entry.text}".strip() if entry else "",
        options=None if node.is_input else lambda: target_options(catalog, experiment, graph),
        apply=None if node.is_input else change,
    )


def _input_rows(node: Node) -> list[Row]:
    if node.is_input:
        return []
    return [
        Row(
            label="from",
            shown=", ".join(node.inputs) or "nothing",
            help="What it is called with, in order. Enter connects another node, backspace takes one away.",
            action="connect",
            reset_action="disconnect",
        )
    ]


def _argument_rows(catalog: Catalog, graph: Graph, graph_name: str, name: str) -> list[Row]:
    target = graph.own(name).target
    entry = entry_of(catalog, graph, name)
    if entry is None or not isinstance(target, (Layer, Op)):
        return []

    def row(argument: Argument) -> Row:
        def set_it(experiment: Experiment, value: Value) -> Edited:
            return edits.set_argument(experiment, graph_name, name, argument.name, value)

        def reset_it(experiment: Experiment) -> Edited:
            return edits.reset_argument(experiment, graph_name, name, argument.name)

        return argument_row(catalog, argument, target.arguments, apply=set_it, reset=reset_it)

    # The node's name is the layer's name.
    return [row(argument) for argument in _in_order(entry, target.arguments) if argument.name != "name"]


def _in_order(entry: Entry, arguments: Arguments) -> list[Argument]:
    """Required arguments first, then those that are set; the others as in Keras."""
    return sorted(
        entry.arguments, key=lambda argument: (not argument.required, argument.name not in arguments)
    )


def _call_rows(node: Node) -> list[Row]:
    named = [
        Row(
            label=key,
            shown=value if isinstance(value, str) else ", ".join(value),
            help="A tensor passed by name.",
        )
        for key, value in node.named.items()
    ]
    return named + [
        Row(label=key, shown=format_value(value), changed=True, help="An argument of the call.")
        for key, value in node.call.items()
    ]


MODEL = "model "
SHARE = "layer of "


def target_of(choice: str) -> Layer | Op | Call | Share:
    """What an option of `target_options` stands for."""
    if choice.startswith(MODEL):
        return Call(choice.removeprefix(MODEL))
    if choice.startswith(SHARE):
        return Share(choice.removeprefix(SHARE))
    return Op(choice) if choice.startswith("ops.") else Layer(choice)


def target_options(catalog: Catalog, experiment: Experiment, graph: str) -> list[Option]:
    """Everything that a node can call: layers by group, operations, nested models, layers of other nodes."""
    value = experiment.graph(graph)
    layers = [entry_option(entry) for entry in catalog.entries(Kind.LAYER) if not entry.unsafe]
    operations = [entry_option(entry) for entry in catalog.entries(Kind.OP) if not entry.unsafe]
    models = [
        Option(
            f"{MODEL}{name}",
            name,
            group="nested models",
            help=f"Calls the model {name} with the same weights everywhere.",
        )
        for name in experiment.models
        if name != graph
    ]
    shared = [
        Option(
            f"{SHARE}{name}",
            name,
            detail=f"{node.target.layer}, shared",
            group="shared layers",
            help=f"Calls the {node.target.layer} of {name} once more, with the same weights.",
            words=("share", node.target.layer),
        )
        for name, node in value.nodes.items()
        if isinstance(node.target, Layer) and not node.is_input
    ]
    return [*layers, *models, *shared, *operations]
