"""What nodes and models are called: names that are there, free or refused."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container

from kflab.experiment import Experiment
from kflab.graph.edited import EditRefusedError
from kflab.graph.nodes import INPUT, NAME, Call, Graph, Layer, Node, Op, Share, Target


def free_name(base: str, taken: Container[str]) -> str:
    """`base`, or the first of `base_1`, `base_2`... that is not taken."""
    if base not in taken:
        return base
    number = 1
    while f"{base}_{number}" in taken:
        number += 1
    return f"{base}_{number}"


def next_name(name: str, taken: Container[str]) -> str:
    """A free name for a copy of `name`: `conv_3` of `conv_2`, not `conv_2_1`."""
    if name not in taken:
        return name
    found = re.fullmatch(r"(.+)_(\d+)", name)
    base, first = (found[1], int(found[2]) + 1) if found else (name, 1)
    return next(new for number in itertools.count(first) if (new := f"{base}_{number}") not in taken)


def unnumbered(name: str) -> str:
    """A name without the number that it got for being one of several: `conv` of `conv_2`."""
    return re.sub(r"_\d+$", "", name)


def fresh_name(graph: Graph, target: Target) -> str:
    """A free name for a node with this target: Keras' own style, `conv2d`, `conv2d_1`."""
    match target:
        case Layer():
            words = target.layer
        case Op():
            words = target.op.rpartition(".")[2]
        case Call():
            words = target.model
        case Share():
            words = target.node
    base = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", words)).lower()
    return free_name(base, graph.nodes)


def node_called(graph: Graph, name: str) -> Node:
    """The node called `name`.

    Raises:
        EditRefusedError: there is none.
    """
    if name not in graph.nodes:
        raise EditRefusedError(f"there is no node {name!r}")
    return graph.nodes[name]


def check_new_name(name: str, taken: Container[str], what: str = "node") -> None:
    """Holds the name of a new node or model against what names may be and against those that are taken.

    Raises:
        EditRefusedError: it is no name, or taken.
    """
    if not NAME.fullmatch(name):
        raise EditRefusedError(
            f"{name!r} is no name for a {what}; expected letters, digits, '_', '-' or '.', a letter first"
        )
    if name in taken:
        raise EditRefusedError(f"there is already a {what} {name!r}")


def check_call(experiment: Experiment, graph: str, target: Target) -> None:
    """Holds a call of a nested model from graph `graph` against the models that there are.

    Raises:
        EditRefusedError: there is no such model, or it would call itself.
    """
    if not isinstance(target, Call):
        return
    if target.model not in experiment.models:
        raise EditRefusedError(f"there is no nested model {target.model!r}")
    if graph in called_by(experiment, target.model):
        raise EditRefusedError(f"{target.model!r} would call itself")


def called_by(experiment: Experiment, model: str) -> frozenset[str]:
    """A nested model and every model that it calls, those that they call included."""
    reached, waiting = set[str](), [model]
    while waiting:
        name = waiting.pop()
        if name in experiment.models and name not in reached:
            reached.add(name)
            waiting.extend(experiment.models[name].called())
    return frozenset(reached)


def is_input(target: Target) -> bool:
    """Whether a node with this target is an Input."""
    return isinstance(target, Layer) and target.layer == INPUT
