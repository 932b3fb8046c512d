"""The rows about the experiment itself: its title, its notes and the name of its model."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kflab.catalog import Argument, ArgumentKind
from kflab.document.encoding import MODEL_NAME
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edited import Edited
from kflab.tui.rows.arguments import argument_rows
from kflab.tui.rows.holder import Holder
from kflab.tui.rows.row import Row
from kflab.tui.rows.setting import Setting
from kflab.values import Arguments, Value

_TITLE = Argument("title", ArgumentKind.TEXT, default="", help="One line that says what it is.")
_NOTES = Argument("notes", ArgumentKind.TEXT, default="", help="What you want to say about it.")
_MODEL = Argument("model", ArgumentKind.TEXT, default=MODEL_NAME, help="The name of the model in Keras.")


def about_rows(setting: Setting) -> Iterator[Row]:
    """Title, notes and the model's name."""
    for argument in (_TITLE, _NOTES, _MODEL):
        holder = _model() if argument is _MODEL else _field()
        yield from argument_rows(setting.catalog, argument, holder, setting.experiment, path=("about",))


def _field() -> Holder:
    def read(experiment: Experiment) -> Arguments:
        given = {_TITLE.name: experiment.title, _NOTES.name: experiment.notes}
        return {name: value for name, value in given.items() if value}

    def put(experiment: Experiment, name: str, value: Value) -> Edited:
        return Edited(msgspec.structs.replace(experiment, **{name: str(value)}), f"set {name}")

    return Holder("the experiment", read, put, lambda experiment, name: put(experiment, name, ""))


def _model() -> Holder:
    def read(experiment: Experiment) -> Arguments:
        name = experiment.model.name
        return {} if name == MODEL_NAME else {_MODEL.name: name}

    def put(experiment: Experiment, _: str, value: Value) -> Edited:
        return edits.rename_model(experiment, "", str(value))

    return Holder("the experiment", read, put, lambda experiment, name: put(experiment, name, MODEL_NAME))
