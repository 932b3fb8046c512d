"""Copies of nodes: beside the ones that they are of, or on a clip that is pasted elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, finish
from kflab.graph.naming import called_by, check_call, next_name, node_called, unnumbered
from kflab.graph.nodes import Graph, Layer, Node, Share, source_of
from kflab.graph.order import topological
from kflab.graph.references import insert, map_references, plain_reference, repoint_first
from kflab.graph.removing import delete_all
from kflab.graph.renaming import follow_models, renamed_model


class Clip(msgspec.Struct, frozen=True):
    """Nodes that were copied, with all that they need to stand in another experiment.

    Attributes:
        nodes: the nodes by their names; they may refer to nodes that are not among them.
        owners: the layers that they share with nodes that are not among them, by the name of the owner.
        models: the nested models that they call, and those that these call.
    """

    nodes: Mapping[str, Node]
    owners: Mapping[str, Layer] = {}
    models: Mapping[str, Graph] = {}

    def outside(self) -> tuple[str, ...]:
        """The references to nodes that are not on the clip, each once, in the order of its nodes."""
        references = (
            plain_reference(reference)
            for node in self.nodes.values()
            for reference in node.references()
            if source_of(reference) not in self.nodes
        )
        return tuple(dict.fromkeys(references))

    def exits(self) -> tuple[str, ...]:
        """The nodes that feed no other node of the clip, Inputs aside."""
        used = {source for node in self.nodes.values() for source in node.sources()}
        return tuple(name for name, node in self.nodes.items() if name not in used and not node.is_input)


def copy(experiment: Experiment, graph: str, names: Sequence[str]) -> Clip:
    """A clip of nodes, in the order of the document.

    Raises:
        EditRefusedError: there are none, or one of them is not there.
    """
    value = experiment.graph(graph)
    for name in names:
        node_called(value, name)
    if not names:
        raise EditRefusedError("nothing is marked that could be copied")
    nodes = {name: node for name, node in value.nodes.items() if name in set(names)}
    owners: dict[str, Layer] = {}
    for node in nodes.values():
        if isinstance(node.target, Share) and node.target.node not in nodes:
            layer = value.nodes[node.target.node].target
            assert isinstance(layer, Layer)
            owners[node.target.node] = layer
    called = frozenset[str]().union(*(called_by(experiment, model) for model in Graph(nodes=nodes).called()))
    models = {name: model for name, model in experiment.models.items() if name in called}
    return Clip(nodes, owners, models)


def cut(experiment: Experiment, graph: str, names: Sequence[str]) -> tuple[Clip, Edited]:
    """A clip of nodes, and the experiment without them.

    Raises:
        EditRefusedError: there are none, or one of them is not there.
    """
    clip = copy(experiment, graph, names)
    edited = delete_all(experiment, graph, names)
    return clip, msgspec.structs.replace(edited, name=f"cut {_counted(clip)}")


def duplicate(experiment: Experiment, graph: str, names: Sequence[str]) -> Edited:
    """Copy nodes beside themselves: the copies feed each other, and what fed them from outside still does.

    A copy has layers of its own, unless the one that it is of shares the layer of a node that is not copied.

    Raises:
        EditRefusedError: there are none, or one of them is not there.
    """
    clip = copy(experiment, graph, names)
    value = experiment.graph(graph)
    last = next(name for name in reversed(list(value.nodes)) if name in clip.nodes)
    copies, new = _copies(value, clip, lambda reference: reference)
    changed = msgspec.structs.replace(value, nodes=insert(value.nodes, last, copies))
    edited = finish(experiment, graph, changed, f"duplicate {_counted(clip)}", new[_last(clip)])
    return msgspec.structs.replace(edited, settles=True)


def paste(experiment: Experiment, graph: str, after: str, clip: Clip) -> Edited:
    """Put the nodes of a clip behind node `after`, under names that are free.

    Nodes that one tensor fed are now fed by `after`; if they end in one node, that takes over what `after`
    fed, as a node does that is added. Of several tensors, those of nodes that are there by their names stay,
    and `after` stands for the others. Nested models come along; one that is there already is not doubled.

    Args:
        experiment: what it is pasted into; it need not be what the clip was copied from.
        graph: the graph, "" for the main model.
        after: the node, or "" where there is none: what is not there is left open then.
        clip: what was copied.

    Raises:
        EditRefusedError: there is no such node, or a nested model would call itself.
    """
    if after:
        node_called(experiment.graph(graph), after)
    experiment, clip = _bring_models(experiment, clip)
    for node in clip.nodes.values():
        check_call(experiment, graph, node.target)
    value = experiment.graph(graph)
    entries = clip.outside()
    in_row = bool(after) and len(entries) == 1 and len(clip.exits()) == 1

    def bind(reference: str) -> str | None:
        if after and len(entries) == 1:
            return after
        return reference if source_of(reference) in value.nodes else after or None

    copies, new = _copies(value, clip, bind)
    nodes, outputs = dict(value.nodes), value.outputs
    if in_row:
        end = new[clip.exits()[0]]
        nodes = {
            key: map_references(node, lambda reference: repoint_first(reference, after, end))
            for key, node in nodes.items()
        }
        outputs = tuple(repoint_first(reference, after, end) for reference in outputs)
    if not outputs and clip.exits():
        outputs = (new[clip.exits()[-1]],)
    changed = msgspec.structs.replace(value, nodes=insert(nodes, after, copies), outputs=outputs)
    edited = finish(experiment, graph, changed, f"paste {_counted(clip)}", new[_last(clip)])
    return msgspec.structs.replace(edited, settles=True)


def _counted(clip: Clip) -> str:
    return next(iter(clip.nodes)) if len(clip.nodes) == 1 else f"{len(clip.nodes)} nodes"


def _last(clip: Clip) -> str:
    ends = clip.exits() or tuple(clip.nodes)
    return ends[-1]


def _copies(
    value: Graph, clip: Clip, bind: Callable[[str], str | None]
) -> tuple[dict[str, Node], dict[str, str]]:
    """The nodes of a clip as they stand in graph `value`, and the new name of each.

    Args:
        value: the graph that they come into.
        clip: the nodes.
        bind: what a reference to a node that is not on the clip becomes.
    """
    new: dict[str, str] = {}
    for name in clip.nodes:
        new[name] = next_name(name, {*value.nodes, *new.values()})
    heirs = _heirs(value, clip)

    def follow(reference: str) -> str | None:
        source, colon, index = reference.partition(":")
        return f"{new[source]}{colon}{index}" if source in new else bind(reference)

    def target(name: str, node: Node) -> Node:
        if not isinstance(node.target, Share):
            return node
        owner = node.target.node
        if owner in heirs:
            owned = clip.owners[owner] if heirs[owner] == name else Share(new[heirs[owner]])
            return msgspec.structs.replace(node, target=owned)
        return msgspec.structs.replace(node, target=Share(new.get(owner, owner)))

    copies = {new[name]: target(name, map_references(node, follow)) for name, node in clip.nodes.items()}
    return copies, new


def _heirs(value: Graph, clip: Clip) -> dict[str, str]:
    """The node that gets the layer of each owner that is neither on the clip nor in graph `value`."""
    heirs: dict[str, str] = {}
    for name in topological(Graph(nodes=clip.nodes)):
        target = clip.nodes[name].target if name in clip.nodes else None
        if isinstance(target, Share) and target.node in clip.owners and not _owns(value, clip, target.node):
            heirs.setdefault(target.node, name)
    return heirs


def _owns(value: Graph, clip: Clip, owner: str) -> bool:
    """Whether the graph has the very layer that a node of the clip shares, by name and arguments."""
    return owner in value.nodes and value.nodes[owner].target == clip.owners[owner]


def _bring_models(experiment: Experiment, clip: Clip) -> tuple[Experiment, Clip]:
    """The experiment with the nested models of a clip, and the clip with the names they have there."""
    renamed: dict[str, str] = {}
    models = dict(experiment.models)
    waiting = dict(clip.models)
    while waiting:
        # The called come first, so that a model is compared with its calls already under their new names.
        name = next(name for name, model in waiting.items() if not set(model.called()) & set(waiting))
        model = follow_models(waiting.pop(name), renamed)
        new = next(
            new
            for new in _names_for(name)
            if new not in models or models[new] == renamed_model(model, name, new)
        )
        models[new], renamed[name] = renamed_model(model, name, new), new
    if models != experiment.models:
        experiment = msgspec.structs.replace(experiment, models=models)
    nodes = follow_models(Graph(nodes=clip.nodes), renamed).nodes
    return experiment, msgspec.structs.replace(clip, nodes=nodes)


def _names_for(name: str) -> Iterator[str]:
    """What a model called `name` may be called where that name is taken by another."""
    yield name
    base = unnumbered(name)
    yield from (f"{base}_{number}" for number in itertools.count(1))
