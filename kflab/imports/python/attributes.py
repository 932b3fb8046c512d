"""Attributes of what a Python file makes of Keras, and what it tells by setting them."""

from __future__ import annotations

import re

from kflab.catalog import Kind
from kflab.imports.python import composite, datasets, standard_library
from kflab.imports.python.command_lines import Parser
from kflab.imports.python.models import Models, output_of
from kflab.imports.python.module_names import MODELS, STACKS, canonical, kind_of, merging_layer, operation
from kflab.imports.python.recorded import (
    Distributed,
    LambdaObject,
    LayerObject,
    Made,
    ModelObject,
    Tensor,
    TensorCall,
)
from kflab.imports.python.things import Instance, Method, Place, Ref, Unknown

_NAMED = (LayerObject, ModelObject, TensorCall)


_NAMED = (LayerObject, ModelObject, TensorCall)
_NEW_AXIS = {"numpy.newaxis", "tensorflow.newaxis"}
_IN_TENSORFLOW = re.compile(r"tensorflow(\.\w+)*\.keras\b")


class Attributes(Models):
    """Answers what names of modules are, and what attributes of layers, tensors and models.

    Attributes:
        is_of_tensorflow: whether the file has its Keras from TensorFlow, which never had that of 2015.
    """

    is_of_tensorflow: bool = False

    def knows(self, path: str) -> bool:
        """Whether a dotted name is there to be imported by a star."""
        self.is_of_tensorflow |= _IN_TENSORFLOW.match(path) is not None
        path = canonical(path)
        return path in MODELS | STACKS or any(
            found is not None
            for found in (
                kind_of(path, self.catalog),
                merging_layer(path, self.catalog),
                operation(path, self.catalog) if path.startswith("keras.") else None,
            )
        )

    def attribute(self, value: object, name: str, place: Place) -> object:
        """An attribute of a name of a module or of something of Keras."""
        match value:
            case Ref():
                self.is_of_tensorflow |= _IN_TENSORFLOW.match(f"{value.path}.{name}") is not None
                return _of_module(value, name)
            case Tensor():
                return self._of_tensor(value, name, place)
            case LayerObject():
                return self._of_layer(value, name, place)
            case ModelObject():
                return self._of_model(value, name, place)
            case TensorCall() if name == "operation":
                return value.target if isinstance(value.target, LayerObject) else value
            case Instance():
                return composite.attribute(value, name, place)
            case Made():
                return value.arguments.get(name, Method(value, name))
            case Parser():
                return Method(value, name)
        return datasets.attribute(value, name, place)

    def _of_tensor(self, tensor: Tensor, name: str, place: Place) -> object:
        match name:
            case "shape" | "_keras_shape":
                return self.shape(tensor, place)
            case "dtype":
                return self.dtype(tensor, place)
            case "ndim":
                shape = self.shape(tensor, place)
                return len(shape) if isinstance(shape, tuple) else shape
            case "name":
                return tensor.call.hint or "keras_tensor"
            case "get_shape":
                return Method(tensor, name)
            case "_keras_history":
                return tensor.call
        return place.unknown("is not read")

    def _of_layer(self, layer: LayerObject, name: str, place: Place) -> object:
        match name:
            case "name":
                return self.automatic_name(layer)
            case "output" | "input":
                return output_of(layer, name == "input", place)
            case "output_shape" | "input_shape":
                tensor = output_of(layer, name == "input_shape", place)
                return (
                    self.shape(tensor, place) if isinstance(tensor, Tensor) else place.unknown("is not read")
                )
            case "trainable":
                return layer.arguments.get("trainable", True)
            case "__class__":
                return Ref(f"keras.layers.{layer.layer}")
            case "__name__":
                return layer.layer
        argument = self.catalog.get(Kind.LAYER, layer.layer).argument(name)
        if argument is not None:
            return layer.arguments.get(name, argument.default)
        return Method(layer, name)

    def _of_model(self, model: ModelObject, name: str, place: Place) -> object:
        match name:
            case "name":
                return model.name or self.automatic_name(model)
            case "layers":
                return self.layers_of(model)
            case "input" | "output":
                return self.ends_of(model, name == "input", place)
            case "inputs" | "outputs":
                ends = self.ends_of(model, name == "inputs", place)
                return ends if isinstance(ends, list) else [ends]
            case "output_shape" | "input_shape":
                tensor = self.ends_of(model, name == "input_shape", place)
                return (
                    self.shape(tensor, place) if isinstance(tensor, Tensor) else place.unknown("is not read")
                )
            case "trainable":
                return model.trainable
            case "__class__":
                return Ref("keras.Sequential" if model.stack is not None else "keras.Model")
        return Method(model, name)

    def set_attribute(self, value: object, name: str, new: object, place: Place) -> None:
        """Freeze a layer or model, or name it; other attributes are told in a note."""
        if name == "trainable" and isinstance(value, LayerObject | ModelObject):
            if isinstance(new, Unknown):
                self.note(
                    f"{place.text} is set to something that is not known; it is left trainable", place.line
                )
            elif isinstance(value, ModelObject):
                value.trainable = bool(new)
            elif new:
                value.arguments.pop("trainable", None)
            elif self.catalog.get(Kind.LAYER, value.layer).argument("trainable") is not None:
                value.arguments["trainable"] = False
        elif (
            name in {"name", "_name"}
            and isinstance(value, LayerObject | ModelObject)
            and isinstance(new, str)
        ) or (isinstance(value, TensorCall) and name == "name" and isinstance(new, str)):
            value.name = new
        elif isinstance(value, LayerObject | ModelObject):
            self.note(f"{place.text} is set, which is not read", place.line)

    def owns(self, value: object) -> bool:
        """Whether something is a tensor, a layer or model, or a name of Keras."""
        named = isinstance(value, Ref) and canonical(value.path).startswith("keras")
        return named or isinstance(
            value, Tensor | LayerObject | ModelObject | LambdaObject | Distributed | Instance
        )

    def called(self, value: object, name: str) -> None:
        """Take note of the variable that something was first given to."""
        if isinstance(value, Tensor):
            if not value.call.hint and value.index == 0:
                value.call.hint = name
        elif isinstance(value, LayerObject | ModelObject) and not value.hint:
            value.hint = name

    def spoil(self, value: object, causes: Unknown) -> bool:
        """Take note that a model may have been changed in a way that is unknown."""
        if isinstance(value, ModelObject) and value.stack is not None:
            value.causes += causes.causes
            return True
        return False

    def is_instance(self, value: object, kind: object) -> bool | None:
        """Whether something is of a class of Keras."""
        if not isinstance(kind, Ref):
            return None
        path = canonical(kind.path)
        if isinstance(value, ModelObject):
            return (
                path in MODELS
                or path in {"keras.Layer", "keras.layers.Layer"}
                or (path in STACKS and value.stack is not None)
            )
        if isinstance(value, LayerObject):
            entry = kind_of(path, self.catalog)
            return path in {"keras.Layer", "keras.layers.Layer"} or (
                entry is not None and entry.name == value.layer
            )
        if isinstance(value, Instance):
            return kind in value.kind.lineage()
        return False


def _of_module(module: Ref, name: str) -> object:
    """What a name of a module is: a constant, or a name again."""
    path = f"{module.path}.{name}"
    if path in _NEW_AXIS:
        return None
    found = standard_library.constant(path)
    return Ref(canonical(path)) if found is None else found
