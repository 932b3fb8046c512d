"""The rows about the call of a node: arguments such as `training`, and tensors that are given by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind, TensorArgument
from kflab.experiment import Experiment
from kflab.graph import arguments
from kflab.graph.edited import Edited, EditRefusedError
from kflab.graph.named_tensors import name_tensors
from kflab.graph.nodes import Call, Graph, Layer, Node, Op
from kflab.graph.order import descendants
from kflab.tui.rows.arguments import argument_rows, is_list
from kflab.tui.rows.holder import Holder
from kflab.tui.rows.row import Option, Row
from kflab.values import Arguments, Value

CALL = "call"
"""Where the paths of these rows begin."""

_OF_MODEL = (
    Argument(
        "training",
        ArgumentKind.BOOL,
        nullable=True,
        help="Whether the model behaves in training mode or in inference mode, whoever calls it.",
    ),
)


def call_rows(
    catalog: Catalog, experiment: Experiment, graph: str, name: str, outputs: Mapping[str, int]
) -> Iterator[Row]:
    """The rows of how a node is called, under a heading of their own.

    Args:
        catalog: the catalog.
        experiment: the experiment as it is.
        graph: the graph that the node is in.
        name: the node.
        outputs: how many tensors the nodes of the graph give, as far as it is known.
    """
    value = experiment.graph(graph)
    node = value.nodes[name]
    entry = called_entry(catalog, value, name)
    rows = [
        *_setting_rows(catalog, experiment, graph, name, entry),
        *(
            _tensor_row(value, graph, name, tensor, outputs, _words(entry, tensor.name))
            for tensor in _places(node, entry)
        ),
    ]
    if rows:
        yield Row(label="Call", heading=True)
        yield from rows


def called_entry(catalog: Catalog, graph: Graph, name: str) -> Entry | None:
    """The catalog's entry of what a node calls; nested models have none."""
    match graph.own(name).target:
        case Layer(layer=called):
            return catalog.find(Kind.LAYER, called)
        case Op(op=called):
            return catalog.find(Kind.OP, called)
        case _:
            return None


def _setting_rows(
    catalog: Catalog, experiment: Experiment, graph: str, name: str, entry: Entry | None
) -> Iterator[Row]:
    node = experiment.graph(graph).nodes[name]
    is_model = isinstance(node.target, Call)
    known = _OF_MODEL if is_model else entry.call if entry else ()
    names = {argument.name for argument in known}
    others = (
        Argument(key, ArgumentKind.ANY, nullable=True, help="An argument of the call.")
        for key in node.call
        if key not in names
    )

    def read(experiment: Experiment) -> Arguments:
        return experiment.graph(graph).nodes[name].call

    def put(experiment: Experiment, argument: str, value: Value) -> Edited:
        return arguments.set_call_argument(experiment, graph, name, argument, value)

    def drop(experiment: Experiment, argument: str) -> Edited:
        return arguments.reset_call_argument(experiment, graph, name, argument)

    holder = Holder(name, read, put, drop, (CALL,))
    for argument in (*known, *others):
        yield from argument_rows(catalog, argument, holder, experiment, path=(CALL,))


def _places(node: Node, entry: Entry | None) -> Iterator[TensorArgument]:
    """The tensors that may be given by name, and those that are."""
    tensors = entry.tensors if entry else ()
    many = next((index for index, tensor in enumerate(tensors) if tensor.many), len(tensors))
    # The first place that takes a list takes all positional inputs that are left.
    taken = len(node.inputs) if len(node.inputs) <= many else many + 1
    numbers = {argument.name for argument in entry.arguments} if entry else set()
    free = [tensor for tensor in tensors[max(taken, 1) :] if tensor.name not in numbers]
    names = {tensor.name for tensor in free}
    known = {tensor.name: tensor for tensor in tensors}
    yield from free
    for name, given in node.named.items():
        if name not in names:
            yield known.get(name, TensorArgument(name, many=not isinstance(given, str)))


def _words(entry: Entry | None, tensor: str) -> str:
    """Keras' words on a tensor that a layer is called with, which stand in the text on the layer."""
    text = entry.text if entry else ""
    found = re.search(rf"^Call arg\w*:\n(?:  .*\n)*?  {re.escape(tensor)}: (.*)$", text, re.MULTILINE | re.I)
    return found[1] if found else ""


def _tensor_row(
    value: Graph, graph: str, name: str, tensor: TensorArgument, outputs: Mapping[str, int], words: str
) -> Row:
    given = value.nodes[name].named.get(tensor.name, ())
    now = (given,) if isinstance(given, str) else given

    def put(experiment: Experiment, new: Value) -> Edited:
        node = experiment.graph(graph).nodes[name]
        before = node.named.get(tensor.name, ())
        chosen = _references(new)
        if tensor.many and isinstance(new, str) and "," not in new:
            # One that is chosen is one more, or one less where it is there.
            kept = (before,) if isinstance(before, str) else before
            chosen = tuple(one for one in kept if one != new) if new in kept else (*kept, new)
        if len(chosen) > 1 and not tensor.many:
            raise EditRefusedError(f"{tensor.name} of {name!r} takes one tensor, not {len(chosen)}")
        references = chosen if tensor.many else next(iter(chosen), ())
        return name_tensors(experiment, graph, name, tensor.name, references)

    def reset(experiment: Experiment) -> Edited:
        return name_tensors(experiment, graph, name, tensor.name, ())

    several = "tensors of nodes: Enter adds one, or takes one away" if tensor.many else "a tensor of a node"
    return Row(
        label=tensor.name,
        path=(CALL, tensor.name),
        shown=", ".join(now) or "none",
        value=list(now) if tensor.many else next(iter(now), None),
        changed=bool(now),
        help=f"{several} · name:1 is the second tensor of a node\n{words}".strip(),
        argument=Argument(tensor.name, ArgumentKind.TEXT, nullable=True),
        options=lambda: _reference_options(value, name, now, outputs),
        apply=put,
        reset=reset,
    )


def _references(value: Value) -> tuple[str, ...]:
    """What was chosen or typed, as references."""
    if is_list(value) and isinstance(value, Sequence):
        return tuple(str(item).strip() for item in value)
    return tuple(part.strip() for part in str(value).split(",") if part.strip()) if value is not None else ()


def _reference_options(
    graph: Graph, name: str, now: Sequence[str], outputs: Mapping[str, int]
) -> list[Option]:
    """What may feed a node without running in a circle: nodes, and each tensor of those that give several."""
    later = {name, *descendants(graph, name)}
    references = [
        reference
        for source in graph.nodes
        if source not in later
        for reference in (source, *(f"{source}:{index}" for index in range(1, outputs.get(source, 1))))
    ]
    return [Option(reference, reference, current=reference in now) for reference in references]
