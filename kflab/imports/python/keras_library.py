"""What the modules of a Python file hold, as far as it is read: Keras, and a little of what goes with it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from kflab.catalog import Entry, Kind
from kflab.experiment import POLICIES, PolicyName
from kflab.graph.nodes import INPUT
from kflab.imports import keras1
from kflab.imports.python import command_lines, composite, datasets, model_methods, old_layers
from kflab.imports.python.architectures import Architectures
from kflab.imports.python.arithmetic import COMPARE
from kflab.imports.python.graphs import graph_up_to
from kflab.imports.python.module_names import MODELS, STACKS, canonical, kind_of, merging_layer, operation
from kflab.imports.python.recorded import (
    DataArray,
    Distributed,
    LambdaObject,
    LayerObject,
    Made,
    ModelObject,
    Statistic,
    Tensor,
)
from kflab.imports.python.tensor_lists import tensors_in
from kflab.imports.python.things import (
    Function,
    Instance,
    Method,
    Partial,
    Place,
    Ref,
    Super,
    Unknown,
    Unreadable,
    causes_in,
)
from kflab.imports.python.tracing import OPERATORS

_SEEDS = {"keras.utils.set_random_seed", "tensorflow.random.set_seed", "tensorflow.set_random_seed"}
_SILENT = {
    "keras.utils.plot_model",
    "keras.backend.clear_session",
    "keras.utils.clear_session",
    "keras.utils.disable_interactive_logging",
}
_SET_POLICY = {
    "keras.mixed_precision.set_global_policy",
    "keras.mixed_precision.set_dtype_policy",
    "keras.mixed_precision.experimental.set_policy",
    "keras.config.set_dtype_policy",
    "keras.config.set_floatx",
    "keras.backend.set_floatx",
}
_POLICIES = {
    "keras.DTypePolicy",
    "keras.dtype_policies.DTypePolicy",
    "keras.mixed_precision.Policy",
    "keras.mixed_precision.DTypePolicy",
    "keras.mixed_precision.experimental.Policy",
}
"""The classes of policies: one is as good as its name."""

_DETERMINISTIC = {
    "tensorflow.config.experimental.enable_op_determinism",
    "torch.use_deterministic_algorithms",
}
_CONSTANTS: Mapping[str, object] = {
    "keras.backend.floatx": "float32",
    "keras.config.floatx": "float32",
    "keras.backend.epsilon": 1e-7,
    "keras.config.epsilon": 1e-7,
    "keras.backend.backend": "tensorflow",
    "keras.config.backend": "tensorflow",
}
"""What Keras answers where its settings were not changed."""

_SHAPES = {"keras.backend.int_shape", "keras.ops.shape", "tensorflow.shape"}
_FROM_FILES = frozenset({"load_model", "model_from_json", "model_from_yaml", "model_from_config"})
_FLAT = {"keras.tree.flatten", "tensorflow.nest.flatten"}


class KerasLibrary(Architectures):
    """Answers what names of modules are and what comes of calling them.

    Attributes:
        seed: the seed that the file sets.
        data_format: the order of the axes of pictures that the file sets.
        dtype_policy: what layers compute in, where the file sets it.
        deterministic: whether the file asks for sums that are always added up in the same order.
        data: the dataset that the file loads.
    """

    seed: int | None = None
    data_format: str = "channels_last"
    dtype_policy: PolicyName = ""
    deterministic: bool = False
    data: datasets.Loaded | None = None
    enter: Callable[[object, Sequence[object], Mapping[str, object], Place], object]

    def start(self, enter: Callable[[object, Sequence[object], Mapping[str, object], Place], object]) -> None:
        """Tell who calls functions of the file: for Lambda layers, and layers that the file writes itself."""
        self.enter = enter
        self.call_any = lambda layer, positional, place: self.call(layer, positional, {}, place)
        self.graph_of = lambda tensor: graph_up_to(self, tensor)

    def call(
        self, value: object, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What calling a name of a module or something of Keras gives.

        Raises:
            Unreadable: it cannot be told, with every reason.
        """
        match value:
            case Ref():
                return self._call_name(value, positional, named, place)
            case LayerObject():
                return self.call_layer(value, positional, named, place)
            case ModelObject():
                return self.call_model(value, positional, named, place)
            case LambdaObject():
                return self._call_lambda(value, positional, named, place)
            case Distributed():
                return composite.call_distributed(self, value, positional, place)
            case Instance():
                return composite.call_instance(self, value, positional, named, place)
            case Made(kind=Kind.ACTIVATION):
                return self._activate(value.name, positional, {**value.arguments, **named}, place)
            case Method():
                return self._call_method(value, positional, named, place)
        return place.unknown("is not read", definable=True)

    def _call_method(
        self, method: Method, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        match method:
            case Method(value=ModelObject() as model, name=name):
                return model_methods.call(name, model_methods.Asked(self, model, positional, named, place))
            case Method(value=Tensor() as tensor, name="get_shape"):
                return self.shape(tensor, place)
            case Method(value=command_lines.Parser() as parser, name=name):
                return command_lines.method(parser, name, positional, named, place)
            case Method(value=DataArray() as array, name=name):
                return datasets.method(array, name, positional, named, place)
            case Method(value=(Instance() | Super()) as instance, name=name):
                return composite.method(self, instance, name, positional, named, place)
            case Method(value=LayerObject() as layer, name="call"):
                return self.call_layer(layer, positional, named, place)
        unknown = causes_in([*positional, *named.values()])
        return Unknown(tuple(unknown)) if unknown else place.unknown("is not read", definable=True)

    def _call_lambda(
        self, value: LambdaObject, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What the function of a Lambda layer makes of tensors: its operations, in the layer's place."""
        if isinstance(value.function, Unknown):
            raise Unreadable(value.function.causes)
        rest = {name: one for name, one in named.items() if name not in {"training", "mask"}}
        result = self.enter(value.function, positional, {**value.named, **rest}, place)
        if not causes_in([result]):
            self.note("the Lambda layer is brought in as the operations that it calls", value.line)
        return result

    def _call_name(
        self, name: Ref, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        path = canonical(name.path)
        if path in _CONSTANTS:
            return _CONSTANTS[path]
        if path in old_layers.ORDERS:
            return old_layers.order_of_axes(self, path, positional or list(named.values()))
        if path in MODELS or path in STACKS:
            model = (self.functional if path in MODELS else self.sequential)(positional, named, place)
            self.count_name(model)
            return model
        if path in _POLICIES:
            return positional[0] if positional else named.get("name")
        if path in _SEEDS | _SILENT | _SET_POLICY | _DETERMINISTIC:
            self._set(path, next(iter((*positional, *named.values())), None))
            return None
        if path in _SHAPES:
            tensor = positional[0] if positional else named.get("x")
            if isinstance(tensor, Tensor):
                return self.shape(tensor, place)
        if path in _FLAT:
            return tensors_in([*positional, *named.values()])
        if path.startswith("keras.applications."):
            return self.application(path, positional, named, place)
        return self._of_catalog(path, positional, named, place)

    def _set(self, path: str, value: object) -> None:
        """Take note of a setting of Keras."""
        if path in _SEEDS and isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32:
            self.seed = value
        if path in _SET_POLICY:
            self.dtype_policy = next((name for name in POLICIES if name == value), self.dtype_policy)
        if path in _DETERMINISTIC:
            self.deterministic = value is not False

    def _of_catalog(
        self, path: str, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What calling a class or function of the catalog gives."""
        last = path.rpartition(".")[2]
        if path.startswith("keras.") and last in {keras1.MERGE, keras1.MERGE.capitalize()}:
            return old_layers.merge(self, positional, named, place)
        entry = kind_of(path, self.catalog)
        if entry is not None:
            if entry.kind is Kind.LAYER:
                positional, named = old_layers.as_of_today(self, last, positional, named)
            return self._make(entry, positional, named, place)
        if path.startswith("keras.activations.") and not tensors_in([*positional, *named.values()]):
            return self._activation_getter(path, positional, place)
        merging = merging_layer(path, self.catalog)
        if merging is not None:
            return self.merge(merging, positional, named, place)
        loaded = self._of_data(path, positional, named, place)
        return self._on_tensors(path, positional, named, place) if loaded is None else loaded

    def _make(
        self, entry: Entry, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """A layer or another object of the catalog."""
        if entry.kind is not Kind.LAYER:
            return Made(
                entry.kind, entry.name, self.arguments.read(entry, positional, named, place), place.line
            )
        if entry.name == "Lambda":
            return self._lambda(positional, named, place)
        if entry.unsafe:
            raise Unreadable([place.cause("holds code, which a document cannot carry", entry.name)])
        if entry.name == INPUT:
            return self._input(entry, positional, named, place)
        if entry.name == "TimeDistributed":
            inner = positional[0] if positional else named.get("layer")
            if isinstance(inner, ModelObject):
                return Distributed(inner, {}, place.line)
        layer = self.layer(entry, positional, named, place)
        self.count_name(layer)
        return layer

    def _lambda(
        self, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> LambdaObject:
        function = positional[0] if positional else named.get("function")
        if not isinstance(function, Function | Partial | Ref):
            unknown = causes_in([function])
            raise Unreadable(
                unknown or [place.cause("calls something that is no function of the file", "this Lambda")]
            )
        extra = named.get("arguments")
        shape = named.get("input_shape")
        takes = {"shape": self.arguments.value(shape, place, "input_shape")} if shape is not None else {}
        return LambdaObject(function, dict(extra) if isinstance(extra, dict) else {}, place.line, takes)

    def _input(
        self, entry: Entry, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        if any(named.get(name) is not None for name in ("tensor", "type_spec")):
            raise Unreadable([place.cause("stands for a tensor of its own", "this Input")])
        rest = {name: value for name, value in named.items() if name not in {"tensor", "type_spec"}}
        for old in ("input_shape", "batch_input_shape"):
            if old in rest:
                rest[old.removeprefix("input_").replace("batch_input", "batch")] = rest.pop(old)
        layer = self.layer(entry, positional, rest, place)
        self.count_name(layer)
        return self.record(layer, (), {}, {}, place)

    def merge(
        self, entry: Entry, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """A function such as `layers.add([a, b])`, which makes a layer and calls it."""
        settings = dict(named)
        tensors = positional[0] if positional else settings.pop("inputs", None)
        layer = self._make(entry, positional[1:], settings, place)
        assert isinstance(layer, LayerObject)
        return self.call_layer(layer, [tensors], {}, place)

    def _activation_getter(self, path: str, positional: Sequence[object], place: Place) -> object:
        """`keras.activations.get("relu")`: the activation itself."""
        name = positional[0] if positional else None
        if path.endswith(".get") and isinstance(name, str):
            return Ref(f"keras.activations.{name}")
        return name if name is not None else place.unknown("is not read")

    def _activate(
        self, name: str, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What an activation function makes of a tensor."""
        entry = self.catalog.get(Kind.ACTIVATION, name)
        if entry.name == "linear" and positional:
            return positional[0]
        op = self.catalog.find(Kind.OP, f"ops.{entry.name}")
        if op is not None and all(op.argument(key) or key in {"x"} for key in named):
            return self.call_op(op, positional, named, place)
        rest = dict(named)
        tensors = list(positional[:1]) or [rest.pop("x", None)]
        settings = self.arguments.read(entry, positional[1:], rest, place)
        value = {entry.name: settings} if settings else entry.name
        return self.call_layer(
            LayerObject("Activation", {"activation": value}, place.line), tensors, {}, place
        )

    def _of_data(
        self, path: str, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object | None:
        """What loading or preparing a dataset gives; None where the path is not about data."""
        if path.startswith("keras.datasets.") and path.endswith(".load_data"):
            self.data = datasets.load(path.split(".")[2], positional, named, place, self.note)
            return self.data.arrays
        table = datasets.load_table(path, named, place)
        if table is not None:
            self.data = table
            return table.arrays
        return datasets.function(path, positional, named, place)

    def _on_tensors(
        self, path: str, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What a function of a module gives; one of `keras.ops` is a node, others cannot be told."""
        unknown = causes_in([*positional, *named.values()])
        if unknown:
            raise Unreadable(unknown)
        if not tensors_in([*positional, *named.values()]):
            return self._on_numbers(path, positional, place)
        if path.startswith("keras.activations."):
            name = path.rpartition(".")[2]
            if self.catalog.find(Kind.ACTIVATION, name) is not None:
                return self._activate(name, positional, named, place)
        entry = operation(path, self.catalog)
        if path.endswith("l2_normalize") and len(positional) < 2 and not named.keys() & {"axis", "dim"}:
            raise Unreadable(
                [place.cause("is over all samples of a batch, which no operation of Keras is", path)]
            )
        if entry is None:
            raise Unreadable([place.cause("is called on tensors, which kflab cannot read", path)])
        if entry.unsafe:
            raise Unreadable([place.cause("holds code, which a document cannot carry", path)])
        return self.call_op(entry, positional, named, place)

    def _on_numbers(self, path: str, positional: Sequence[object], place: Place) -> object:
        """What a function of Keras or TensorFlow that compares gives on plain numbers."""
        entry = operation(path, self.catalog)
        numbers = [one for one in positional if isinstance(one, int | float)]
        if entry is not None and len(numbers) == len(positional) == 2:
            for kind, compare in COMPARE.items():
                if entry.name == f"ops.{OPERATORS.get(kind)}":
                    return bool(compare(*numbers))
        return _of_elsewhere(path, place)

    def binary(self, operation: ast.AST, left: object, right: object, place: Place) -> object:
        """An operator or comparison where a side is something of Keras."""
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self.operator(operation, [left, right], place)
        if isinstance(left, DataArray | Statistic) or isinstance(right, DataArray | Statistic):
            return datasets.binary(operation, left, right, place)
        if isinstance(operation, ast.Eq | ast.NotEq):
            return (left == right) is isinstance(operation, ast.Eq)
        return place.unknown("is not read", definable=True)

    def unary(self, operation: ast.unaryop, value: object, place: Place) -> object:
        """A sign before something of Keras."""
        if isinstance(value, Tensor):
            return value if isinstance(operation, ast.UAdd) else self.operator(operation, [value], place)
        return place.unknown("is not read", definable=True)

    def item(self, value: object, key: object, place: Place) -> object:
        """`value[key]` of something of Keras."""
        if isinstance(value, Tensor):
            return super().item(value, key, place)
        if isinstance(value, datasets.Table) and isinstance(key, str):
            return self.attribute(value, key, place)
        if isinstance(value, DataArray):
            return datasets.item(value, key, place)
        return place.unknown("is not read", definable=True)

    def iterate(self, value: object, place: Place) -> list[object]:
        """The items of something of Keras.

        Raises:
            Unreadable: they are not known.
        """
        if isinstance(value, Tensor):
            raise Unreadable([place.cause("takes a tensor apart, which Keras refuses")])
        raise Unreadable([place.cause("goes over data that is not read", definable=True)])


def _of_elsewhere(path: str, place: Place) -> object:
    """What a function that is not read gives."""
    root, last = path.partition(".")[0], path.rpartition(".")[2]
    if last in _FROM_FILES and root == "keras":
        return place.unknown(f"is not known: {last} reads a model that is not in this file; import that one")
    if root in {"keras", "tensorflow"}:
        return place.unknown("gives what only running it would tell", path)
    return place.unknown(f"comes from {root or 'a module'}, which is not run", definable=True)
