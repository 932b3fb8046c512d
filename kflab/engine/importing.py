"""What of an import needs Keras: weights, files of Keras 2, and code that somebody trusts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import keras

from kflab.engine.build import Builder
from kflab.engine.objects import complaint
from kflab.engine.weights import Taken, load_weights
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Experiment
from kflab.graph.nodes import Call
from kflab.imports import ImportRefusedError, archive
from kflab.values import Value

Names = Mapping[str, Mapping[str, str]]


def keep_weights(experiment: Experiment, source: Path | keras.Model, names: Names, path: Path) -> Taken:
    """Write the weights of a source as those of the experiment that was made of it.

    Args:
        experiment: what was imported.
        source: the file or the model that it was imported from.
        names: for each graph (`""` is the main one) the names that layers have in the source, if others.
        path: the `.weights.h5` file to write.

    Raises:
        KflabError: the experiment cannot be built, or the source has other weights than it needs.
    """
    builder = Builder(experiment)
    model = builder.model()
    ways = dict(_ways(builder, experiment, names, "", ""))
    if isinstance(source, Path):
        taken = load_weights(model, source, ways)
    else:
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / "source.weights.h5"
            source.save_weights(written)
            taken = load_weights(model, written, ways)
    if taken.fresh:
        raise KflabError(f"the source has no weights for {', '.join(taken.fresh[:6])}")
    try:
        model.save_weights(path, overwrite=True)
    except OSError as error:
        raise UnusableInputError(f"can not be written: {error.strerror or error}", file=str(path)) from None
    return taken


def _ways(
    builder: Builder, experiment: Experiment, names: Names, graph: str, where: str
) -> Iterator[tuple[str, str]]:
    """The name in the source of each layer that has another one, by the way to it in the built model."""
    called = {
        node.target.model for node in experiment.graph(graph).nodes.values() if isinstance(node.target, Call)
    }
    for name, source in names.get(graph, {}).items():
        if name not in called:
            yield f"{where}{name}", source
    for key in called:
        built = builder.model(key).name
        yield f"{where}{built}", names.get(graph, {}).get(key, key)
        yield from _ways(builder, experiment, names, key, f"{where}{built}/")


def read_h5(path: Path) -> tuple[Mapping[str, Value], Mapping[str, Value]]:
    """The description of a model in a file of Keras 2, and how it was compiled; nothing of it is executed.

    Raises:
        ImportRefusedError: it is no such file, or holds weights alone.
    """
    try:
        with h5py.File(path, "r") as file:
            described, compiled = (file.attrs.get(name) for name in ("model_config", "training_config"))
    except OSError as error:
        raise ImportRefusedError(f"this is no HDF5 file: {error}", file=str(path)) from None
    if described is None:
        raise ImportRefusedError("it holds weights alone, no description of a model", file=str(path))
    return archive.parsed(described, str(path)), archive.parsed(compiled, str(path)) if compiled else {}


def load_file(path: Path, *, unsafe: bool = False) -> keras.Model:
    """A model as Keras itself loads it.

    Args:
        path: a `.keras` or `.h5` file.
        unsafe: let Keras run code of the file: that of its Lambda layers.

    Raises:
        ImportRefusedError: Keras cannot load it.
    """
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=not unsafe)
    except Exception as error:
        raise ImportRefusedError(complaint("Keras cannot load it", error), file=str(path)) from error


def without_lambdas(model: keras.Model, file: str) -> keras.Model:
    """A model with what its Lambda layers do in their place, where they do it with operations of Keras.

    Args:
        model: a functional model; its layers are used, not copied.
        file: where it came from, for errors.

    Raises:
        ImportRefusedError: a Lambda does something else, such as calling TensorFlow.
    """
    cleaned: dict[int, keras.Layer] = {}

    def clean(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.Model) and id(layer) not in cleaned:
            cleaned[id(layer)] = without_lambdas(layer, file)
        return cleaned.get(id(layer), layer)

    def call(layer: keras.Layer, *tensors: object, **named: object) -> object:
        if not isinstance(layer, keras.layers.Lambda):
            return layer(*tensors, **named)
        given = {key: value for key, value in named.items() if value is not None} | (layer.arguments or {})
        try:
            return layer.function(*tensors, **given)
        except Exception as error:
            why = complaint(layer.name, error)
            raise ImportRefusedError(
                f"the Lambda {layer.name!r} is not made of operations of Keras alone, so no node can do what "
                f"it does: {why}",
                file=file,
            ) from error

    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs, model.outputs, name=model.name)
    return keras.models.clone_model(model, clone_function=clean, call_function=call)
