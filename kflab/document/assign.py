"""Settings given as `PATH=VALUE`, as in `--set training.epochs=3`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kflab.document import decode, encode
from kflab.document.yaml_text import parse
from kflab.errors import UnusableInputError
from kflab.experiment import Experiment
from kflab.values import Value

_FILES = {"data.source", "training.initial_weights"}


def assign(experiment: Experiment, assignments: Iterable[str]) -> Experiment:
    """The experiment with settings replaced, each given as `PATH=VALUE`, the value in YAML.

    `training.epochs=3`, `training.optimizer=SGD`, `training.optimizer.Adam.learning_rate=0.01`,
    `model.nodes.hidden.Dense.units=128`, `training.callbacks.EarlyStopping.patience=5`. `null` takes a
    setting away, so that its default holds.

    Raises:
        UnusableInputError: an assignment is none, its path leads nowhere, or the value does not fit there.
    """
    plain: Value = encode(experiment)
    for text in assignments:
        path, equals, given = text.partition("=")
        if not equals or not path:
            raise UnusableInputError(f"expected PATH=VALUE, such as training.epochs=3, got {text!r}")
        value = parse(f"value: {given}").value["value"] if given.strip() else ""
        if path in _FILES and isinstance(value, str) and Path(value).is_file():
            # A path given on the command line starts where the command runs, not where the document lies.
            value = str(Path(value).resolve())
        plain = _with(plain, path.split("."), value, text)
    assert isinstance(plain, Mapping)
    return decode(plain, f"--set {' --set '.join(assignments)}")


def _with(value: Value, path: Sequence[str], new: Value, text: str) -> Value:
    """`value` with what lies at `path` replaced."""
    if not path:
        return new
    if isinstance(value, str) and value == path[0]:
        value = {value: {}}  # a name without arguments is about to get some
    if value is None:
        value = {}
    if isinstance(value, Mapping):
        key, rest = _step(value, path)
        result = {name: item for name, item in value.items() if name != key or rest or new is not None}
        if rest or new is not None:
            result[key] = _with(value.get(key), rest, new, text)
        return result
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _in_list(value, path, new, text)
    raise UnusableInputError(f"{path[0]!r} leads nowhere: there is only {value!r}", path=text)


def _step(value: Mapping[str, Value], path: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The key that the path goes through next, and the rest; a key may hold dots itself (`ops.add`)."""
    for length in range(len(path), 0, -1):
        key = ".".join(path[:length])
        if key in value:
            return key, path[length:]
    return path[0], path[1:]


def _in_list(value: Sequence[Value], path: Sequence[str], new: Value, text: str) -> Value:
    items = list(value)
    if path[0].isdigit() and int(path[0]) < len(items):
        index = int(path[0])
        items[index] = _with(items[index], path[1:], new, text)
        return items
    raise UnusableInputError(
        f"expected a place in a list of {len(items)}, counted from 0, got {path[0]!r}", path=text
    )
