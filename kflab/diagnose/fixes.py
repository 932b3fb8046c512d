"""Fixes: edits of an experiment as data, so that they can be shown, sent and applied on one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from kflab.values import Arguments, Value


class Assign(msgspec.Struct, frozen=True, tag="assign"):
    """A setting of the document gets a value; None takes it away, so that its default holds.

    Attributes:
        path: the way to it, as keys of the document: `("model", "nodes", "digit", "Dense", "units")`. What
            the last key names may be new, and so may a section (`data.prepare`); all else has to be there.
        value: the new value.
    """

    path: tuple[str, ...]
    value: Value


class SetArguments(msgspec.Struct, frozen=True, tag="set_arguments", omit_defaults=True):
    """Arguments of the layer or operation that a node calls get values; on a shared layer, of its owner.

    Attributes:
        node: the node.
        arguments: the new values.
        reset: the arguments that get their default back.
        graph: the nested model it is in, or "" for the main model.
    """

    node: str
    arguments: Arguments = {}
    reset: tuple[str, ...] = ()
    graph: str = ""


class SetCall(msgspec.Struct, frozen=True, tag="set_call", omit_defaults=True):
    """Arguments of the call that a node is get values, such as `training`; `reset` ones their default."""

    node: str
    arguments: Arguments = {}
    reset: tuple[str, ...] = ()
    graph: str = ""


class InsertAfter(msgspec.Struct, frozen=True, tag="insert_after", omit_defaults=True):
    """A new layer or operation (`ops.expand_dims`) between a node and all that uses it."""

    node: str
    layer: str
    arguments: Arguments = {}
    graph: str = ""
    name: str = ""


class InsertBefore(msgspec.Struct, frozen=True, tag="insert_before", omit_defaults=True):
    """A new layer or operation on one edge: in front of a node, behind what feeds it at `position`."""

    node: str
    layer: str
    arguments: Arguments = {}
    position: int = 0
    graph: str = ""
    name: str = ""


class Replace(msgspec.Struct, frozen=True, tag="replace", omit_defaults=True):
    """A node calls another layer or operation; arguments that this one takes too are kept."""

    node: str
    layer: str
    arguments: Arguments = {}
    graph: str = ""


class Connect(msgspec.Struct, frozen=True, tag="connect", omit_defaults=True):
    """A node is fed by one reference more, as its last input."""

    node: str
    source: str
    graph: str = ""


class Disconnect(msgspec.Struct, frozen=True, tag="disconnect", omit_defaults=True):
    """A node is no longer fed at one place; `position` is counted from 0."""

    node: str
    position: int
    graph: str = ""


class Reconnect(msgspec.Struct, frozen=True, tag="reconnect", omit_defaults=True):
    """A node is fed by another reference at one place; `position` is counted from 0."""

    node: str
    position: int
    source: str
    graph: str = ""


class MoveBehind(msgspec.Struct, frozen=True, tag="move_behind", omit_defaults=True):
    """A node with one input is taken out and put between another node and all that uses that one."""

    node: str
    behind: str
    graph: str = ""


class Rename(msgspec.Struct, frozen=True, tag="rename", omit_defaults=True):
    """A node gets another name; every reference follows, losses, metrics and data included."""

    node: str
    new: str
    graph: str = ""


class Freeze(msgspec.Struct, frozen=True, tag="freeze", omit_defaults=True):
    """What nodes call is not trained, what it wraps included; or, with `frozen` false, trained again."""

    nodes: tuple[str, ...]
    frozen: bool = True
    graph: str = ""


class ShareLayer(msgspec.Struct, frozen=True, tag="share_layer", omit_defaults=True):
    """A node calls the layer of another one, so that both have the same weights."""

    node: str
    owner: str
    graph: str = ""


class Unshare(msgspec.Struct, frozen=True, tag="unshare", omit_defaults=True):
    """A node that shares another's layer gets one of its own."""

    node: str
    graph: str = ""


class SetOutput(msgspec.Struct, frozen=True, tag="set_output", omit_defaults=True):
    """A reference becomes an output of its model, or with `output` false is none any more."""

    reference: str
    output: bool = True
    graph: str = ""


class Remove(msgspec.Struct, frozen=True, tag="remove", omit_defaults=True):
    """A node is taken out; what it was fed with feeds what used it."""

    node: str
    graph: str = ""


class RemoveModel(msgspec.Struct, frozen=True, tag="remove_model", omit_defaults=True):
    """A nested model that no node calls is taken out of the document."""

    model: str


Step: TypeAlias = (
    Assign
    | SetArguments
    | SetCall
    | InsertAfter
    | InsertBefore
    | Replace
    | Connect
    | Disconnect
    | Reconnect
    | MoveBehind
    | Rename
    | Freeze
    | ShareLayer
    | Unshare
    | SetOutput
    | Remove
    | RemoveModel
)


class Fix(msgspec.Struct, frozen=True, omit_defaults=True):
    """What mends a finding.

    Attributes:
        title: what it does, as a person would say it: `use SparseCategoricalCrossentropy`.
        steps: the edits, in order.
        safe: it changes nothing but what is wrong; `kflab check --fix` applies only safe ones.
    """

    title: str
    steps: tuple[Step, ...]
    safe: bool = True

    def renamed(self) -> Mapping[str, str]:
        """The new names of the nodes of the main model that it renames, by their old ones."""
        return {step.node: step.new for step in self.steps if isinstance(step, Rename) and not step.graph}
