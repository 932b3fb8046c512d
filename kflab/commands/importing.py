"""`kflab import`: a model of somebody's, or of Keras, as an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from kflab.commands.output import json_option, print_json
from kflab.errors import UnusableInputError, did_you_mean
from kflab.imports.sources import APPLICATIONS, H5, PYTHON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import keras

    from kflab.experiment import Experiment
    from kflab.imports import Imported


class _Brought(NamedTuple):
    """What came in: the experiment and notes, where weights can be had, and the names that changed."""

    imported: Imported
    weights: Path | Callable[[], keras.Model] | None = None
    names: Mapping[str, Mapping[str, str]] = {}


@click.command("import")
@click.argument("source")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The experiment file to write."
)
@click.option("--weights", is_flag=True, help="Keep the weights: training starts from them.")
@click.option("--data", default="", metavar="NAME", help="The dataset to train on: a name or an .npz file.")
@click.option(
    "--model", default="", metavar="NAME", help="The variable or function that is meant, in Python source."
)
@click.option(
    "--define",
    "definitions",
    multiple=True,
    metavar="NAME=VALUE",
    help="What Python source does not tell: num_classes=10.",
)
@click.option("--unsafe", is_flag=True, help="Let Keras run code that the file holds.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@json_option
def import_model(
    source: str,
    output: Path | None,
    data: str,
    model: str,
    definitions: tuple[str, ...],
    *,
    weights: bool,
    unsafe: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Bring the model in SOURCE in as an experiment; without -o its YAML is printed.

    SOURCE is a .keras file, a .json file of model.to_json(), an .h5 file of Keras 2, a Python file or a
    notebook, or an architecture of Keras: applications:ResNet50, or "applications:ResNet50(classes=10)".
    No code of a file is run. `kflab import applications:` lists the architectures.
    """
    import msgspec

    from kflab import document
    from kflab.document.files import replace

    if source == APPLICATIONS:
        _list_applications(as_json=as_json)
        return
    weights_path = _weights_path(output, wanted=weights)
    for path in (output, weights_path):
        if path is not None and path.exists() and not force:
            raise UnusableInputError("is there already; --force overwrites it", file=str(path))
    if Path(source).suffix not in PYTHON and (model or definitions):
        raise UnusableInputError("--model and --define are about Python source", file=source)
    brought = _bring(source, model, definitions, weights=weights, unsafe=unsafe)
    experiment = brought.imported.experiment
    if data:
        experiment = msgspec.structs.replace(
            experiment, data=msgspec.structs.replace(experiment.data, source=_data(data))
        )
    if weights_path is not None:
        _keep(brought, weights_path, source)
        training = msgspec.structs.replace(experiment.training, initial_weights=weights_path.name)
        experiment = msgspec.structs.replace(experiment, training=training)
    text = document.dump(experiment)
    if output is not None:
        try:
            replace(output, text.encode())
        except OSError as error:
            raise UnusableInputError(f"can not be written: {error.strerror}", file=str(output)) from None
    _tell(brought.imported, experiment, text, output, weights_path, as_json=as_json)


def _tell(
    imported: Imported,
    experiment: Experiment,
    text: str,
    output: Path | None,
    weights: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print what came in, and what a person should know about it."""
    from kflab import document

    if as_json:
        print_json(
            {
                "file": str(output) if output else None,
                "weights": str(weights) if weights else None,
                "model": experiment.model.name,
                "nodes": len(experiment.model.nodes),
                "models": list(experiment.models),
                "notes": imported.notes,
                "document": None if output else document.encode(experiment),
            }
        )
        return
    for note in imported.notes:
        click.echo(f"note: {note.text()}", err=True)
    if output is None:
        click.echo(text, nl=False)
    else:
        kept = f", weights in {weights.name}" if weights else ""
        click.echo(f"{output}: {experiment.model.name}, {len(experiment.model.nodes)} nodes{kept}")


def _list_applications(*, as_json: bool) -> None:
    with _engine():
        from kflab.engine.applications import names

        found = names()
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(found))


def _engine() -> AbstractContextManager[None]:
    """While it lasts, what TensorFlow prints from C++ goes to a log."""
    from kflab import paths
    from kflab.commands.native import native_output_to

    return native_output_to(paths.state_dir() / "engine.log")


def _weights_path(output: Path | None, *, wanted: bool) -> Path | None:
    """The file that weights are written to, beside the experiment."""
    from kflab.diagnose.starting_weights import WEIGHTS

    if not wanted:
        return None
    if output is None:
        raise UnusableInputError("--weights needs -o FILE: the weights are written beside it")
    return output.with_name(f"{output.stem}{WEIGHTS}")


def _data(name: str) -> str:
    """The dataset as the experiment names it: a file by its whole path."""
    from kflab.catalog import datasets

    if datasets.find(name):
        return name
    path = Path(name).expanduser()
    if path.is_file():
        return str(path.resolve())
    hint = did_you_mean(name, datasets.names()) or "; `kflab list datasets` shows all"
    raise UnusableInputError(f"there is no dataset and no file {name!r}{hint}")


def _bring(source: str, model: str, definitions: Sequence[str], *, weights: bool, unsafe: bool) -> _Brought:
    if source.startswith(APPLICATIONS):
        return _application(source.removeprefix(APPLICATIONS))
    path = Path(source).expanduser()
    if not path.exists():
        hint = f"; an architecture of Keras is {APPLICATIONS}{source}" if path.parts == (source,) else ""
        raise UnusableInputError(f"no such file{hint}", file=source)
    if path.suffix in PYTHON:
        if weights:
            raise UnusableInputError("Python source holds no weights; leave --weights out", file=source)
        from kflab.commands.importing_python import read_python

        return _Brought(read_python(path, model, definitions, _engine))
    if path.suffix in H5:
        return _h5(path)
    return _archive(path, weights=weights, unsafe=unsafe)


def _application(text: str) -> _Brought:
    from kflab.imports import config

    with _engine():
        from kflab.engine import applications

        described = applications.describe(text)
        name = text.partition("(")[0].strip()
        imported, names = config.read_named(
            described, title=f"{name} of keras.applications", file=f"{APPLICATIONS}{text}"
        )
        return _Brought(imported, lambda: applications.load(text), names)


def _archive(path: Path, *, weights: bool, unsafe: bool) -> _Brought:
    from kflab.imports import ImportRefusedError, archive, config

    read = archive.read(path)
    if weights and not read.has_weights:
        raise UnusableInputError("it holds no weights; leave --weights out", file=str(path))
    title = _title(path)
    try:
        imported, names = config.read_named(
            read.config, title=title, file=str(path), unsafe=unsafe, vocabularies=read.vocabularies
        )
    except ImportRefusedError:
        if not unsafe or not read.has_weights:
            raise
    else:
        return _Brought(imported, path, names)
    with _engine():
        from kflab.engine.importing import load_file, without_lambdas

        model = without_lambdas(load_file(path, unsafe=True), str(path))
        described = archive.parsed(model.to_json(), str(path))
        imported, names = config.read_named(
            described, title=title, file=str(path), unsafe=True, vocabularies=read.vocabularies
        )
        return _Brought(imported, lambda: model, names)


def _h5(path: Path) -> _Brought:
    from kflab.imports import config

    with _engine():
        from kflab.engine.importing import load_file, read_h5

        described, compiled = read_h5(path)
        imported, names = config.read_named(described, title=_title(path), file=str(path), compiled=compiled)
        return _Brought(imported, lambda: load_file(path), names)


def _title(path: Path) -> str:
    return f"Imported from {path.name}"


def _keep(brought: _Brought, path: Path, source: str) -> None:
    """Write the weights."""
    if brought.weights is None:
        raise UnusableInputError("it holds no weights; leave --weights out", file=source)
    with _engine():
        from kflab.engine.importing import keep_weights

        held = brought.weights() if callable(brought.weights) else brought.weights
        keep_weights(brought.imported.experiment, held, brought.names, path)
