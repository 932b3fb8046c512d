"""What Keras says of a model, without what does not matter: to hold a model against what was made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import keras

LEFT_OUT = {
    "name",
    "trainable",
    "build_config",
    "compile_config",
    "shared_object_id",
    "module",
    "registered_name",
}


def described(model: keras.Model) -> dict[str, Any]:
    """A model as nested mappings: layers by name with their class, arguments and calls."""
    return _model(json.loads(model.to_json()))


def _model(model: dict[str, Any]) -> dict[str, Any]:
    config = model["config"]
    layers = config["layers"]
    if "input_layers" not in config:  # a Sequential is the functional model of its chain
        names = [layer["config"]["name"] for layer in layers]
        calls = [[], *([[[[name, 0, 0]], {}]] for name in names)]
        return {
            "layers": {
                name: {**_layer(layer), "calls": made}
                for name, layer, made in zip(names, layers, calls, strict=False)
            },
            "inputs": [[names[0], 0, 0]],
            "outputs": [[names[-1], 0, 0]],
        }
    return {
        "layers": {
            layer["name"]: {**_layer(layer), "calls": [_call(call) for call in layer["inbound_nodes"]]}
            for layer in layers
        },
        "inputs": list(_tensors(config["input_layers"])),
        "outputs": list(_tensors(config["output_layers"])),
    }


def _layer(layer: dict[str, Any]) -> dict[str, Any]:
    config = layer["config"]
    if "layers" in config and layer["class_name"] in {"Functional", "Sequential"}:
        return {"class": "model", "trainable": config.get("trainable", True), "model": _model(layer)}
    return {
        "class": layer["class_name"],
        "trainable": config.get("trainable", True),
        "arguments": _plain(config),
    }


def _plain(value: Any) -> Any:
    """A config without names and modules; dtype policies by their names."""
    if isinstance(value, dict):
        if value.get("class_name") == "DTypePolicy":
            return value["config"]["name"]
        if value.get("class_name") in {"__numpy__", "__tensor__"}:
            return value["config"]["value"]
        kept = {key: _plain(item) for key, item in value.items() if key not in LEFT_OUT}
        return {key: item for key, item in kept.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _call(call: dict[str, Any]) -> list[Any]:
    named = {
        key: _spelled(value)
        for key, value in call["kwargs"].items()
        if value is not None and key != "training"
    }
    return [[_spelled(value) for value in call["args"]], named]


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return list(value["config"]["keras_history"])
        return {key: _spelled(item) for key, item in sorted(value.items())}
    return [_spelled(item) for item in value] if isinstance(value, list) else value


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _tensors(value[key])
    elif len(value) == 3 and isinstance(value[0], str):
        yield value
    else:
        for item in value:
            yield from _tensors(item)
