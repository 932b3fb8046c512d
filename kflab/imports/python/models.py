"""Models as a Python file makes them: functional ones, and stacks of layers that grow."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence

from kflab.catalog import Catalog, Kind
from kflab.graph.nodes import INPUT
from kflab.imports.python.naming import Counted, snake_case
from kflab.imports.python.recorded import (
    Distributed,
    LambdaObject,
    LayerObject,
    ModelObject,
    Operation,
    Tensor,
    TensorCall,
)
from kflab.imports.python.things import Instance, Place, Raised, Unknown, Unreadable, causes_in
from kflab.imports.python.tracing import SpecsOf, Trace, several
from kflab.values import Value


class Models(Trace):
    """Makes, stacks and calls models.

    Args:
        catalog: what Keras offers.
        specs_of: asked for the shapes of tensors.
    """

    def __init__(self, catalog: Catalog, specs_of: SpecsOf | None = None) -> None:
        super().__init__(catalog, specs_of)
        self.call_any: Callable[[object, Sequence[object], Place], object] | None = None
        self.input_shape: Value = None
        self._automatic = Counted()
        self._names: dict[object, str] = {}

    def functional(
        self, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> ModelObject:
        """A functional model of inputs and outputs."""
        values = dict(zip(("inputs", "outputs", "name"), positional, strict=False)) | dict(named)
        inputs, outputs = (values.get(name, values.get(name[:-1])) for name in ("inputs", "outputs"))
        model = self._model(place, values)
        model.causes += causes_in([inputs, outputs])
        if not model.causes:
            model.inputs, model.input_keys = self._ends(inputs, model, "inputs", place)
            model.outputs, model.output_keys = self._ends(outputs, model, "outputs", place)
        return model

    def _model(self, place: Place, values: Mapping[str, object]) -> ModelObject:
        name = values.get("name")
        model = ModelObject(place.line, name if isinstance(name, str) else "")
        if isinstance(values.get("trainable"), bool):
            model.trainable = bool(values["trainable"])
        self.models.append(model)
        return model

    def _ends(
        self, value: object, model: ModelObject, what: str, place: Place
    ) -> tuple[tuple[Tensor, ...], tuple[str, ...]]:
        """The tensors and, of a mapping, the keys of a model's inputs or outputs."""
        keys: tuple[str, ...] = ()
        if isinstance(value, dict):
            keys = tuple(map(str, value))
            value = list(value.values())
        items = list(value) if isinstance(value, list | tuple) else [value]
        while any(isinstance(item, list | tuple) for item in items):
            items = [one for item in items for one in (item if isinstance(item, list | tuple) else [item])]
        tensors = tuple(item for item in items if isinstance(item, Tensor))
        if len(tensors) != len(items) or not items:
            model.causes.append(place.cause(f"has {what} that are no tensors"))
        return tensors, keys if len(keys) == len(tensors) else ()

    def sequential(
        self, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> ModelObject:
        """A stack of layers."""
        values = dict(zip(("layers", "trainable", "name"), positional, strict=False)) | dict(named)
        model = self._model(place, values)
        model.stack = []
        layers = values.get("layers")
        if isinstance(layers, Unknown):
            model.causes += layers.causes
        elif layers is not None:
            for layer in layers if isinstance(layers, list | tuple) else [layers]:
                self.add(model, layer, place)
        return model

    def add(self, model: ModelObject, layer: object, place: Place) -> None:
        """Put a layer on a stack."""
        if model.stack is None:
            raise Raised("AttributeError", "a functional model has no 'add'")
        if isinstance(layer, Unknown):
            model.causes += layer.causes
        elif isinstance(layer, list | tuple):
            for one in layer:
                self.add(model, one, place)
        elif isinstance(layer, LayerObject | ModelObject | Tensor | LambdaObject | Distributed | Instance):
            model.stack.append(layer)
        else:
            model.causes.append(place.cause("puts something on a stack that is no layer"))

    def realize(self, model: ModelObject, place: Place, fed: Tensor | None = None) -> None:
        """Make sure that a stack of layers has input and output tensors.

        Args:
            model: the model.
            place: what asks for them.
            fed: the tensor that it is called with, whose shape it takes where it was not told one.
        """
        if model.stack is None or model.causes or model.realized == len(model.stack):
            return
        value: object
        if 0 < model.realized < len(model.stack) and model.inputs:
            layers, starts = model.stack[model.realized :], model.inputs
            value = model.outputs[0] if len(model.outputs) == 1 else list(model.outputs)
        else:
            layers = list(model.stack)
            found = self._start(model, layers, fed)
            if isinstance(found, Unknown):
                raise Unreadable(found.causes)  # it may be told later, or by a call
            value = found
            starts = tuple(found) if isinstance(found, list) else (found,)
        model.realized = len(model.stack)
        for layer in layers:
            value = self._stacked(layer, value, place)
            if isinstance(value, Unknown):
                model.causes += value.causes
                return
        outputs = value if isinstance(value, list) else [value]
        model.inputs = starts
        model.outputs = tuple(one for one in outputs if isinstance(one, Tensor))

    def _stacked(self, layer: object, value: object, place: Place) -> object:
        """What a layer of a stack gives."""
        at = Place(getattr(layer, "line", place.line), place.node)
        try:
            if isinstance(layer, ModelObject):
                return self.call_model(layer, [value], {}, at)
            if isinstance(layer, LayerObject):
                return self.call_layer(layer, [value], {}, at)
            assert self.call_any is not None
            return self.call_any(layer, [value], at)
        except Unreadable as unreadable:
            return Unknown(unreadable.causes)

    def _start(
        self, model: ModelObject, layers: list[object], fed: Tensor | None
    ) -> Tensor | list[Tensor] | Unknown:
        """The Input of a stack; an Input at its head is taken off `layers`.

        A model of a class of the file may take several.
        """
        place = Place(model.line)
        head = layers[0] if layers else None
        if isinstance(head, Tensor):
            return layers.pop(0)  # type: ignore[return-value]  # it is `head`
        if isinstance(head, LayerObject) and head.is_input:
            del layers[0]
            return Tensor(head.calls[0]) if head.calls else self.record(head, (), {}, {}, place)
        shapes = self.input_shape if isinstance(head, Instance) and fed is None else None
        if (
            isinstance(shapes, list | tuple)
            and shapes
            and all(isinstance(one, list | tuple) for one in shapes)
        ):
            return [
                self.input({"shape": list(one)}, place) for one in shapes if isinstance(one, list | tuple)
            ]
        takes = self._told(model, head, is_fed=fed is not None)
        if takes is None and fed is not None:
            takes = self._like(fed)
        if takes is None and isinstance(head, LayerObject) and head.layer == "Embedding":
            self.note("the length of the sequences is not told; any is taken", head.line)
            takes = {"shape": [None]}
        if takes is not None:
            return self.input(takes, place)
        cause = place.cause("of this stack of layers is not told", "the input shape", definable=True)
        cause.name = "input_shape"
        return Unknown((cause,))

    def _told(self, model: ModelObject, head: object, *, is_fed: bool) -> Mapping[str, Value] | None:
        """The arguments of the Input of a stack, where it or what is at its head tells them."""
        takes = model.takes or getattr(head, "takes", {})
        if takes:
            return takes
        if isinstance(head, ModelObject):
            with contextlib.suppress(Unreadable):
                self.realize(head, Place(model.line))
            first = head.inputs[0].call.target if head.inputs else None
            if isinstance(first, LayerObject) and first.is_input:
                return first.arguments
        elif not is_fed and self.input_shape is not None:
            entry = self.catalog.get(Kind.LAYER, INPUT)
            return self.arguments.read(entry, [], {"shape": self.input_shape}, Place(model.line))
        return None

    def _like(self, tensor: Tensor) -> Mapping[str, Value] | None:
        """The arguments of an Input of the shape and dtype of a tensor, where Keras can tell them."""
        specs = self.specs(tensor)
        if tensor.index >= len(specs):
            return None
        spec = specs[tensor.index]
        dtype: Mapping[str, Value] = {} if spec.dtype == "float32" else {"dtype": spec.dtype}
        return {"shape": list(spec.shape[1:]), **dtype}

    def build(self, model: ModelObject, shape: object, place: Place) -> None:
        """Tell a stack the shape of its input, batch axis first."""
        if isinstance(shape, Unknown) or model.stack is None or not isinstance(shape, list | tuple):
            return
        entry = self.catalog.get(Kind.LAYER, INPUT)
        model.takes = self.arguments.read(entry, [], {"shape": list(shape)[1:]}, place)
        model.realized = -1

    def feed(self, model: ModelObject, shape: Sequence[int | None], place: Place) -> None:
        """Take the shape of the samples, batch axis first, for that of a stack that was not told one."""
        if model.stack is None or model.causes or model.realized > 0:
            return
        head = model.stack[0] if model.stack else None
        if not _is_head(head) and self._told(model, head, is_fed=False) is None:
            self.build(model, list(shape), place)

    def layers_of(self, model: ModelObject) -> list[object]:
        """The layers of a model in the order that Keras lists them in.

        Raises:
            Unreadable: the model cannot be read.
        """
        if model.stack is not None:
            with contextlib.suppress(Unreadable):  # its layers are known before its shapes are
                self.realize(model, Place(model.line))
            return [one for one in model.stack if not _is_head(one)]
        if model.causes:
            raise Unreadable(model.causes)
        return keras_order(model)

    def find_layer(self, model: ModelObject, name: object, index: object) -> object:
        """What `get_layer` gives.

        Raises:
            Raised: there is no such layer.
        """
        layers = self.layers_of(model)
        if isinstance(index, int) and -len(layers) <= index < len(layers):
            return layers[index]
        for by in (lambda one: one.name, self.automatic_name, lambda one: one.hint):
            for layer in layers:
                if isinstance(layer, LayerObject | ModelObject) and by(layer) == name:
                    return layer
        raise Raised("ValueError", f"No such layer: {name}")

    def automatic_name(self, one: LayerObject | ModelObject) -> str:
        """The name that Keras gives what was not named, counted over all that the file makes."""
        return one.name or self._names.get(one, "")

    def count_name(self, one: LayerObject | ModelObject) -> None:
        """Take note that Keras would name a layer or model now."""
        if isinstance(one, ModelObject):
            wanted = "functional" if one.stack is None else "sequential"
        else:
            wanted = "input_layer" if one.is_input else snake_case(one.layer)
        if not one.name:
            self._names[one] = self._automatic.name(wanted)

    def ends_of(self, model: ModelObject, inputs: bool, place: Place) -> object:
        """The `input` or `output` of a model: one tensor, or a list of several.

        Raises:
            Unreadable: the model cannot be read.
        """
        self.realize(model, place)
        if model.causes:
            raise Unreadable(model.causes)
        tensors = list(model.inputs if inputs else model.outputs)
        return tensors[0] if len(tensors) == 1 else tensors


def _is_head(one: object) -> bool:
    return isinstance(one, Tensor) or (isinstance(one, LayerObject) and one.is_input)


def keras_order(model: ModelObject) -> list[object]:
    """The layers of a functional model in Keras' order: from those deepest below the outputs on."""
    order: list[TensorCall] = []
    indices: dict[object, int] = {}
    done: set[int] = set()
    stack = [(tensor.call, False) for tensor in reversed(model.outputs)]
    ends = {tensor.call for tensor in model.inputs}
    while stack:
        call, leaving = stack.pop()
        if leaving:
            order.append(call)
            continue
        if call.number in done:
            continue
        done.add(call.number)
        indices.setdefault(call.target, len(indices))
        stack.append((call, True))
        if call not in ends:
            stack += [(tensor.call, False) for tensor in reversed(call.tensors())]
    depths: dict[object, int] = {}
    call_depths: dict[TensorCall, int] = {}
    for call in reversed(order):
        depth = max(call_depths.get(call, 0), depths.get(call.target, 0))
        depths[call.target] = depth
        call_depths[call] = depth
        for tensor in call.tensors() if call not in ends else ():
            call_depths[tensor.call] = max(depth + 1, call_depths.get(tensor.call, 0))
    targets = [target for target in depths if not isinstance(target, Operation)]
    return sorted(targets, key=lambda target: (-depths[target], indices[target]))


def output_of(layer: LayerObject | ModelObject, inputs: bool, place: Place) -> object:
    """The `input` or `output` of a layer, as of its first call.

    Raises:
        Unreadable: it has not been called.
    """
    if not layer.calls:
        raise Unreadable([place.cause("belongs to a layer that was not called yet")])
    call = layer.calls[0]
    if inputs:
        tensors: list[object] = list(call.tensors())
        return tensors[0] if len(tensors) == 1 else tensors
    return several(Tensor(call))
