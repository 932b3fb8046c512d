"""The rows of the inspector: everything that can be changed about one node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kflab.catalog import Argument, ArgumentKind, Catalog, Kind
from kflab.catalog.text import format_value
from kflab.experiment import Experiment
from kflab.graph import arguments, edits
from kflab.graph.edited import Edited
from kflab.graph.nodes import Call, Layer, Node, Op, Share
from kflab.tui.rows.arguments import entry_rows
from kflab.tui.rows.calls import call_rows, called_entry
from kflab.tui.rows.holder import Holder
from kflab.tui.rows.row import Option, Row, entry_help, entry_option
from kflab.values import Arguments, Value

ARGUMENTS = "arguments"
"""Where the paths of the rows of a layer's or operation's arguments begin."""


MODEL_SETTINGS = "model"
"""Where the paths of the rows of a nested model begin."""


def node_rows(
    catalog: Catalog,
    experiment: Experiment,
    graph: str,
    name: str,
    outputs: Mapping[str, int] | None = None,
) -> list[Row]:
    """The rows of node `name`: its name, what it calls, what feeds it, and the arguments of layer and call.

    `outputs` is how many tensors the nodes of the graph give, as far as it is known.
    """
    value = experiment.graph(graph)
    node = value.nodes[name]
    return [
        _name_row(graph, name),
        _target_row(catalog, experiment, graph, name),
        *_input_rows(node),
        *_argument_rows(catalog, experiment, graph, name),
        *_model_rows(experiment, graph, name),
        *call_rows(catalog, experiment, graph, name, outputs or {}),
    ]


def first_argument(rows: Sequence[Row]) -> tuple[str, ...]:
    """The key of the row that one most likely wants to change: the first argument, or else the name."""
    return next((row.key for row in rows if row.key[0] == ARGUMENTS), ("name",))


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
    entry = called_entry(catalog, experiment.graph(graph), name)

    def change(experiment: Experiment, value: Value) -> Edited:
        return edits.set_target(experiment, graph, name, target_of(str(value)))

    return Row(
        label=label,
        shown=shown,
        value=shown,
        help=entry_help(entry),
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


def _argument_rows(catalog: Catalog, experiment: Experiment, graph: str, name: str) -> Iterator[Row]:
    """The arguments of the layer or operation; those of a shared layer stand with its owner."""
    entry = called_entry(catalog, experiment.graph(graph), name)
    if entry is None:
        return

    def read(experiment: Experiment) -> Arguments:
        target = experiment.graph(graph).own(name).target
        return target.arguments if isinstance(target, Layer | Op) else {}

    def put(experiment: Experiment, argument: str, value: Value) -> Edited:
        return arguments.set_argument(experiment, graph, name, argument, value)

    def drop(experiment: Experiment, argument: str) -> Edited:
        return arguments.reset_argument(experiment, graph, name, argument)

    holder = Holder(name, read, put, drop)
    yield from entry_rows(catalog, entry, holder, experiment, path=(ARGUMENTS,))


def _model_rows(experiment: Experiment, graph: str, name: str) -> Iterator[Row]:
    """What can be set of a nested model: it holds for all its calls."""
    node = experiment.graph(graph).nodes[name]
    if not isinstance(node.target, Call) or node.target.model not in experiment.models:
        return

    model = node.target.model

    def put(experiment: Experiment, value: Value) -> Edited:
        return arguments.freeze(experiment, graph, [name], frozen=not value)

    yield Row(
        label="its name",
        path=(MODEL_SETTINGS, "name"),
        shown=model,
        value=model,
        help="The name of the nested model, wherever it is called.",
        argument=Argument("name", ArgumentKind.TEXT, required=True),
        apply=lambda experiment, value: edits.rename_model(experiment, model, str(value)),
    )
    trainable = experiment.models[model].trainable
    yield Row(
        label="trainable",
        path=(MODEL_SETTINGS, "trainable"),
        shown=format_value(trainable),
        value=trainable,
        help="Whether training changes the weights of the nested model, wherever it is called."
        "\ntrue or false · default true",
        changed=not trainable,
        argument=Argument("trainable", ArgumentKind.BOOL, default=True),
        apply=put,
        reset=lambda experiment: put(experiment, True),
    )


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
