"""How an edit ends: the graph put back into its experiment, or the edit refused."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph.nodes import Graph, Layer, Node, Share
from kflab.graph.order import find_cycle


class EditRefusedError(KflabError):
    """An edit that would break the graph; its text is the reason."""


class Edited(msgspec.Struct, frozen=True):
    """What an edit made of an experiment.

    Attributes:
        experiment: the experiment after the edit.
        name: what was done, for undo: `add conv2d`.
        node: the node to select now, or "" for none.
        settles: it did what several nodes were marked for, so that their marks can go.
        renamed: the new names of nodes of the graph that were renamed, by their old ones.
        renamed_models: the same of nested models.
    """

    experiment: Experiment
    name: str
    node: str = ""
    settles: bool = False
    renamed: Mapping[str, str] = {}
    renamed_models: Mapping[str, str] = {}


def replace_graph(experiment: Experiment, graph: str, value: Graph, *, follow: bool = True) -> Experiment:
    """The experiment with one of its graphs replaced.

    Where an input or output of the main model only changed its name, the settings that name it follow: data,
    losses and metrics. Where they only changed their order, `follow` is false.
    """
    if not graph and not follow:
        return msgspec.structs.replace(experiment, model=value)
    if not graph:
        names = _renamed(experiment.model.input_names(), value.input_names())
        names |= _renamed(experiment.model.output_names(), value.output_names())
        return _follow_settings(msgspec.structs.replace(experiment, model=value), names)
    return msgspec.structs.replace(experiment, models={**experiment.models, graph: value})


def change_node(experiment: Experiment, graph: str, name: str, node: Node, done: str) -> Edited:
    """The end of an edit of a single node.

    Raises:
        EditRefusedError: as for `finish`.
    """
    value = experiment.graph(graph)
    nodes = {**value.nodes, name: node}
    return finish(experiment, graph, msgspec.structs.replace(value, nodes=nodes), done, name)


def finish(
    experiment: Experiment, graph: str, value: Graph, done: str, node: str, *, follow: bool = True
) -> Edited:
    """The end of every edit: the graph is still one that a document can hold, or the edit is refused.

    Args:
        experiment: the experiment before.
        graph: the name of the graph.
        value: the graph after the edit.
        done: what was done, for undo.
        node: the node to select now.
        follow: settings follow inputs and outputs that have a new name in an old one's place.

    Raises:
        EditRefusedError: it runs in a circle, or a node shares what is no layer of its own.
    """
    if value.inputs:
        inputs = [name for name, own in value.nodes.items() if own.is_input]
        kept = [name for name in value.inputs if name in inputs]
        value = msgspec.structs.replace(value, inputs=(*kept, *(name for name in inputs if name not in kept)))
    for name, own in value.nodes.items():
        if isinstance(own.target, Share):
            owner = value.nodes.get(own.target.node)
            if owner is None or owner.is_input or not isinstance(owner.target, Layer):
                raise EditRefusedError(
                    f"{name!r} shares {own.target.node!r}, which would have no layer to share"
                )
    if circle := find_cycle(value):
        raise EditRefusedError(f"it would run in a circle: {' → '.join((*circle, circle[0]))}")
    return Edited(replace_graph(experiment, graph, value, follow=follow), done, node)


def _renamed(before: tuple[str, ...], after: tuple[str, ...]) -> dict[str, str]:
    """What each of the inputs or outputs is called now, where none came and none went."""
    if len(before) != len(after):
        return {}
    return {old: new for old, new in zip(before, after, strict=True) if old != new}


def _follow_settings(experiment: Experiment, names: Mapping[str, str]) -> Experiment:
    """The experiment with the inputs and outputs that data and training name given their new names."""
    if not names:
        return experiment
    data, training = experiment.data, experiment.training
    return msgspec.structs.replace(
        experiment,
        data=msgspec.structs.replace(
            data,
            inputs={names.get(key, key): value for key, value in data.inputs.items()},
            targets={names.get(key, key): value for key, value in data.targets.items()},
        ),
        training=msgspec.structs.replace(
            training,
            loss={names.get(key, key): value for key, value in training.loss.items()},
            loss_weights={names.get(key, key): value for key, value in training.loss_weights.items()},
            metrics={names.get(key, key): value for key, value in training.metrics.items()},
        ),
    )
