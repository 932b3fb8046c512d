"""One row of a form, and one thing that can be chosen for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.text import format_value
from kflab.diagnose.findings import Severity
from kflab.experiment import Experiment
from kflab.graph.edits import Edited
from kflab.values import Arguments, Value


class Option(msgspec.Struct, frozen=True):
    """Something to choose from a list.

    Attributes:
        value: what is chosen.
        label: its name.
        detail: a few words beside the name.
        group: the heading it stands under.
        help: what it is, in full.
        words: other words that find it.
        current: it is what is set now.
    """

    value: Value
    label: str
    detail: str = ""
    group: str = ""
    help: str = ""
    words: tuple[str, ...] = ()
    current: bool = False


Apply: TypeAlias = Callable[[Experiment, Value], Edited]
Reset: TypeAlias = Callable[[Experiment], Edited]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Something of an experiment that a form shows, and how to change it.

    Attributes:
        label: its name.
        shown: its value in a few words.
        value: its value.
        help: what it means.
        changed: it differs from its default.
        indent: how deep it stands under the row that it belongs to.
        heading: it is only a heading.
        severity: the worst finding about it.
        missing: it has no value yet and needs one.
        argument: how text that is typed becomes a value; none: nothing is typed.
        options: what can be chosen instead of typed.
        apply: the experiment with another value.
        reset: the experiment with the default.
        action: an action of the lab that Enter runs instead.
        reset_action: an action of the lab that backspace runs instead.
    """

    label: str
    shown: str = ""
    value: Value = None
    help: str = ""
    changed: bool = False
    indent: int = 0
    heading: bool = False
    severity: Severity | None = None
    missing: bool = False
    argument: Argument | None = None
    options: Callable[[], Sequence[Option]] | None = None
    apply: Apply | None = None
    reset: Reset | None = None
    action: str = ""
    reset_action: str = ""

    @property
    def typed(self) -> bool:
        """Whether the value is typed in place."""
        return self.apply is not None and self.argument is not None and self.options is None

    def next_value(self) -> Value:
        """What the space bar makes of the value: the other truth value, or the next choice."""
        assert self.argument is not None
        if self.argument.kind is ArgumentKind.BOOL:
            return not self.value
        choices: tuple[Value, ...] = self.argument.choices
        if self.argument.nullable:
            choices = (*choices, None)
        position = choices.index(self.value) if self.value in choices else -1
        return choices[(position + 1) % len(choices)]

    @property
    def switched(self) -> bool:
        """Whether the space bar changes it."""
        return (
            self.apply is not None
            and self.argument is not None
            and (self.argument.kind is ArgumentKind.BOOL or bool(self.argument.choices))
        )


_OBJECTS = {
    ArgumentKind.INITIALIZER: Kind.INITIALIZER,
    ArgumentKind.REGULARIZER: Kind.REGULARIZER,
    ArgumentKind.CONSTRAINT: Kind.CONSTRAINT,
    ArgumentKind.ACTIVATION: Kind.ACTIVATION,
    ArgumentKind.LOSS: Kind.LOSS,
    ArgumentKind.METRIC: Kind.METRIC,
    ArgumentKind.LAYER: Kind.LAYER,
}


def argument_row(
    catalog: Catalog,
    argument: Argument,
    arguments: Arguments,
    *,
    apply: Apply,
    reset: Reset,
    indent: int = 0,
    severity: Severity | None = None,
) -> Row:
    """The row of one argument of a layer, an optimizer, a callback..."""
    value = arguments.get(argument.name, argument.default)
    given = argument.name in arguments
    missing = argument.required and not given
    options = None
    if argument.kind in _OBJECTS:
        options = object_options(catalog, _OBJECTS[argument.kind], value, nullable=argument.nullable)
    elif argument.choices:
        options = choice_options(argument, value)
    return Row(
        label=argument.name,
        shown="" if missing else format_value(value),
        value=value,
        help=_help(catalog, argument),
        changed=given and (argument.required or value != argument.default),
        indent=indent,
        severity=Severity.ERROR if missing else severity,
        missing=missing,
        argument=argument,
        options=options,
        apply=apply,
        reset=reset if not argument.required else None,
    )


_TAKES = {
    ArgumentKind.INT: "a whole number",
    ArgumentKind.FLOAT: "a number",
    ArgumentKind.BOOL: "true or false",
    ArgumentKind.INTS: "a whole number, or several: 3,3",
    ArgumentKind.SHAPE: "sizes without the batch axis: 28,28,1 (none where it varies)",
    ArgumentKind.LIST: "a list",
    ArgumentKind.MAPPING: "keys and values: {0: 1.0, 1: 2.5}",
}


def _help(catalog: Catalog, argument: Argument) -> str:
    takes = _TAKES.get(argument.kind, "")
    if argument.kind is ArgumentKind.SCHEDULE:
        takes = f"a number, or a schedule: {', '.join(catalog.names(Kind.SCHEDULE))}"
    if takes and argument.nullable:
        takes += f", or {format_value(None)}"
    default = "needed" if argument.required else f"default {format_value(argument.default)}"
    facts = " · ".join(part for part in (takes, default) if part)
    return f"{argument.help}\n{facts}" if argument.help else facts


def choice_options(argument: Argument, value: Value) -> Callable[[], Sequence[Option]]:
    """The strings that an argument takes."""
    choices: tuple[Value, ...] = (*argument.choices, None) if argument.nullable else argument.choices
    return lambda: [
        Option(choice, format_value(choice), help=argument.help, current=choice == value)
        for choice in choices
    ]


def object_options(
    catalog: Catalog, kind: Kind, value: Value, *, nullable: bool = False
) -> Callable[[], Sequence[Option]]:
    """The objects of Keras that an argument takes."""
    now = object_name(value)

    def options() -> list[Option]:
        none = [Option(None, format_value(None), current=value is None)] if nullable else []
        return none + [
            entry_option(entry, current=now in {entry.name, *entry.aliases})
            for entry in catalog.entries(kind)
            if not entry.unsafe
        ]

    return options


def object_name(value: Value) -> str:
    """The name in `Name` or `{Name: {arguments}}`, or nothing."""
    if isinstance(value, str):
        return value
    return next(iter(value)) if isinstance(value, dict) and len(value) == 1 else ""


def entry_option(entry: Entry, *, current: bool = False) -> Option:
    """An entry of the catalog to choose."""
    return Option(
        entry.name,
        entry.name,
        group=entry.group,
        help=f"{entry.summary}\n\n{entry.text}".strip(),
        words=(*entry.aliases, entry.group),
        current=current,
    )
