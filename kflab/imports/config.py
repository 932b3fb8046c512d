"""What `get_config()` and `to_json()` of a Keras model say, as an experiment. Nothing of it is executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab import catalog, document
from kflab.document.encoding import MODEL_NAME
from kflab.errors import UnusableInputError
from kflab.experiment import Data, Experiment, Training
from kflab.imports import Imported, ImportRefusedError, keras1
from kflab.imports.compiled import CompiledReader
from kflab.imports.found import Found
from kflab.imports.models import INPUTS, Config, ModelReader
from kflab.imports.vocabularies import with_vocabularies
from kflab.values import Value

Names = Mapping[str, Mapping[str, str]]
"""For each graph (`""` is the main one) the names that layers have in the source, by those of their nodes."""


def read(
    config: Mapping[str, Value],
    *,
    title: str = "",
    data: str = "",
    file: str = "",
    unsafe: bool = False,
    compiled: Mapping[str, Value] | None = None,
    vocabularies: Mapping[str, Sequence[str]] | None = None,
) -> Imported:
    """The experiment that a model's description says: its graph, and how it was compiled.

    Args:
        config: what `get_config()`, `to_json()` or the `config.json` of a `.keras` file holds.
        title: one line that says what it is.
        data: the dataset to train on, "" for none yet.
        file: where it came from, for errors.
        unsafe: bring in the graph of a model whose class is of somebody's own; its code stays behind.
        compiled: how it was compiled, where that does not stand in the description.
        vocabularies: the words of lookup layers that stand beside it, by the way to the layer in the file.

    Raises:
        ImportRefusedError: it is no functional or Sequential model, or holds what a document cannot.
    """
    return read_named(
        config,
        title=title,
        data=data,
        file=file,
        unsafe=unsafe,
        compiled=compiled,
        vocabularies=vocabularies,
    )[0]


def read_named(
    config: Mapping[str, Value],
    *,
    title: str = "",
    data: str = "",
    file: str = "",
    unsafe: bool = False,
    compiled: Mapping[str, Value] | None = None,
    vocabularies: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Imported, Names]:
    """As `read`, and the names of layers that are others in the document.

    Raises:
        ImportRefusedError: it is no functional or Sequential model, or holds what a document cannot.
    """
    found = Found()
    offers = catalog.load()
    models = ModelReader(offers, found, unsafe=unsafe)
    try:
        described = with_vocabularies(
            keras1.layers_of_keras_3(_wrapped(config, file)), vocabularies or {}, found
        )
        graph = models.read(described)
        found.raise_refusals(file)
        outputs = graph.output_names()
        keys = dict(zip(models.output_keys.get("", {}), outputs, strict=False))
        keys |= {old: new for new, old in models.names.get("", {}).items()}
        how = compiled or config.get("compile_config")
        training = Training()
        if isinstance(how, Mapping) and how:
            training = CompiledReader(offers, found, outputs, keys).training(how)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        found.raise_refusals(file)
        raise ImportRefusedError(
            f"this is no model that Keras describes: {_words(error)}", file=file
        ) from error
    experiment = Experiment(
        title=title, data=Data(source=data), model=graph, models=models.models, training=training
    )
    try:
        checked = document.decode(document.encode(experiment))
    except UnusableInputError as error:
        raise ImportRefusedError(f"{error.path}: {error.message}", file=file) from error
    return Imported(checked, found.notes()), models.names


def _wrapped(config: Config, file: str) -> Config:
    """A model's description in the form that nested models have: class_name and config."""
    if "class_name" in config:
        return config
    if "layers" in config:
        name = "Functional" if INPUTS in config else "Sequential"
        return {"class_name": name, "config": config, "name": config.get("name", MODEL_NAME)}
    raise ImportRefusedError("this is no model: it has neither class_name and config nor layers", file=file)


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)
