"""The rows about the experiment itself: its title, its notes and the name of its model."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kflab.catalog import Argument, ArgumentKind
from kflab.catalog.literals import write
from kflab.document.encoding import MODEL_NAME
from kflab.errors import KflabError
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
_IGNORE = Argument(
    "ignore",
    ArgumentKind.LIST,
    default=None,
    nullable=True,
    help="The codes of the rules that are switched off, such as KF022. In the problems, i adds one.",
)


def about_rows(setting: Setting) -> Iterator[Row]:
    """Title, notes, the model's name and the rules that are switched off."""
    holders = ((_TITLE, _field()), (_NOTES, _field()), (_MODEL, _model()), (_IGNORE, _ignored()))
    for argument, holder in holders:
        yield from argument_rows(setting.catalog, argument, holder, setting.experiment, path=("about",))


def _field() -> Holder:
    def read(experiment: Experiment) -> Arguments:
        given = {_TITLE.name: experiment.title, _NOTES.name: experiment.notes}
        return {name: value for name, value in given.items() if value}

    def put(experiment: Experiment, name: str, value: Value) -> Edited:
        return Edited(msgspec.structs.replace(experiment, **{name: str(value)}), f"set {name}")

    return Holder("the experiment", read, put, lambda experiment, name: put(experiment, name, ""))


def _ignored() -> Holder:
    def read(experiment: Experiment) -> Arguments:
        return {_IGNORE.name: list(experiment.ignore)} if experiment.ignore else {}

    def put(experiment: Experiment, name: str, value: Value) -> Edited:
        try:
            codes = msgspec.convert(value or (), tuple[str, ...])
        except msgspec.ValidationError:
            raise KflabError(f"expected codes such as KF022, got {write(value)}") from None
        return Edited(msgspec.structs.replace(experiment, ignore=codes), f"set {name}")

    return Holder("the experiment", read, put, lambda experiment, name: put(experiment, name, None))


def _model() -> Holder:
    def read(experiment: Experiment) -> Arguments:
        name = experiment.model.name
        return {} if name == MODEL_NAME else {_MODEL.name: name}

    def put(experiment: Experiment, _: str, value: Value) -> Edited:
        return edits.rename_model(experiment, "", str(value))

    return Holder("the experiment", read, put, lambda experiment, name: put(experiment, name, MODEL_NAME))
