"""Edits of the edges: what feeds a node and in which order, and what the model takes and returns."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kflab import catalog
from kflab.catalog import Kind, TensorArgument
from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, change_node, finish
from kflab.graph.naming import node_called
from kflab.graph.nodes import Graph, Layer, Op, source_of
from kflab.graph.order import ancestors, descendants
from kflab.graph.references import Slot, at, plain_reference, put_at


def connect(experiment: Experiment, graph: str, source: str, name: str, argument: str = "") -> Edited:
    """Feed node `name` with `source` (a reference) as its last input, or by the name of an argument.

    An argument that takes several tensors gets one more, one that takes a single tensor gets this one.

    Raises:
        EditRefusedError: it would run in a circle, an Input would be fed, or there is no such argument.
    """
    value = experiment.graph(graph)
    node = node_called(value, name)
    origin = source_of(source)
    node_called(value, origin)
    if node.is_input:
        raise EditRefusedError(f"{name!r} is an Input: nothing feeds it")
    if origin == name or name in ancestors(value, origin):
        raise EditRefusedError(
            f"{name!r} already comes before {origin!r}: connecting them would run in a circle"
        )
    if not argument:
        changed = msgspec.structs.replace(node, inputs=(*node.inputs, source))
        return change_node(experiment, graph, name, changed, f"connect {origin} to {name}")
    places = {tensor.name: tensor for tensor in tensor_arguments(value, name)}
    if argument not in places:
        takes = f"; it has {', '.join(places)}" if places else ""
        raise EditRefusedError(f"what {name!r} calls takes no tensor called {argument!r}{takes}")
    before = node.named.get(argument, ())
    several = (before,) if isinstance(before, str) else before
    tensors = (*several, source) if places[argument].many else source
    changed = msgspec.structs.replace(node, named={**node.named, argument: tensors})
    return change_node(experiment, graph, name, changed, f"connect {origin} to {argument} of {name}")


def tensor_arguments(graph: Graph, name: str) -> tuple[TensorArgument, ...]:
    """The tensors besides the first that what node `name` calls can be given by name: `initial_state`."""
    match graph.own(name).target:
        case Layer(layer=called):
            entry = catalog.load().find(Kind.LAYER, called)
        case Op(op=called):
            entry = catalog.load().find(Kind.OP, called)
        case _:
            return ()
    return entry.tensors[1:] if entry else ()


def disconnect(experiment: Experiment, graph: str, name: str, slot: Slot | int) -> Edited:
    """Take away what feeds node `name` at `slot`; a number is the position of an input, counted from 0.

    Raises:
        EditRefusedError: the node has no such input.
    """
    place = Slot(slot) if isinstance(slot, int) else slot
    node = node_called(experiment.graph(graph), name)
    removed = source_of(at(name, node, place))
    what = f"{removed} from {place.argument} of {name}" if place.argument else f"{removed} from {name}"
    return change_node(experiment, graph, name, put_at(node, place, None), f"disconnect {what}")


def move_input(experiment: Experiment, graph: str, name: str, position: int, to: int) -> Edited:
    """Move an input of node `name` to another place among its inputs; both are counted from 0.

    Raises:
        EditRefusedError: the node has no such inputs.
    """
    node = node_called(experiment.graph(graph), name)
    inputs = _moved(node.inputs, position, to, f"{name!r} has {len(node.inputs)} inputs")
    done = f"move input {source_of(node.inputs[position])} of {name}"
    return change_node(experiment, graph, name, msgspec.structs.replace(node, inputs=inputs), done)


def move_output(experiment: Experiment, graph: str, position: int, to: int) -> Edited:
    """Move an output of the model to another place among its outputs; both are counted from 0.

    Raises:
        EditRefusedError: the model has no such outputs.
    """
    value = experiment.graph(graph)
    outputs = _moved(value.outputs, position, to, f"the model has {len(value.outputs)} outputs")
    moved = source_of(value.outputs[position])
    # The names only change their order, so what is said of each output goes on to hold for it.
    changed = msgspec.structs.replace(value, outputs=outputs)
    return finish(experiment, graph, changed, f"move output {moved}", moved, follow=False)


def move_model_input(experiment: Experiment, graph: str, position: int, to: int) -> Edited:
    """Move an Input to another place in the order of the model's inputs; both are counted from 0.

    Raises:
        EditRefusedError: the model has no such inputs.
    """
    value = experiment.graph(graph)
    names = value.input_names()
    inputs = _moved(names, position, to, f"the model has {len(names)} inputs")
    changed = msgspec.structs.replace(value, inputs=inputs)
    moved = names[position]
    return finish(experiment, graph, changed, f"move input {moved}", moved, follow=False)


def _moved(items: Sequence[str], position: int, to: int, counted: str) -> tuple[str, ...]:
    for place in (position, to):
        if not 0 <= place < len(items):
            raise EditRefusedError(f"{counted}; there is no number {place + 1}")
    rest = [*items[:position], *items[position + 1 :]]
    return (*rest[:to], items[position], *rest[to:])


def toggle_output(experiment: Experiment, graph: str, reference: str) -> Edited:
    """Make a node an output of its model, or take that away.

    A reference with an index, such as `lstm:1`, is about that tensor alone. A name is about the first one
    where it becomes an output, and about all of them where they no longer are.

    Raises:
        EditRefusedError: there is no such node.
    """
    value = experiment.graph(graph)
    name = source_of(reference)
    node_called(value, name)
    is_one, wanted = ":" in reference, plain_reference(reference)

    def is_meant(output: str) -> bool:
        return plain_reference(output) == wanted if is_one else source_of(output) == name

    shown = wanted if is_one else name
    outputs = tuple(output for output in value.outputs if not is_meant(output))
    if len(outputs) < len(value.outputs):
        done = f"{shown} is no output"
    else:
        outputs = (*value.outputs, wanted)
        done = f"{shown} is an output"
    return finish(experiment, graph, msgspec.structs.replace(value, outputs=outputs), done, name)


def connectable(graph: Graph, name: str) -> tuple[str, ...]:
    """The nodes that may feed node `name` without running in a circle, in the order of the document."""
    if graph.nodes[name].is_input:
        return ()
    after = descendants(graph, name)
    return tuple(candidate for candidate in graph.nodes if candidate != name and candidate not in after)
