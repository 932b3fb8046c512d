"""Settings of a node given as text, `kernel_initializer.seed=1`: what the rows of the lab's form change."""

from __future__ import annotations

from collections.abc import Sequence

from kflab import catalog
from kflab.catalog import ArgumentKind
from kflab.catalog.text import parse_value
from kflab.commands.operations import Editing
from kflab.errors import UnusableInputError, did_you_mean
from kflab.experiment import Experiment
from kflab.graph.edits import Edited, EditRefusedError
from kflab.tui.rows.arguments import is_list, takes_list
from kflab.tui.rows.calls import CALL
from kflab.tui.rows.node import ARGUMENTS, MODEL_SETTINGS, node_rows
from kflab.tui.rows.row import Row
from kflab.values import Value

_HEADS = (ARGUMENTS, CALL, MODEL_SETTINGS)
"""Where the paths of what can be set begin, in the order that a name is looked for."""


def check_setting(_editing: Editing, text: str) -> None:
    """Holds a text against `name=value`.

    Raises:
        UnusableInputError: it is something else.
    """
    name, equals, _ = text.partition("=")
    if not name.strip() or not equals:
        raise UnusableInputError(f"expected ARGUMENT=VALUE, such as units=64, got {text!r}")


def set_setting(experiment: Experiment, graph: str, name: str, setting: str) -> Edited:
    """Set an argument of what a node calls, of an object inside it, or of the call.

    Args:
        experiment: what is edited.
        graph: the graph that the node stands in.
        name: the node.
        setting: `units=64`, `kernel_initializer.seed=1`, `training=false`.

    Raises:
        UnusableInputError: there is no such argument, or it does not take the value.
    """
    key, _, text = setting.partition("=")
    row = _row(experiment, graph, name, key.strip())
    assert row.argument is not None
    assert row.apply is not None
    try:
        value = parse_value(row.argument, text)
    except ValueError as error:
        raise UnusableInputError(f"{key.strip()} of {name}: {error}") from None
    return row.apply(experiment, _whole(row, value))


def reset_setting(experiment: Experiment, graph: str, name: str, key: str) -> Edited:
    """Bring back to its default what `set_setting` sets.

    Raises:
        UnusableInputError: there is no such argument.
        EditRefusedError: it has no default.
    """
    row = _row(experiment, graph, name, key)
    if row.reset is None:
        raise EditRefusedError(f"{key} of {name!r} has no default: it can only be set")
    return row.reset(experiment)


def _whole(row: Row, value: Value) -> Value:
    """A value that stands for all of a list: in the form, what is chosen is one more of it."""
    assert row.argument is not None
    if is_list(value) or value is None:
        return value
    if takes_list(row.argument, row.value):
        return [value]
    if row.argument.kind is ArgumentKind.TEXT and is_list(row.value):
        return [part.strip() for part in str(value).split(",")]
    return value


def _row(experiment: Experiment, graph: str, name: str, key: str) -> Row:
    """The row of the form of node `name` that has the value called `key`."""
    rows = {
        row.path: row
        for row in node_rows(catalog.load(), experiment, graph, name)
        if row.apply is not None and row.argument is not None and row.path and row.path[0] in _HEADS
    }
    path = tuple(key.split("."))
    for candidate in (*((head, *path) for head in _HEADS), path):
        if candidate in rows:
            return rows[candidate]
    known = _beside(list(rows), path)
    hint = did_you_mean(path[-1], known) or (f"; it has {', '.join(known)}" if known else "; it has none")
    owner = ".".join((name, *path[:-1]))
    raise UnusableInputError(f"{owner!r} has no argument {path[-1]!r}{hint}")


def _beside(paths: Sequence[tuple[str, ...]], path: tuple[str, ...]) -> list[str]:
    """The names of what can be set where the path ends."""
    return [one[-1] for one in paths if one[1:-1] == path[:-1]]
