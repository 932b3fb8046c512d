"""Applying a fix: from one experiment to the next, or a refusal where it no longer fits."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from kflab import document
from kflab.diagnose import fixes
from kflab.diagnose.fixes import Fix
from kflab.errors import UnusableInputError
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited, EditRefusedError, Slot
from kflab.graph.naming import node_called
from kflab.graph.nodes import Graph, Layer, Node, Op, Share, Target
from kflab.graph.references import put_at
from kflab.values import Value

SECTIONS = 2
"""How many keys of a path name a section: only these may be new on the way to what is set."""


def apply(experiment: Experiment, fix: Fix) -> Experiment:
    """The experiment with a fix applied: a document that reads again.

    Nodes that it does not change stay the very same.

    Raises:
        EditRefusedError: the fix no longer fits: a node or setting that it is about is not there, or what
            would come of it is no experiment.
    """
    fixed = experiment
    for step in fix.steps:
        graph = getattr(step, "graph", "")
        if graph and graph not in fixed.models:
            raise EditRefusedError(f"{fix.title}: there is no nested model {graph!r} any more")
        fixed = _applied(step, fixed)
    if fixed is experiment:
        return experiment
    try:
        document.decode(document.encode(fixed), remembered=_remembered)
    except UnusableInputError as error:
        raise EditRefusedError(f"{fix.title}: {error}") from None
    return fixed


def apply_as_edit(experiment: Experiment, fix: Fix, node: str = "") -> Edited:
    """A fix as an edit that can be undone: its title is what was done.

    Args:
        experiment: the experiment before.
        fix: what is applied.
        node: the node that it is about, to select it now.

    Raises:
        EditRefusedError: as for `apply`.
    """
    renamed = fix.renamed()
    return Edited(apply(experiment, fix), fix.title, renamed.get(node, node), renamed=renamed)


_remembered = document.Remembered()


@functools.singledispatch
def _applied(step: object, _experiment: Experiment) -> Experiment:
    """The experiment after one step of a fix."""
    raise EditRefusedError(f"there is no step {type(step).__name__}")


@_applied.register
def _(step: fixes.SetArguments, experiment: Experiment) -> Experiment:
    for name, value in step.arguments.items():
        experiment = edits.set_argument(experiment, step.graph, step.node, name, value).experiment
    for name in step.reset:
        experiment = edits.reset_argument(experiment, step.graph, step.node, name).experiment
    return experiment


@_applied.register
def _(step: fixes.SetCall, experiment: Experiment) -> Experiment:
    for name, value in step.arguments.items():
        experiment = edits.set_call_argument(experiment, step.graph, step.node, name, value).experiment
    for name in step.reset:
        experiment = edits.reset_call_argument(experiment, step.graph, step.node, name).experiment
    return experiment


@_applied.register
def _(step: fixes.InsertAfter, experiment: Experiment) -> Experiment:
    target = _target(step.layer, step.arguments)
    return edits.add_after(experiment, step.graph, step.node, target, step.name).experiment


@_applied.register
def _(step: fixes.InsertBefore, experiment: Experiment) -> Experiment:
    target, slot = _target(step.layer, step.arguments), Slot(step.position)
    return edits.add_between(experiment, step.graph, step.node, slot, target, step.name).experiment


@_applied.register
def _(step: fixes.Replace, experiment: Experiment) -> Experiment:
    target = _target(step.layer, step.arguments)
    return edits.set_target(experiment, step.graph, step.node, target).experiment


@_applied.register
def _(step: fixes.Connect, experiment: Experiment) -> Experiment:
    return edits.connect(experiment, step.graph, step.source, step.node).experiment


@_applied.register
def _(step: fixes.Disconnect, experiment: Experiment) -> Experiment:
    return edits.disconnect(experiment, step.graph, step.node, step.position).experiment


@_applied.register
def _(step: fixes.Reconnect, experiment: Experiment) -> Experiment:
    node = node_called(experiment.graph(step.graph), step.node)
    if step.position >= len(node.inputs):
        raise EditRefusedError(f"{step.node!r} has no input {step.position + 1}")
    edits.connect(experiment, step.graph, step.source, step.node)  # refuses a circle and what is not there
    return _with_node(experiment, step.graph, step.node, put_at(node, Slot(step.position), step.source))


@_applied.register
def _(step: fixes.MoveBehind, experiment: Experiment) -> Experiment:
    value = experiment.graph(step.graph)
    node = node_called(value, step.node)
    node_called(value, step.behind)
    shared = any(other.target == Share(step.node) for other in value.nodes.values())
    if step.node == step.behind or shared or len(node.inputs) != 1 or node.named:
        raise EditRefusedError(f"{step.node!r} can not be moved behind {step.behind!r}")
    without = edits.delete(experiment, step.graph, step.node).experiment
    moved = edits.add_after(without, step.graph, step.behind, node.target, step.node).experiment
    inputs = moved.graph(step.graph).nodes[step.node].inputs
    return _with_node(moved, step.graph, step.node, msgspec.structs.replace(node, inputs=inputs))


@_applied.register
def _(step: fixes.Rename, experiment: Experiment) -> Experiment:
    return edits.rename(experiment, step.graph, step.node, step.new).experiment


@_applied.register
def _(step: fixes.Freeze, experiment: Experiment) -> Experiment:
    return edits.freeze(experiment, step.graph, step.nodes, frozen=step.frozen).experiment


@_applied.register
def _(step: fixes.ShareLayer, experiment: Experiment) -> Experiment:
    return edits.share(experiment, step.graph, step.node, step.owner).experiment


@_applied.register
def _(step: fixes.Unshare, experiment: Experiment) -> Experiment:
    return edits.unshare(experiment, step.graph, step.node).experiment


@_applied.register
def _(step: fixes.SetOutput, experiment: Experiment) -> Experiment:
    if (step.reference in experiment.graph(step.graph).outputs) == step.output:
        return experiment
    return edits.toggle_output(experiment, step.graph, step.reference).experiment


@_applied.register
def _(step: fixes.Remove, experiment: Experiment) -> Experiment:
    return edits.delete(experiment, step.graph, step.node).experiment


@_applied.register
def _(step: fixes.RemoveModel, experiment: Experiment) -> Experiment:
    return edits.delete_model(experiment, step.model).experiment


@_applied.register
def _(step: fixes.Assign, experiment: Experiment) -> Experiment:
    """One setting of the document replaced; nodes that are as they were stay the same objects."""
    if not step.path:
        raise EditRefusedError("a setting has a name")
    plain = _replaced(document.encode(experiment), step.path, step.value, 0)
    assert isinstance(plain, Mapping)
    try:
        decoded = document.decode(plain)
    except UnusableInputError as error:
        raise EditRefusedError(str(error)) from None
    models = {
        name: _same_nodes(experiment.models[name], graph) if name in experiment.models else graph
        for name, graph in decoded.models.items()
    }
    return msgspec.structs.replace(decoded, model=_same_nodes(experiment.model, decoded.model), models=models)


def _target(layer: str, arguments: Mapping[str, Value]) -> Target:
    return Op(layer, arguments) if layer.startswith("ops.") else Layer(layer, arguments)


def _with_node(experiment: Experiment, graph: str, name: str, node: Node) -> Experiment:
    value = experiment.graph(graph)
    nodes = {**value.nodes, name: node}
    return edits.replace_graph(experiment, graph, msgspec.structs.replace(value, nodes=nodes))


def _same_nodes(before: Graph, after: Graph) -> Graph:
    if before == after:
        return before
    nodes = {
        name: before.nodes[name] if before.nodes.get(name) == node else node
        for name, node in after.nodes.items()
    }
    return msgspec.structs.replace(after, nodes=nodes)


def _replaced(value: Value, path: Sequence[str], new: Value, depth: int) -> Value:
    """`value` with what lies at `path[depth:]` replaced.

    Raises:
        EditRefusedError: there is no such place.
    """
    if depth == len(path):
        return new
    key, is_last = path[depth], depth + 1 == len(path)
    if isinstance(value, str) and value == key:
        value = {key: {}}  # a name without arguments is about to get some
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _replaced_in_list(value, path, new, depth)
    if not isinstance(value, Mapping):
        raise _lost(path, depth)
    if key not in value and not is_last and depth >= SECTIONS:
        raise _lost(path, depth)
    inner = _replaced(value.get(key, {}), path, new, depth + 1)
    if inner is None and is_last:
        return {name: item for name, item in value.items() if name != key}
    return {**value, key: inner}


def _replaced_in_list(items: Sequence[Value], path: Sequence[str], new: Value, depth: int) -> Value:
    """A list with one of its items replaced: by its place, or in the only object that has the name."""
    key, is_last = path[depth], depth + 1 == len(path)
    named = [
        place
        for place, item in enumerate(items)
        if item == key or (isinstance(item, Mapping) and list(item) == [key])
    ]
    if key.isdecimal() and int(key) < len(items):
        place, deeper = int(key), depth + 1
    elif len(named) == 1:
        place, deeper = named[0], depth
    else:
        raise _lost(path, depth)
    changed = [] if is_last and new is None else [_replaced(items[place], path, new, deeper)]
    return [*items[:place], *changed, *items[place + 1 :]]


def _lost(path: Sequence[str], depth: int) -> EditRefusedError:
    return EditRefusedError(f"there is no {'.'.join(path[: depth + 1])} any more")
