"""Scripts are read without being run: what comes in is the model that Keras makes when they are run."""

from __future__ import annotations

import hashlib
import inspect
import json
import pathlib

import keras
import pytest

from kflab.engine.build import build
from kflab.engine.inspect import Inspector
from kflab.experiment import Experiment
from kflab.imports.python import TensorSpec, read
from tests.keras.python_scripts import SCRIPTS, WITHOUT_CLASSES

_inspector = Inspector()


def specs_of(experiment: Experiment, node: str) -> tuple[TensorSpec, ...]:
    outputs = _inspector.inspect(experiment).model.nodes[node].outputs
    return tuple(TensorSpec(output.shape, output.dtype) for output in outputs)


def digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:16]


def plain(value: object) -> object:
    """A config without the names that may differ."""
    if isinstance(value, dict):
        left_out = {"name", "shared_object_id", "build_config", "registered_name", "module"}
        return {str(key): plain(item) for key, item in value.items() if key not in left_out}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


class Fingerprints:
    """What each tensor of a functional model is computed by, down to the inputs."""

    def __init__(self, model: keras.Model) -> None:
        self._known = {
            id(tensor): digest("input", index, tensor.shape, tensor.dtype)
            for index, tensor in enumerate(model.inputs)
        }
        self.calls: dict[int, list[str]] = {}

    def of(self, tensor: keras.KerasTensor) -> str:
        if id(tensor) not in self._known:
            operation, node_index, _ = tensor._keras_history
            node = operation._inbound_nodes[node_index]
            bound = inspect.signature(operation.call).bind(*node.arguments.args, **node.arguments.kwargs)
            given = {key: self._argument(value) for key, value in bound.arguments.items() if is_given(value)}
            call = digest(*called(operation), given)
            of_layer = self.calls.setdefault(id(operation), [])
            if call not in of_layer:
                of_layer.append(call)
            for number, output in enumerate(node.output_tensors):
                self._known[id(output)] = digest(call, number)
        return self._known[id(tensor)]

    def _argument(self, value: object) -> object:
        if isinstance(value, keras.KerasTensor):
            return self.of(value)
        if isinstance(value, list | tuple):
            return [self._argument(item) for item in value]
        return plain(value) if not isinstance(value, slice) else str(value)


def is_given(value: object) -> bool:
    return value is not None and not (isinstance(value, dict) and not value)


def called(operation: keras.Operation) -> tuple[str, object]:
    """What is called, without its name."""
    if isinstance(operation, keras.Model):
        return "model", fingerprint(operation)
    if isinstance(operation, keras.layers.Layer):
        return type(operation).__name__, plain(operation.get_config())
    settings = {key: value for key, value in vars(operation).items() if not key.startswith("_")}
    return type(operation).__name__, plain(settings)


def fingerprint(model: keras.Model) -> tuple[list[str], list[list[str]]]:
    """What each output of a model is computed by, and which calls share a layer."""
    functional = model._functional if isinstance(model, keras.Sequential) else model
    prints = Fingerprints(functional)
    outputs = [prints.of(tensor) for tensor in keras.tree.flatten(functional.outputs)]
    return outputs, sorted(sorted(one) for one in prints.calls.values())


def run(script: str) -> keras.Model:
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(script, "script", "exec"), names)
    model = names["model"]
    assert isinstance(model, keras.Model)
    return model


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_comes_in_as_the_model_that_it_makes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.Model, "compile", lambda *_, **__: None)  # how it is trained is another test
    real = run(SCRIPTS[name])
    imported = read(SCRIPTS[name], f"{name}.py", specs_of=specs_of)
    ours = build(imported.experiment)
    assert ours.count_params() == real.count_params()
    # A layer that the script writes itself comes in as the layers that it calls, as in the script beside it.
    same = run(WITHOUT_CLASSES[name]) if name in WITHOUT_CLASSES else real
    (outputs, shared), (theirs, theirs_shared) = fingerprint(ours), fingerprint(same)
    if not isinstance(same, keras.Sequential) and isinstance(
        same.output, dict
    ):  # Keras orders a mapping by its keys; the document as it was written
        outputs, theirs = sorted(outputs), sorted(theirs)
    assert (outputs, shared) == (theirs, theirs_shared)


@pytest.mark.parametrize("name", ["ResNet50", "MobileNetV3Small", "EfficientNetV2B0"])
def test_the_source_of_an_architecture_comes_in_as_the_architecture(name: str) -> None:
    """Keras' own files are read as those of somebody else, who wrote them long ago and at length."""
    function = getattr(keras.applications, name)
    source = pathlib.Path(inspect.getsourcefile(function) or "").read_text(encoding="utf-8")
    imported = read(source, model=name, specs_of=specs_of)
    with keras.StatelessScope():
        ours, theirs = build(imported.experiment), function(weights=None)
        assert ours.count_params() == theirs.count_params()
        assert fingerprint(ours) == fingerprint(theirs)
