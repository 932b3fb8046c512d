"""One model's config, Functional or Sequential, read as a graph."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from kflab.catalog import Entry, Kind
from kflab.graph.naming import free_name
from kflab.graph.nodes import INPUT, Graph, Layer, Node, Share, source_of
from kflab.graph.order import find_cycle, prerequisites
from kflab.imports import nodes, operations
from kflab.imports.calls import LayerCall, Tensor, calls_of, structure_of, tensors_in
from kflab.imports.einsum import einsum_nodes
from kflab.imports.equivalents import equivalent
from kflab.imports.models import INPUTS, Config, ModelReader, config_of, is_model, layers_of, name_of
from kflab.imports.names import fitting
from kflab.imports.over_time import WRAPPER, over_time
from kflab.imports.serialized import dtype_of, is_own
from kflab.values import Value

INPUT_LAYER = "InputLayer"
_TEXT_LAYERS = {"StringLookup", "TextVectorization"}
_SHAPES = ("batch_shape", "batch_input_shape", "input_shape")


class GraphReader:
    """Reads one model; the nodes of its graph are named as its layers, where a document can have their names.

    Args:
        models: reads the models that this one calls.
        key: its name among the nested models, "" for the main one.
        where: the way to it in the source.
    """

    def __init__(self, models: ModelReader, key: str, where: str) -> None:
        self._models, self._key, self._where = models, key, where
        self._nodes: dict[str, Node] = {}
        self._called: dict[tuple[str, int], str] = {}
        self._offsets: dict[str, int] = {}

    def read(self, model: Config) -> Graph:
        """The graph of a serialised model.

        Raises:
            ValueError: the config is no model's.
        """
        config = config_of(model)
        name = fitting(str(config.get("name") or model.get("name") or "model"))
        frozen = config.get("trainable") is False
        if INPUTS in config:
            inputs, outputs = self._functional(config)
        else:
            inputs, outputs = self._sequential(model, config)
        graph = Graph(
            name=name if not self._key else self._key,
            nodes=self._nodes,
            outputs=outputs,
            trainable=not frozen,
        )
        if circle := find_cycle(graph):
            raise ValueError(f"the graph of {name} runs in a circle: {' -> '.join(circle)}")
        order = (*inputs, *branch_by_branch(graph))
        ordered = {node: _thawed(self._nodes[node]) if frozen else self._nodes[node] for node in order}
        written = tuple(node for node in ordered if ordered[node].is_input)
        return Graph(
            name=graph.name,
            nodes=ordered,
            outputs=self._each_once(ordered, outputs),
            inputs=() if written == inputs else inputs,
            trainable=graph.trainable,
        )

    def _each_once(self, ordered: dict[str, Node], outputs: tuple[str, ...]) -> tuple[str, ...]:
        """The outputs with an Identity for each that is returned a second time, which no document can say."""
        unique: list[str] = []
        for output in outputs:
            if output in unique:
                name = free_name(source_of(output), ordered)
                ordered[name] = Node(Layer("Identity"), (output,))
                unique.append(name)
            else:
                unique.append(output)
        return tuple(unique)

    def _functional(self, config: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
        layers = {name_of(layer): layer for layer in layers_of(config)}
        calls = {name: calls_of(layer, layers) for name, layer in layers.items()}
        self._name_calls({name: len(made) for name, made in calls.items()}, layers)
        ins, outs = structure_of(config[INPUTS]), structure_of(config.get("output_layers", []))
        self._models.structures[self._key] = ins
        self._count_from(layers, calls, outs)
        for name, layer in layers.items():
            if layer.get("class_name") == INPUT_LAYER:
                self._nodes[self._called[name, 0]] = self._input(config_of(layer))
            for index, call in enumerate(calls[name]):
                self._add(layer, index, call)
        outputs = tuple(self.reference(self._of_output(tensor, layers)) for tensor in tensors_in(outs))
        self._models.output_keys[self._key] = _by_key(outs, outputs)
        return tuple(self.reference(tensor) for tensor in tensors_in(ins)), outputs

    def _name_calls(self, counts: Mapping[str, int], layers: Mapping[str, Config]) -> None:
        """A name for each call of each layer; the first call has the layer's own."""
        taken: set[str] = set()
        for name in layers:
            fit = free_name(fitting(name), taken)
            taken.add(fit)
            self._called[name, 0] = fit
            if fit != name:
                self._models.found.renamed(name, fit)
                self._models.names.setdefault(self._key, {})[fit] = name
        for name, count in counts.items():
            for index in range(1, count):
                again = free_name(self._called[name, 0], taken)
                taken.add(again)
                self._called[name, index] = again

    def _count_from(
        self, layers: Mapping[str, Config], calls: Mapping[str, Sequence[LayerCall]], outs: object
    ) -> None:
        """Find out which models' calls are counted from 1, as Keras 2 did for what had a graph of its own."""
        old = [call for made in calls.values() for call in made if call.is_old]
        if not old:
            return
        used = list(tensors_in([[*call.positional, dict(call.named)] for call in old]))
        used += tensors_in(outs)
        for name in (name for name, layer in layers.items() if is_model(layer)):
            counted = [tensor.call for tensor in used if tensor.layer == name]
            self._offsets[name] = min(counted, default=0)

    def _of_output(self, tensor: Tensor, layers: Mapping[str, Config]) -> Tensor:
        """A tensor of `output_layers`, where Keras 3 counts the calls of a functional model from 1."""
        layer = layers.get(tensor.layer, {})
        if tensor.layer not in self._offsets and is_model(layer) and INPUTS in config_of(layer):
            return tensor._replace(call=tensor.call - 1)
        return tensor

    def reference(self, tensor: Tensor) -> str:
        """A tensor of the source as a reference to a node.

        Raises:
            ValueError: there is no such layer, or it is not called that often.
        """
        node = self._called.get((tensor.layer, tensor.call - self._offsets.get(tensor.layer, 0)))
        if node is None:
            raise ValueError(
                f"a tensor comes from call {tensor.call} of {tensor.layer!r}, which there is not"
            )
        return f"{node}:{tensor.output}" if tensor.output else node

    def _input(self, config: Config) -> Node:
        shape = next((found for key in _SHAPES if isinstance(found := config.get(key), Sequence)), None)
        if shape is None or isinstance(shape, str):
            raise ValueError(f"the input {config.get('name')!r} has no shape")
        arguments: dict[str, Value] = {"shape": list(shape[1:])}
        if shape and shape[0] is not None:
            arguments["batch_size"] = shape[0]
        dtype = dtype_of(config.get("dtype"))
        if dtype not in (None, "float32"):
            arguments["dtype"] = dtype
        arguments |= {key: True for key in ("sparse", "ragged", "optional") if config.get(key)}
        return Node(Layer(INPUT, arguments))

    def _add(self, layer: Config, index: int, call: LayerCall) -> None:
        """Add the nodes of one call of a layer; what cannot be expressed is told."""
        source = name_of(layer)
        where = f"{self._where}/{source}" if self._where else source
        try:
            self._nodes |= self._made(layer, source, index, call, where)
        except nodes.NotExpressibleError as problem:
            self._models.found.refuse(f"{where}: {problem}")
            self._nodes[self._called[source, index]] = Node(
                Layer("Identity")
            )  # so that the rest is looked at, too

    def _made(self, layer: Config, source: str, index: int, call: LayerCall, where: str) -> dict[str, Node]:
        models, name = self._models, self._called[source, index]
        if is_model(layer):
            model = models.nested(layer, self._key, where)
            return {name: nodes.of_model(model, call, models.structures.get(model), self.reference)}
        if operations.is_operation(layer) and layer.get("class_name") == "Einsum":
            inputs = tuple(self.reference(tensor) for tensor in tensors_in(call.positional))
            made = (
                einsum_nodes(name, str(config_of(layer).get("subscripts")), *inputs)
                if len(inputs) == 2
                else None
            )
            if made is not None:
                return made
        if operations.is_operation(layer):
            return {name: nodes.of_operation(models, layer, call, self.reference, where)}
        first = self._called[source, 0]
        if standing_in := equivalent(layer):
            inputs = tuple(self.reference(tensor) for tensor in tensors_in(call.positional))
            made = standing_in.nodes(name, inputs, config_of(layer))
            if not index:
                models.found.note(f"{layer.get('class_name')} is not public: {standing_in.reason}")
                return made
            owners = standing_in.nodes(first, inputs, config_of(layer))
            pairs = zip(made.items(), owners, strict=True)
            return {again: Node(Share(owner), node.inputs) for (again, node), owner in pairs}
        if layer.get("class_name") == WRAPPER and is_model(config_of(layer).get("layer")):
            model = self._each_step(layer, source, where)
            return {name: nodes.of_model(model, call, models.structures.get(model), self.reference)}
        entry = self._entry(layer)
        node = nodes.of_layer(entry, call, self.reference)
        if index:
            return {name: Node(Share(first), node.inputs, node.named, node.call)}
        models.own_layer(layer, where)
        arguments = models.objects.arguments(entry, config_of(layer), where)
        return {name: Node(Layer(entry.name, arguments), node.inputs, node.named, node.call)}

    def _each_step(self, wrapper: Config, source: str, where: str) -> str:
        """The name under `models` of what does for each step what the wrapped model does for one."""
        models, wrapped = self._models, config_of(wrapper)["layer"]
        assert isinstance(wrapped, Mapping)
        if known := models.wrapped.get((self._key, source)):
            return known
        key = models.wrapped[self._key, source] = models.nested(wrapped, self._key, where)
        models.names.setdefault(self._key, {})[key] = source
        built = wrapper.get("build_config")
        shape = built.get("input_shape") if isinstance(built, Mapping) else None
        steps = shape[1] if isinstance(shape, Sequence) and len(shape) > 1 else None
        models.models |= over_time(key, models.models, steps, models.catalog)
        models.found.note(
            f"{where}: {WRAPPER} holds no model in a document, so each layer of {key} is wrapped"
        )
        return key

    def _entry(self, layer: Config) -> Entry:
        """The catalog's entry of a layer's class.

        Raises:
            NotExpressibleError: it is none of Keras' public layers, or holds code.
        """
        name = str(layer.get("class_name"))
        entry = self._models.catalog.find(Kind.LAYER, name) if is_own(layer) else None
        if entry is None:
            registered = layer.get("registered_name") or name
            raise nodes.NotExpressibleError(
                f"{registered} is no layer of Keras, and its code cannot be brought in"
            )
        if entry.unsafe:
            raise nodes.NotExpressibleError(f"{entry.name} holds code, which a document cannot carry")
        return entry

    def _sequential(self, model: Config, config: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
        layers = layers_of(config)
        if not layers:
            raise ValueError("the Sequential model has no layers")
        if layers[0].get("class_name") != INPUT_LAYER:
            layers = [_input_layer(model, config, layers), *layers]
        self._name_calls(dict.fromkeys(map(name_of, layers), 1), {name_of(layer): layer for layer in layers})
        first = name_of(layers[0])
        self._nodes[self._called[first, 0]] = self._input(config_of(layers[0]))
        self._models.structures[self._key] = Tensor(first)
        for before, layer in itertools.pairwise(layers):
            self._add(layer, 0, LayerCall((Tensor(name_of(before)),), {}))
        return (self.reference(Tensor(first)),), (self.reference(Tensor(name_of(layers[-1]))),)


def branch_by_branch(graph: Graph) -> Iterator[str]:
    """The nodes in an order that people write: each after what feeds it, a branch to its end before the next.

    Keras describes layers by their depth instead, which mixes branches.
    """
    done: set[str] = set()
    for output in (*map(source_of, graph.outputs), *graph.nodes):
        waiting = [output]
        while waiting:
            name = waiting[-1]
            before = [source for source in prerequisites(graph, name) if source not in done]
            if before and name not in done:
                waiting.append(before[0])
                continue
            waiting.pop()
            if name not in done:
                done.add(name)
                yield name


def _by_key(structure: object, outputs: tuple[str, ...]) -> dict[str, str]:
    """The outputs by the names that a model gives them, where it returns them in a mapping."""
    if not isinstance(structure, Mapping) or len(structure) != len(outputs):
        return {}
    return dict(zip(sorted(structure), outputs, strict=True))


def _thawed(node: Node) -> Node:
    """A node of a frozen model, which freezes its layers anyway."""
    if not isinstance(node.target, Layer) or node.target.arguments.get("trainable") is not False:
        return node
    kept = {name: value for name, value in node.target.arguments.items() if name != "trainable"}
    return Node(Layer(node.target.layer, kept), node.inputs, node.named, node.call)


def _input_layer(model: Config, config: Config, layers: Sequence[Config]) -> Config:
    """The input of a Sequential model that was written without one.

    Raises:
        ValueError: nothing says the shape.
    """
    first = config_of(layers[0])
    inner = layers_of(first)[0] if is_model(layers[0]) else None
    built = model.get("build_config")
    places = [config.get("build_input_shape"), *(first.get(key) for key in _SHAPES)]
    places += [config_of(inner).get(key) for key in _SHAPES] if inner else []
    places += [built.get("input_shape")] if isinstance(built, Mapping) else []
    shape = next((shape for shape in places if isinstance(shape, Sequence) and shape), None)
    if shape is None:
        raise ValueError(
            "the Sequential model was not built, so nothing says the shape of its input; begin it with "
            "keras.Input(shape) or call it once before it is saved"
        )
    dtype = "string" if layers[0].get("class_name") in _TEXT_LAYERS else "float32"
    name = free_name("input", {name_of(layer) for layer in layers})
    return {
        "class_name": INPUT_LAYER,
        "name": name,
        "config": {"name": name, "batch_shape": shape, "dtype": dtype},
    }
