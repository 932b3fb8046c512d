"""Layers, operations and models that a Python file makes and calls, written down call by call."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from kflab.catalog import Catalog, Entry, Kind, subscripts
from kflab.experiment import Experiment
from kflab.graph.nodes import INPUT
from kflab.imports import Note
from kflab.imports.python import sizes
from kflab.imports.python.arguments import ArgumentReader
from kflab.imports.python.counts import asks_for_states, results_of, states
from kflab.imports.python.recorded import (
    LayerObject,
    ModelObject,
    Operation,
    ShapeTuple,
    Tensor,
    TensorCall,
    TensorSpec,
)
from kflab.imports.python.tensor_lists import all_known, flat, holds_tensors
from kflab.imports.python.things import Place, Unreadable, causes_in
from kflab.values import Value

SpecsOf = Callable[[Experiment, str], Sequence[TensorSpec]]
"""Asked for shape and dtype of what a node of an experiment's model gives; none where Keras refuses it."""

OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "true_divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "mod",
    ast.Pow: "power",
    ast.MatMult: "matmul",
    ast.BitAnd: "logical_and",
    ast.BitOr: "logical_or",
    ast.BitXor: "logical_xor",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.USub: "negative",
    ast.Invert: "logical_not",
}
"""What Keras makes of an operator between tensors."""

_ORDERS: Mapping[str, tuple[str, ...]] = {
    "ops.average": ("x", "axis", "weights"),
    "ops.batch_normalization": ("x", "mean", "variance", "axis", "offset", "scale", "epsilon"),
    "ops.image.scale_and_translate": ("images", "output_shape", "scale", "translation", "spatial_dims"),
}
"""The positional arguments of the operations that do not take all their tensors first."""


class Trace:
    """Writes down what the file makes of Keras.

    Args:
        catalog: what Keras offers.
        specs_of: asked for the shapes of tensors, where the file works with them; None where nobody can tell.
    """

    def __init__(self, catalog: Catalog, specs_of: SpecsOf | None = None) -> None:
        self.catalog = catalog
        self.arguments = ArgumentReader(catalog, self.note)
        self.models: list[ModelObject] = []
        self.notes: list[Note] = []
        self.graph_of: Callable[[Tensor], tuple[Experiment, str]] | None = None
        self._specs_of = specs_of
        self.calls: list[TensorCall] = []

    def note(self, message: str, line: int) -> None:
        """Tell a person something about the import; the same is told once."""
        note = Note(message, line)
        if note not in self.notes:
            self.notes.append(note)

    def layer(
        self, entry: Entry, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> LayerObject:
        """A layer of the catalog.

        Raises:
            Unreadable: with every reason why its arguments cannot be in a document.
        """
        rest = dict(named)
        name = rest.pop("name", None)
        takes = self._takes(entry, rest, place)
        arguments = self.arguments.read(entry, positional, rest, place)
        if causes_in([name]):
            raise Unreadable(causes_in([name]))
        return LayerObject(entry.name, arguments, place.line, str(name or ""), takes=takes)

    def _takes(self, entry: Entry, named: dict[str, object], place: Place) -> dict[str, Value]:
        """What a layer says about the Input before it, as `input_shape`; taken out of its arguments."""
        if entry.name == INPUT:
            return {}
        found: dict[str, object] = {}
        for given, name in (
            ("input_shape", "shape"),
            ("batch_input_shape", "batch_shape"),
            ("batch_shape", "batch_shape"),
        ):
            if given in named and entry.argument(given) is None:
                found[name] = named.pop(given)
        if "input_dim" in named and entry.argument("input_dim") is None:
            size = named.pop("input_dim")
            found.setdefault(
                "shape", (named.pop("input_length", None), size) if "input_length" in named else (size,)
            )
        if "batch_size" in named and entry.argument("batch_size") is None:
            found["batch_size"] = named.pop("batch_size")
        if entry.name == "Embedding" and named.get("input_length") is not None:
            found.setdefault("shape", (named.pop("input_length"),))
        if not found:
            return {}
        shape = found.get("shape")
        if entry.name in sizes.OVER_TIME and isinstance(shape, list | tuple):
            found["shape"] = sizes.of_any_length(shape, lambda text: self.note(text, place.line))
        return self.arguments.read(self.catalog.get(Kind.LAYER, INPUT), [], found, place)

    def input(self, arguments: Mapping[str, Value], place: Place, name: str = "") -> Tensor:
        """The tensor of an Input."""
        layer = LayerObject(INPUT, dict(arguments), place.line, name)
        return self.record(layer, (), {}, {}, place)

    def record(
        self,
        target: LayerObject | ModelObject | Operation,
        inputs: Sequence[Tensor],
        named: Mapping[str, Tensor | tuple[Tensor, ...]],
        arguments: Mapping[str, Value],
        place: Place,
    ) -> Tensor:
        """Write down a call; its first tensor."""
        call = TensorCall(len(self.calls) + 1, target, tuple(inputs), named, arguments, place.line)
        self.calls.append(call)
        if not isinstance(target, Operation):
            target.calls.append(call)
        return Tensor(call)

    def call_layer(
        self, layer: LayerObject, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What calling a layer gives: a tensor, or a tuple of them.

        Raises:
            Unreadable: it is called with what is not known.
        """
        all_known(positional, named)
        entry = self.catalog.get(Kind.LAYER, layer.layer)
        given = list(positional)
        by_name = dict(named)
        places = [tensor.name for tensor in entry.tensors]
        for name in places[len(given) :]:  # tensors by name, as far as they stand in order
            if not holds_tensors(by_name.get(name)) or name == "initial_state":
                break
            given.append(by_name.pop(name))
        if by_name.get("inputs") is not None and not given:
            given.append(by_name.pop("inputs"))
        inputs, tensors = self._placed(entry, given, place)
        arguments: dict[str, Value] = {}
        for name, value in by_name.items():
            if value is None or (name == "training" and not isinstance(value, bool)):
                continue
            if holds_tensors(value):
                tensors[name] = value if isinstance(value, Tensor) else tuple(flat(value))
            else:
                arguments[name] = self.arguments.value(value, place, f"the {name} of a call")
        if not inputs and not layer.is_input:
            raise Unreadable(
                [place.cause(f"calls {layer.layer} with something that is no tensor of the model")]
            )
        first = self.record(layer, inputs, tensors, arguments, place)
        first.call.count = self._count_of_layer(layer, arguments, first)
        return several(first)

    def _placed(
        self, entry: Entry, given: Sequence[object], place: Place
    ) -> tuple[list[Tensor], dict[str, Tensor | tuple[Tensor, ...]]]:
        """Positional arguments of a call as tensors in order and tensors by name."""
        inputs: list[Tensor] = []
        named: dict[str, Tensor | tuple[Tensor, ...]] = {}
        gap = False
        for index, value in enumerate(given):
            if value is None:
                gap = True
                continue
            if not holds_tensors(value):
                raise Unreadable(
                    [place.cause(f"calls {entry.name} with something that is no tensor of the model")]
                )
            if index and (gap or not isinstance(value, Tensor)) and index < len(entry.tensors):
                named[entry.tensors[index].name] = value if isinstance(value, Tensor) else tuple(flat(value))
            else:
                inputs += flat(value)
        return inputs, named

    def _count_of_layer(self, layer: LayerObject, arguments: Mapping[str, Value], tensor: Tensor) -> int:
        """How many tensors a call gives: most layers one, those that return states or scores more."""
        if arguments.get("return_attention_scores"):
            return 2
        if not asks_for_states(layer.arguments):
            return 1
        known = states(layer.layer, layer.arguments)
        return 1 + known if known is not None else max(len(self.specs(tensor)), 1)

    def call_model(
        self, model: ModelObject, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What calling a model gives: a tensor, a tuple of them, or a mapping.

        Raises:
            Unreadable: it is called with what is not known.
        """
        all_known(positional, named)
        if model.causes:
            raise Unreadable(model.causes)
        rest = dict(named)
        given = list(positional[:1]) or [rest.pop("inputs", None)]
        tensors = given[0]
        if isinstance(tensors, dict):
            keys = model.input_keys or tuple(_given_name(one) for one in model.inputs)
            fed = [one for key in keys if key in tensors for one in flat(tensors[key])]
        else:
            fed = flat(tensors)
        if not fed:
            raise Unreadable([place.cause("calls a model with something that is no tensor of another model")])
        arguments = {
            name: self.arguments.value(value, place, f"the {name} of a call")
            for name, value in rest.items()
            if value is not None and (name != "training" or isinstance(value, bool))
        }
        self.realize(model, place, fed[0])
        if model.causes:
            raise Unreadable(model.causes)
        if len(fed) != len(model.inputs):
            raise Unreadable(
                [place.cause(f"calls a model of {len(model.inputs)} inputs with {len(fed)} tensors")]
            )
        first = self.record(model, fed, {}, arguments, place)
        first.call.count = len(model.outputs)
        if model.output_keys:
            return {key: Tensor(first.call, index) for index, key in enumerate(model.output_keys)}
        return several(first)

    def realize(self, model: ModelObject, place: Place, fed: Tensor | None = None) -> None:
        """Make sure that a stack of layers has input and output tensors; set by the library of models."""
        raise NotImplementedError

    def call_op(
        self, entry: Entry, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What calling a function of `keras.ops` gives.

        Raises:
            Unreadable: it is called with what is not known, or with what no document can hold.
        """
        all_known(positional, named)
        plain: dict[str, object] = {}
        tensors: dict[str, Tensor | tuple[Tensor, ...]] = {}
        for name, value in self._bound(entry, positional, named, place).items():
            if holds_tensors(value):
                if name not in {one.name for one in entry.tensors}:
                    why = f"gives {entry.name} a tensor as {name}, which no document can hold"
                    raise Unreadable([place.cause(why)])
                tensors[name] = value if isinstance(value, Tensor) else tuple(flat(value))
            elif value is not None:
                plain[name] = _with_one_free_axis(entry, name, value)
        if not tensors:
            why = "is a tensor of fixed numbers, which a graph of layers has no place for"
            raise Unreadable([place.cause(why)])
        arguments = self.arguments.read(entry, [], plain, place)
        inputs: list[Tensor] = []
        for one in entry.tensors:
            if one.name not in arguments:
                if one.name not in tensors:
                    break
                inputs += flat(tensors.pop(one.name))
                if one.many:
                    break
        first = self.record(Operation(entry.name, arguments), inputs, tensors, {}, place)
        known = results_of(entry.name, arguments)
        first.call.count = max(len(self.specs(first)), 1) if known is None else known
        return several(first)

    def _bound(
        self, entry: Entry, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> dict[str, object]:
        """What each argument of an operation is given, by name."""
        names = [*(one.name for one in entry.tensors), *(one.name for one in entry.arguments)]
        order = _ORDERS.get(entry.name) or tuple(dict.fromkeys(names))
        if len(positional) > len(order):
            why = f"has {len(positional)} arguments, {entry.name} takes {len(order)}"
            raise Unreadable([place.cause(why)])
        given = dict(zip(order, positional, strict=False))
        for name, value in named.items():
            if name != "name":
                given[name if name in names else self.arguments.older_name(entry, name, set(names))] = value
        return given

    def operator(self, operation: ast.AST, values: Sequence[object], place: Place) -> object:
        """What an operator gives, one of whose sides is a tensor.

        Raises:
            Unreadable: Keras has no such operator, or a side is not known.
        """
        name = OPERATORS.get(type(operation))
        if name is None:
            raise Unreadable([place.cause("is an operator that tensors do not have")])
        return self.call_op(self.catalog.get(Kind.OP, f"ops.{name}"), values, {}, place)

    def item(self, tensor: Tensor, key: object, place: Place) -> object:
        """`tensor[key]`.

        Raises:
            Unreadable: the key is none that a document can hold.
        """
        parts = key if isinstance(key, tuple) else (key,)
        all_known(parts, {})
        for part in parts:
            bounds = [part.start, part.stop, part.step] if isinstance(part, slice) else [part]
            for bound in bounds:
                if (
                    bound is not None
                    and bound is not ...
                    and (not isinstance(bound, int) or isinstance(bound, bool))
                ):
                    raise Unreadable([place.cause("takes a part of a tensor by something that is no number")])
        text = subscripts.write(key)  # type: ignore[arg-type]  # its parts were just looked at
        entry = self.catalog.get(Kind.OP, "ops.get_item")
        return self.call_op(entry, [tensor], {"key": int(text) if isinstance(key, int) else text}, place)

    def specs(self, tensor: Tensor) -> tuple[TensorSpec, ...]:
        """Shape and dtype of all that the call of a tensor gives; empty where nobody can tell."""
        call = tensor.call
        if not call.specs and isinstance(call.target, LayerObject) and call.target.is_input:
            call.specs = (_spec_of_input(call.target.arguments),)
        if not call.specs and self._specs_of is not None and self.graph_of is not None:
            call.specs = tuple(self._specs_of(*self.graph_of(tensor)))
        return call.specs

    def shape(self, tensor: Tensor, place: Place) -> object:
        """The shape of a tensor, batch axis first; unknown where nobody can tell."""
        specs = self.specs(tensor)
        if tensor.index < len(specs):
            return ShapeTuple(specs[tensor.index].shape)
        return place.unknown("is a shape that Keras works out", definable=True)

    def dtype(self, tensor: Tensor, place: Place) -> object:
        """The dtype of a tensor."""
        specs = self.specs(tensor)
        if tensor.index < len(specs):
            return specs[tensor.index].dtype
        return place.unknown("is a dtype that Keras works out", definable=True)


def several(first: Tensor) -> object:
    """All tensors of a call: one alone, several in a list."""
    if first.call.count == 1:
        return first
    return [Tensor(first.call, index) for index in range(first.call.count)]


def _given_name(tensor: Tensor) -> str:
    target = tensor.call.target
    return target.name if isinstance(target, LayerObject) else ""


def _with_one_free_axis(entry: Entry, name: str, value: object) -> object:
    """A shape in which the axis of the batch, which is not known, is worked out: -1 for None."""
    free = isinstance(value, list | tuple) and sum(item is None for item in value) == 1 and -1 not in value
    if entry.name == "ops.reshape" and name == "newshape" and free and isinstance(value, list | tuple):
        return [-1 if item is None else item for item in value]
    return value


def _spec_of_input(arguments: Mapping[str, Value]) -> TensorSpec:
    whole, shape, batch = (arguments.get(name) for name in ("batch_shape", "shape", "batch_size"))
    sizes = whole if isinstance(whole, list) else [batch, *(shape if isinstance(shape, list) else [])]
    return TensorSpec(
        tuple(size if isinstance(size, int) else None for size in sizes),
        str(arguments.get("dtype") or "float32"),
    )
