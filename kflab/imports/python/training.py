"""What `compile` and `fit` of a Python file say about training and data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from kflab.catalog import Kind
from kflab.catalog.matching import match
from kflab.experiment import EVERY_OUTPUT, Data, Spec, Training
from kflab.graph.nodes import Graph
from kflab.imports.python import datasets
from kflab.imports.python.callbacks import settled
from kflab.imports.python.keras_library import KerasLibrary
from kflab.imports.python.recorded import Compiled, DataArray, LayerObject, Made, ModelObject
from kflab.imports.python.things import Function, Partial, Place, Ref, Unknown, causes_in
from kflab.values import Value

_SPARSE: Mapping[str, str] = {
    "CategoricalCrossentropy": "SparseCategoricalCrossentropy",
    "CategoricalAccuracy": "SparseCategoricalAccuracy",
    "TopKCategoricalAccuracy": "SparseTopKCategoricalAccuracy",
    "categorical_crossentropy": "sparse_categorical_crossentropy",
    "categorical_accuracy": "sparse_categorical_accuracy",
}
"""Losses and metrics for one-hot rows, and the ones that compute the same from whole numbers."""

_DENSE_ONLY = frozenset({"label_smoothing"})


class TrainingReader:
    """Reads how a model is trained.

    Args:
        library: what the file makes of Keras.
        model: the model.
        graph: the graph that it became.
    """

    def __init__(self, library: KerasLibrary, model: ModelObject, graph: Graph) -> None:
        self._library, self._model, self._graph = library, model, graph
        self._place = Place(model.line)

    def training(self) -> Training:
        """The training, with defaults for all that the file does not tell."""
        compiled = self._model.compiled or Compiled({}, self._place)
        fitted = self._model.fitted or Compiled({}, self._place)
        self._place = compiled.place
        loss = self._by_output(compiled.named.get("loss"), Kind.LOSS)
        metrics = self._metrics(compiled.named.get("metrics"))
        metrics = metrics or self._metrics(compiled.named.get("weighted_metrics"))
        optimizer = self._spec(compiled.named.get("optimizer"), Kind.OPTIMIZER)
        weights = self._weights(compiled.named.get("loss_weights"))
        self._place = fitted.place
        callbacks = fitted.named.get("callbacks")
        listed = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
        specs = [self._callback(one) for one in listed]
        defaults = Training()
        return Training(
            optimizer=optimizer or defaults.optimizer,
            loss={name: spec for name, spec in loss.items() if spec is not None},
            loss_weights=weights,
            metrics=metrics,
            callbacks=tuple(spec for spec in specs if spec is not None),
            batch_size=self._count(fitted.named, "batch_size", defaults.batch_size),
            epochs=self._count(
                fitted.named,
                "nb_epoch" if "nb_epoch" in fitted.named else "epochs",
                1 if self._model.fitted else defaults.epochs,
            ),
            seed=self._library.seed,
            dtype_policy=self._library.dtype_policy,
            deterministic=self._library.deterministic,
        )

    def _count(self, named: Mapping[str, object], name: str, default: int) -> int:
        value = named.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        if value is not None:
            self._library.note(f"{name} of fit is not known; it is {default}", self._place.line)
        return default

    def _weights(self, value: object) -> dict[str, float]:
        if value is None:
            return {}
        given = value
        if isinstance(value, list | tuple) and len(value) == len(self._graph.outputs):
            given = dict(zip(self._graph.output_names(), value, strict=True))
        elif isinstance(value, dict):
            given = {self._output(str(key)): one for key, one in value.items()}
        if isinstance(given, dict) and all(_is_number(one) and math.isfinite(one) for one in given.values()):
            return {str(name): float(one) for name, one in given.items()}
        self._library.note("the loss_weights are not known; all outputs count alike", self._place.line)
        return {}

    def _by_output(self, value: object, kind: Kind) -> dict[str, Spec | None]:
        outputs = self._graph.output_names()
        if value is None:
            return {}
        if isinstance(value, dict):
            return {self._output(str(name)): self._spec(one, kind) for name, one in value.items()}
        if isinstance(value, list | tuple):
            if len(value) == len(outputs) and len(outputs) > 1:
                return {name: self._spec(one, kind) for name, one in zip(outputs, value, strict=True)}
            value = value[0] if value else None
        return {EVERY_OUTPUT: self._spec(value, kind)}

    def _metrics(self, value: object) -> dict[str, tuple[Spec, ...]]:
        outputs = self._graph.output_names()
        if value is None or value in ([], ()):
            return {}
        by_output: dict[str, object]
        if isinstance(value, dict):
            by_output = {self._output(str(name)): one for name, one in value.items()}
        elif isinstance(value, list | tuple) and len(outputs) > 1 and len(value) == len(outputs):
            by_output = dict(zip(outputs, value, strict=True))
        else:
            by_output = {EVERY_OUTPUT: value}
        found: dict[str, tuple[Spec, ...]] = {}
        for name, given in by_output.items():
            listed = given if isinstance(given, list | tuple) else [given]
            specs = [self._spec(one, Kind.METRIC) for one in listed]
            if any(specs):
                found[name] = tuple(spec for spec in specs if spec is not None)
        return found

    def _output(self, name: str) -> str:
        """The output of the document that the file calls `name`."""
        outputs = self._graph.output_names()
        if name in outputs:
            return name
        for key, tensor, output in zip(
            self._model.output_keys or [""] * len(outputs), self._model.outputs, outputs, strict=True
        ):
            target = tensor.call.target
            automatic = (
                self._library.automatic_name(target) if isinstance(target, LayerObject | ModelObject) else ""
            )
            if name in {key, automatic, tensor.call.hint}:
                return output
        self._library.note(f"there is no output {name!r}, which compile speaks of", self._place.line)
        return name

    def _spec(self, value: object, kind: Kind) -> Spec | None:
        """A loss, metric, optimizer or callback; what cannot be read is told in a note."""
        catalog = self._library.catalog
        match value:
            case None:
                return None
            case Made() if value.kind is kind:
                return Spec(value.name, value.arguments)
            case Made() if (entry := catalog.find(kind, value.name)) is not None:
                return Spec(entry.name, {k: v for k, v in value.arguments.items() if entry.argument(k)})
            case str() | Ref():
                name = value if isinstance(value, str) else value.last
                found = catalog.find(kind, name)
                if found is not None:
                    return Spec(name if kind is Kind.METRIC and isinstance(value, str) else found.name)
        self._library.note(f"the {kind} {_said(value)}; it is left out", self._line_of(value))
        return None

    def _callback(self, value: object) -> Spec | None:
        spec = self._spec(value, Kind.CALLBACK)
        if spec is None:
            return None
        line = value.line if isinstance(value, Made) else self._place.line
        return Spec(
            spec.name, settled(spec.name, spec.arguments, lambda text: self._library.note(text, line))
        )

    def _line_of(self, value: object) -> int:
        causes = causes_in([value])
        return causes[0].line if causes else self._place.line

    def data(self, training: Training) -> tuple[Data, Training]:
        """Where the samples come from, and the training as it fits them."""
        loaded = self._library.data
        fitted = self._model.fitted
        x, y = (fitted.named.get("x"), fitted.named.get("y")) if fitted is not None else (None, None)
        data = Data(source="")
        if loaded is not None and loaded.source:
            data = Data(source=loaded.source, arguments=loaded.arguments)
            if isinstance(x, DataArray):
                data = self._prepared(data, x)
            if isinstance(y, DataArray) and y.role == "x":
                data = _replaced(
                    data, targets=dict.fromkeys(self._graph.output_names(), _input_name(loaded.source))
                )
            data = self._fitting(data)
        if fitted is not None and not isinstance(x, DataArray):
            what = (
                f"it is taken to be {data.source} as it is"
                if data.source
                else "name a dataset or an .npz file in the setup"
            )
            self._library.note(
                f"how the data that fit is given is made is not read; {what}", fitted.place.line
            )
        if isinstance(y, DataArray) and y.one_hot and datasets.is_one_of_classes(data.source):
            training = self._sparse(training)
        return self._split(data), training

    def _fitting(self, data: Data) -> Data:
        """The data, or none where the samples as the dataset has them are not what the model takes."""
        info = datasets.info_of(data.source, data.arguments)
        problems = match(self._graph, data, info).problems if info is not None else ()
        if not problems:
            return data
        self._library.note(f"{problems[0]}, so {data.source} is not brought in", x_line(self._model))
        return Data(source="")

    def _split(self, data: Data) -> Data:
        named = self._model.fitted.named if self._model.fitted is not None else {}
        split = named.get("validation_split")
        if isinstance(split, float) and 0 < split < 1:
            return _replaced(data, validation=split)
        return data

    def _prepared(self, data: Data, x: DataArray) -> Data:
        info = datasets.info_of(data.source, data.arguments)
        if info is None:
            return data
        length = datasets.length_of(x)
        if length is not None and any(argument.name == "length" for argument in info.arguments):
            data = _replaced(data, arguments={**data.arguments, "length": length})
        array = info.inputs[0]
        if x.standard:
            data = _replaced(data, scale=datasets.STANDARD)
        pictures = array.dtype == "float32" and array.high == 1.0 and len(array.shape) > 1
        if (
            not array.ids
            and x.scale != (255.0 if pictures else 1.0)
            and math.isfinite(x.scale)
            and x.scale > 0
        ):
            data = _replaced(data, scale=round(x.scale, 9))
        for changed in x.changed:
            self._library.note(
                f"the samples are changed by {changed}, which is not brought along", x_line(self._model)
            )
        if not array.ids and _size(x.shape[1:]) != _size(array.shape):
            self._library.note(
                f"the file gives the samples the shape {list(x.shape[1:])}; those of {data.source} come as "
                f"{list(array.shape)}",
                x_line(self._model),
            )
        return data

    def _sparse(self, training: Training) -> Training:
        """The training with losses and metrics for whole numbers instead of one-hot rows."""

        def fit(spec: Spec) -> Spec:
            return (
                spec
                if _DENSE_ONLY & spec.arguments.keys()
                else Spec(_SPARSE.get(spec.name, spec.name), spec.arguments)
            )

        changed = _replaced_training(
            training,
            {name: fit(spec) for name, spec in training.loss.items()},
            {name: tuple(map(fit, specs)) for name, specs in training.metrics.items()},
        )
        if changed != training:
            self._library.note(
                "to_categorical is not needed: the sparse loss computes the same from whole numbers",
                self._place.line,
            )
        return changed


def _said(value: object) -> str:
    match value:
        case Unknown():
            causes = value.causes
            return f"cannot be read: {causes[0].text} {causes[0].reason}" if causes else "cannot be read"
        case Function() | Partial():
            name = value.name if isinstance(value, Function) else "a function"
            return f"is {name}, code of the file"
        case str() | Ref():
            return f"{value if isinstance(value, str) else value.last!r} is not one of Keras"
    return "is not one of Keras"


def _size(shape: Sequence[int | None]) -> int:
    return math.prod(size or 1 for size in shape)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _input_name(source: str) -> str:
    info = datasets.info_of(source)
    return info.inputs[0].name if info is not None else ""


def x_line(model: ModelObject) -> int:
    """The line where the model is fitted."""
    return model.fitted.place.line if model.fitted is not None else model.line


def _replaced(data: Data, **changes: Value | Mapping[str, str]) -> Data:
    import msgspec

    return msgspec.structs.replace(data, **changes)


def _replaced_training(
    training: Training, loss: Mapping[str, Spec], metrics: Mapping[str, Sequence[Spec]]
) -> Training:
    import msgspec

    return msgspec.structs.replace(training, loss=loss, metrics=metrics)
