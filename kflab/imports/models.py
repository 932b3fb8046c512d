"""The models of a source: the main one and those it calls, each read once however often it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab.catalog import Catalog
from kflab.graph.naming import free_name
from kflab.graph.nodes import Graph
from kflab.imports.found import Found
from kflab.imports.names import fitting
from kflab.imports.serialized import SerializedReader, is_own
from kflab.values import Value

Config = Mapping[str, Value]

SEQUENTIAL, INPUTS = "Sequential", "input_layers"
_FUNCTIONAL = "Functional"
_CLASSES = {_FUNCTIONAL, SEQUENTIAL, "Model"}
_DEEPEST = 50
_MARKS = {"shared_object_id", "build_config", "compile_config"}


class ModelReader:
    """Reads the models of one source.

    Attributes:
        models: the nested models by name.
        structures: the tensors that each of them takes, as its config nests them.
        output_keys: for each graph (`""` is the main one) the outputs by their keys, if it returns a mapping.
        names: for each graph (`""` is the main one) the names that layers have in the source, by those of
            their nodes and models, where the two differ.
        wrapped: the nested models that stand for a wrapper around one, by the caller and the wrapper's name.
        catalog: what Keras offers.
        found: where notes and refusals go.
        objects: reads the arguments of layers.
    """

    def __init__(self, catalog: Catalog, found: Found, *, unsafe: bool = False) -> None:
        self.models: dict[str, Graph] = {}
        self.structures: dict[str, object] = {}
        self.output_keys: dict[str, dict[str, str]] = {}
        self.names: dict[str, dict[str, str]] = {}
        self.wrapped: dict[tuple[str, str], str] = {}
        self.catalog, self.found = catalog, found
        self.objects = SerializedReader(catalog, found)
        self._unsafe = unsafe
        self._by_id: dict[int, str] = {}
        self._called: dict[tuple[str, str], str] = {}
        self._read: dict[str, Config] = {}
        self._layers: dict[str, list[tuple[str, Config]]] = {}
        self._depth = 0

    def read(self, model: Config, key: str = "", where: str = "") -> Graph:
        """The graph of a model; the models that it calls are added to `models`.

        Args:
            model: the serialised model.
            key: its name among the nested models, "" for the main one.
            where: the way to it in the source.

        Raises:
            ValueError: the config is no model's.
        """
        from kflab.imports.graphs import GraphReader  # which reads nested models by this class

        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"models are nested deeper than {_DEEPEST} levels")
        self._check_class(model, where)
        graph = GraphReader(self, key, where).read(model)
        self._depth -= 1
        return graph

    def nested(self, layer: Config, caller: str, where: str) -> str:
        """The name under `models` of a model that another calls; the same one where it was read before.

        Args:
            layer: the serialised model.
            caller: the name of the graph that calls it.
            where: the way to it in the source.
        """
        shared, name = shared_id(layer), name_of(layer)
        known = self._called.get((caller, name)) or self._by_id.get(shared)
        if known is None and shared:
            known = next((key for key, model in self._read.items() if same_object(model, layer)), None)
        if known is not None:
            return known
        key = self._called[caller, name] = free_name(fitting(name), self.models)
        self._read[key] = layer
        if key != name:
            self.names.setdefault(caller, {})[key] = name
        self.models[key] = Graph(name=key)  # keeps its place before those that it calls
        self.models[key] = self.read(layer, key, where)
        if shared:
            self._by_id[shared] = key
        return key

    def own_layer(self, layer: Config, where: str) -> None:
        """Take note of a layer; one that stands in two models would be two layers here, so it is refused."""
        known = self._layers.setdefault(name_of(layer), [])
        if shared_id(layer):
            other = next((place for place, one in known if place != where and same_object(one, layer)), None)
            if other is not None:
                self.found.refuse(
                    f"{where} is the same layer as {other}: a document shares layers within one model; "
                    "make one model call the other"
                )
        known.append((where, layer))

    def _check_class(self, model: Config, where: str) -> None:
        name = str(model.get("class_name") or _FUNCTIONAL)
        if name in _CLASSES and is_own(model):
            return
        what = f"{where or 'the model'} is of a class of its own ({model.get('registered_name') or name})"
        if self._unsafe and INPUTS in config_of(model):
            self.found.note(f"{what}: its layers are here, what its own code does (as train_step) is not")
        else:
            self.found.refuse(f"{what}, and code cannot be brought in")


def config_of(layer: Config) -> Config:
    """The config of a serialised layer or model.

    Raises:
        ValueError: it has none.
    """
    config = layer.get("config")
    if isinstance(config, Sequence) and not isinstance(config, str):
        return {"layers": config}  # the Sequential of early Keras
    if not isinstance(config, Mapping):
        raise ValueError(f"{layer.get('class_name', 'a layer')} has no config")
    return config


def is_model(layer: Value) -> bool:
    """Whether something serialised is a model with layers of its own."""
    if not isinstance(layer, Mapping):
        return False
    config = layer.get("config")
    if isinstance(config, Mapping) and isinstance(config.get("layers"), Sequence):
        return INPUTS in config or layer.get("class_name") == SEQUENTIAL
    return isinstance(config, Sequence) and not isinstance(config, str)


def layers_of(config: Config) -> list[Config]:
    """The layers of a model's config.

    Raises:
        ValueError: there are none, or they are not serialised as layers are.
    """
    layers = config.get("layers")
    if not isinstance(layers, Sequence) or isinstance(layers, str):
        raise ValueError("the config of a model has no layers")
    found = [layer for layer in layers if isinstance(layer, Mapping)]
    if len(found) < len(layers):
        raise ValueError("a layer of the model is no mapping of class_name and config")
    return found


def name_of(layer: Config) -> str:
    """The name of a layer in the source."""
    config = layer.get("config")
    own = config.get("name") if isinstance(config, Mapping) else None
    return str(layer.get("name") or own or layer.get("class_name") or "layer")


def shared_id(layer: Config) -> int:
    """What tells one object of a file from another, 0 where the file does not say."""
    found = layer.get("shared_object_id")
    return found if isinstance(found, int) else 0


def same_object(one: Config, other: Config) -> bool:
    """Whether two serialised objects of a file are one: Keras marks only where it is met again.

    Args:
        one: where it was met first.
        other: where a mark says that it was met before.
    """
    return name_of(one) == name_of(other) and _unmarked(config_of(one)) == _unmarked(config_of(other))


def _unmarked(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {key: _unmarked(item) for key, item in value.items() if key not in _MARKS}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_unmarked(item) for item in value]
    return value
