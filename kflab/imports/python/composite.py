"""Layers and models that a file writes itself of others, brought in as the layers that they call."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kflab.imports.python.recorded import (
    Compiled,
    Distributed,
    LayerObject,
    ModelObject,
    Tensor,
    TensorCall,
)
from kflab.imports.python.tensor_lists import tensors_in
from kflab.imports.python.things import (
    Cause,
    Function,
    Instance,
    Method,
    Partial,
    Place,
    Super,
    Unreadable,
    causes_in,
)
from kflab.imports.python.tracing import Trace

if TYPE_CHECKING:
    from kflab.imports.python.keras_library import KerasLibrary

_STEPS = ("train_step", "compute_loss", "call_step")
_MODEL_BASES = ("Model", "Functional", "Sequential")
_MODEL = "__model__"
_WEIGHTS = {"add_weight", "add_variable"}


def is_model(instance: Instance) -> bool:
    """Whether an object is of a class that derives from `keras.Model`."""
    base = instance.kind.keras_base()
    return base is not None and base.last in _MODEL_BASES and base.path.startswith("keras")


def is_layer(instance: Instance) -> bool:
    """Whether an object is of a class that derives from a layer of Keras."""
    base = instance.kind.keras_base()
    return base is not None and base.path.startswith("keras") and not is_model(instance)


def model_of(instance: Instance) -> ModelObject | None:
    """The model that stands for an object of a class that derives from `keras.Model`."""
    model = instance.attributes.get(_MODEL)
    return model if isinstance(model, ModelObject) else None


def attribute(instance: Instance, name: str, place: Place) -> object:
    """An attribute that such an object has from Keras."""
    if name == "name":
        return instance.attributes.get("__name__", instance.kind.name)
    if name in {"trainable", "built", "losses", "metrics"}:
        return place.unknown("is not read")
    return Method(instance, name)


def method(
    library: KerasLibrary,
    owner: Instance | Super,
    name: str,
    positional: Sequence[object],
    named: Mapping[str, object],
    place: Place,
) -> object:
    """What a method that such an object has from Keras gives.

    Raises:
        Unreadable: it gives the layer weights of its own.
    """
    instance = owner.instance if isinstance(owner, Super) else owner
    if name == "__init__":
        return _made(library, instance, positional, named, place, inside=isinstance(owner, Super))
    if name in _WEIGHTS:
        raise Unreadable(_own_weights(instance, place))
    if name in {"add_loss", "add_metric"}:
        library.note(f"what {instance.kind.name} adds by {name} is not brought in", place.line)
        return None
    model = model_of(instance)
    if model is not None and name in {
        "compile",
        "fit",
        "build",
        "get_layer",
        "add",
        "summary",
        "load_weights",
    }:
        if name == "build" and not isinstance(owner, Super):
            library.build(model, positional[0] if positional else named.get("input_shape"), place)
            return None
        if isinstance(owner, Super) and name == "compile":
            model.compiled = Compiled(dict(named), place)
            return None
        return library.call(Method(model, name), positional, named, place)
    if name == "__call__":
        return call_instance(library, instance, positional, named, place)
    return None


def _own_weights(instance: Instance, place: Place) -> list[Cause]:
    """That a layer has weights of its own, if a method of its class adds any."""
    methods = [one.node for one in instance.kind.names.values() if isinstance(one, Function)]
    parts = (part for method in methods for part in ast.walk(method))
    if any(isinstance(part, ast.Attribute) and part.attr in _WEIGHTS for part in parts):
        what = f"{instance.kind.name} (line {instance.kind.line})"
        return [place.cause("has weights of its own, which no layer of Keras has", what)]
    return []


def _made(
    library: KerasLibrary,
    instance: Instance,
    positional: Sequence[object],
    named: Mapping[str, object],
    place: Place,
    *,
    inside: bool,
) -> object:
    """What making such an object does, once its own `__init__` is through."""
    if inside:
        if is_model(instance) and ("outputs" in named or len(positional) > 1):
            instance.attributes[_MODEL] = library.functional(positional, named, place)
        elif isinstance(named.get("name"), str):
            instance.attributes["__name__"] = named["name"]
        return None
    if is_model(instance):
        model = model_of(instance)
        if model is None:
            model = ModelObject(place.line, stack=[instance])
            library.models.append(model)
            instance.attributes[_MODEL] = model
        steps = [step for step in _STEPS if isinstance(instance.kind.find(step), Function)]
        if steps:
            what = f"{instance.kind.name} (line {instance.kind.line})"
            model.causes.append(place.cause(f"is trained by code of its own ({steps[0]})", what))
    return instance


def call_instance(
    library: KerasLibrary,
    instance: Instance,
    positional: Sequence[object],
    named: Mapping[str, object],
    place: Place,
) -> object:
    """What calling such an object gives: its layers are called in its place.

    Raises:
        Unreadable: it does more than call layers and operations of Keras.
    """
    what = f"{instance.kind.name} (line {instance.kind.line})"
    function = instance.kind.find("call")
    if not isinstance(function, Function):
        raise Unreadable([place.cause("is a class of the file that has no call", what)])
    unknown = causes_in([*positional, *named.values()])
    if unknown:
        raise Unreadable([*unknown, *_own_weights(instance, place)])
    build = instance.kind.find("build")
    if isinstance(build, Function) and not instance.built:
        first = positional[0] if positional else next(iter(named.values()), None)
        shape = library.shape(first, place) if isinstance(first, Tensor) else place.unknown("is not read")
        library.enter(Partial(build, (instance,)), [shape], {}, place)
    instance.built = True
    rest = dict(named)
    arguments = {argument.arg for argument in (*function.node.args.args, *function.node.args.kwonlyargs)}
    if "training" in arguments:
        rest.setdefault("training", None)  # decided by whoever runs the model, whatever the default
    elif function.node.args.kwarg is None:
        rest.pop("training", None)
    model = model_of(instance)
    try:
        result = library.enter(Partial(function, (instance,)), positional, rest, place)
        if causes := causes_in([result]):
            raise Unreadable(causes)
    except Unreadable as unreadable:
        if model is not None:
            model.causes += unreadable.causes
        raise
    library.note(f"{instance.kind.name} is brought in as the layers that it calls", instance.kind.line)
    if model is not None and model.stack == [instance] and model.realized < 0:
        _between(model, tensors_in([*positional, *rest.values()]), tensors_in([result]))
    return result


def _between(model: ModelObject, given: Sequence[object], returned: Sequence[object]) -> None:
    """Let the model of an object be what lies between Inputs that it is called with and what it returns."""
    inputs = tuple(one for one in given if isinstance(one, Tensor))
    targets = [tensor.call.target for tensor in inputs]
    if inputs and all(isinstance(one, LayerObject) and one.is_input for one in targets):
        model.stack, model.inputs = None, inputs
        model.outputs = tuple(one for one in returned if isinstance(one, Tensor))


def call_distributed(
    library: KerasLibrary, value: Distributed, positional: Sequence[object], place: Place
) -> object:
    """What a model under `TimeDistributed` gives: each of its layers is distributed by itself.

    Raises:
        Unreadable: the model is more than a chain of layers.
    """
    if not value.layers:
        layers = _chain(library, value.model, place)
        for layer in layers:
            inner = {layer.layer: dict(layer.arguments)} if layer.arguments else layer.layer
            value.layers.append(LayerObject("TimeDistributed", {"layer": inner}, value.line))
        library.note(
            "TimeDistributed over a model is brought in as TimeDistributed over each of its layers",
            value.line,
        )
    result: object = positional[0] if positional else None
    for layer in value.layers:
        result = library.call_layer(layer, [result], {}, place)
    return result


def _chain(library: KerasLibrary, model: ModelObject, place: Place) -> list[LayerObject]:
    """The layers of a model that is a chain of them, nested models gone through."""
    layers: list[LayerObject] = []
    if model.stack is not None and not model.causes:
        found = [one for one in model.stack if not isinstance(one, Tensor)]
    else:
        library.realize(model, place)
        if model.causes:
            raise Unreadable(model.causes)
        found = _targets_in_a_row(model, place)
    for one in found:
        if isinstance(one, LayerObject) and not one.is_input:
            layers.append(one)
        elif isinstance(one, ModelObject):
            layers += _chain(library, one, place)
        elif not isinstance(one, LayerObject):
            raise Unreadable([place.cause("distributes a model that is more than a chain of layers")])
    return layers


def _targets_in_a_row(model: ModelObject, place: Place) -> list[object]:
    found: list[object] = []
    ends = {tensor.call for tensor in model.inputs}
    call = model.outputs[0].call
    while call not in ends and len(model.outputs) == 1:
        tensors = call.tensors()
        if len(tensors) != 1:
            break
        found.append(call.target)
        call = tensors[0].call
    if call not in ends or len(model.outputs) != 1:
        raise Unreadable([place.cause("distributes a model that is more than a chain of layers")])
    return found[::-1]


def inlined(trace: Trace, made: ModelObject, tensor: Tensor, place: Place) -> ModelObject:
    """A model whose layers are called on a tensor instead of on its Input."""
    old = made.inputs[0].call
    new: dict[TensorCall, Tensor] = {old: tensor}

    def moved(one: Tensor) -> Tensor:
        return Tensor(new[one.call].call, one.index)

    waiting, calls = [one.call for one in made.outputs], {old}
    while waiting:
        call = waiting.pop()
        if call not in calls:
            calls.add(call)
            waiting += [one.call for one in call.tensors()]
    for call in sorted(calls - {old}, key=lambda one: one.number):
        named = {
            key: moved(one) if isinstance(one, Tensor) else tuple(map(moved, one))
            for key, one in call.named.items()
        }
        if isinstance(call.target, LayerObject | ModelObject):
            call.target.calls.remove(call)
        new[call] = trace.record(call.target, tuple(map(moved, call.inputs)), named, call.arguments, place)
        new[call].call.count, new[call].call.hint = call.count, call.hint
    made.inputs = tuple(_sources(tensor))
    made.outputs = tuple(map(moved, made.outputs))
    return made


def _sources(tensor: Tensor) -> list[Tensor]:
    """The Inputs that a tensor depends on."""
    found: dict[TensorCall, None] = {}
    waiting, seen = [tensor.call], set[TensorCall]()
    while waiting:
        call = waiting.pop()
        if call not in seen:
            seen.add(call)
            waiting += [one.call for one in call.tensors()]
            if not call.tensors():
                found[call] = None
    return [Tensor(call) for call in sorted(found, key=lambda one: one.number)]
