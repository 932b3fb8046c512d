"""Edits of names: every reference follows."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, finish
from kflab.graph.naming import check_new_name, node_called
from kflab.graph.nodes import Call, Graph, Node, Share
from kflab.graph.references import map_references, repoint


def rename(experiment: Experiment, graph: str, name: str, new: str) -> Edited:
    """Give a node another name; every reference follows, losses, metrics and data included.

    Raises:
        EditRefusedError: the name is taken or no name.
    """
    value = experiment.graph(graph)
    node_called(value, name)
    if new == name:
        return Edited(experiment, f"rename {name}", name)
    check_new_name(new, value.nodes)

    def follow(reference: str) -> str:
        return repoint(reference, name, new)

    def follow_target(node: Node) -> Node:
        return msgspec.structs.replace(node, target=Share(new)) if node.target == Share(name) else node

    nodes = {
        (new if key == name else key): follow_target(map_references(node, follow))
        for key, node in value.nodes.items()
    }
    changed = msgspec.structs.replace(
        value,
        nodes=nodes,
        outputs=tuple(follow(reference) for reference in value.outputs),
        inputs=tuple(new if old == name else old for old in value.inputs),
    )
    edited = finish(experiment, graph, changed, f"rename {name} to {new}", new)
    return msgspec.structs.replace(edited, renamed={name: new})


def rename_model(experiment: Experiment, model: str, new: str) -> Edited:
    """Give a nested model, or with `model` empty the main one, another name; every call of it follows.

    Raises:
        EditRefusedError: there is no such model, or the name is taken or no name.
    """
    if not model:
        check_new_name(new, (), "model")
        main = msgspec.structs.replace(experiment.model, name=new)
        done = f"rename the model to {new}"
        return Edited(msgspec.structs.replace(experiment, model=main), done)
    if model not in experiment.models:
        raise EditRefusedError(f"there is no nested model {model!r}")
    if new == model:
        return Edited(experiment, f"rename {model}")
    check_new_name(new, experiment.models, "model")
    models = {
        (new if key == model else key): follow_models(graph, {model: new})
        for key, graph in experiment.models.items()
    }
    models[new] = renamed_model(models[new], model, new)
    main = follow_models(experiment.model, {model: new})
    changed = msgspec.structs.replace(experiment, model=main, models=models)
    return Edited(changed, f"rename {model} to {new}", renamed_models={model: new})


def follow_models(graph: Graph, renamed: Mapping[str, str]) -> Graph:
    """The graph with its calls of nested models following their new names, given by the old ones."""
    if not any(renamed.get(model, model) != model for model in graph.called()):
        return graph

    def follow(node: Node) -> Node:
        if not isinstance(node.target, Call) or node.target.model not in renamed:
            return node
        return msgspec.structs.replace(node, target=Call(renamed[node.target.model]))

    nodes = {name: follow(node) for name, node in graph.nodes.items()}
    return msgspec.structs.replace(graph, nodes=nodes)


def renamed_model(model: Graph, old: str, new: str) -> Graph:
    """A nested model under another name; that of its Keras model follows if it was the same."""
    return msgspec.structs.replace(model, name=new) if model.name == old else model
