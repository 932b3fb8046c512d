"""Names for what a file leaves nameless: the variable's, or one as Keras would give it."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable, Mapping, Sequence, Set

from kflab.graph.nodes import NAME
from kflab.imports.names import fitting
from kflab.imports.python.recorded import LayerObject, ModelObject, Operation, TensorCall


def snake_case(name: str) -> str:
    """A class name as Keras makes a layer's name of it: `conv2d` of `Conv2D`."""
    broken = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", broken).lower()


class Counted:
    """Names that were not given yet: `dense`, `dense_1`, `dense_2`."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: collections.Counter[str] = collections.Counter()

    def name(self, wanted: str) -> str:
        """`wanted`, or with the first number that makes it new."""
        while True:
            number = self._next[wanted]
            self._next[wanted] += 1
            name = f"{wanted}_{number}" if number else wanted
            if name not in self._taken:
                self._taken.add(name)
                return name


def node_names(
    calls: Sequence[TensorCall], keys: Mapping[TensorCall, str], models: Mapping[ModelObject, str]
) -> dict[TensorCall, str]:
    """The name of the node that each call of a graph becomes.

    Args:
        calls: the calls, in order.
        keys: the keys of inputs and outputs that were given as mappings.
        models: the names of the nested models.
    """
    given: dict[TensorCall, str] = {}
    seen: set[str] = set()
    here = set(calls)
    for call in calls:
        name = _given(call, here)
        name = fitting(name) if name else ""
        if name and name not in seen:
            given[call] = name
            seen.add(name)
    for call, key in keys.items():
        if call not in given and NAME.fullmatch(key) and key not in seen:
            given[call] = key
            seen.add(key)
    hints = collections.Counter(call.hint for call in calls if call not in given)
    layer_hints = collections.Counter(
        call.target.hint for call in calls if call not in given and isinstance(call.target, LayerObject)
    )
    for call in calls:
        if call in given:
            continue
        target = call.target
        choices = [call.hint] if hints[call.hint] == 1 else []
        if isinstance(target, LayerObject) and layer_hints[target.hint] == 1:
            choices.append(target.hint)
        name = next((one for one in choices if _is_telling(one) and one not in seen), "")
        if name:
            given[call] = name
            seen.add(name)
    counted = Counted(seen)
    return {call: given.get(call) or counted.name(_as_keras(call, models)) for call in calls}


def _given(call: TensorCall, calls: Set[TensorCall]) -> str:
    """The name that the file gives a call: that of its layer, at the layer's first call."""
    target = call.target
    if call.name or not isinstance(target, LayerObject) or not target.name:
        return call.name
    first = min((one for one in target.calls if one in calls), key=lambda one: one.number, default=call)
    return target.name if first is call else ""


def _is_telling(name: str) -> bool:
    return len(name) > 1 and NAME.fullmatch(name) is not None


def _as_keras(call: TensorCall, models: Mapping[ModelObject, str]) -> str:
    match call.target:
        case LayerObject(layer=layer, name=name):
            return fitting(name) if name else snake_case(layer)
        case ModelObject():
            return models.get(call.target, "model")
        case Operation(op=op):
            return op.rpartition(".")[2]
