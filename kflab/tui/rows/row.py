"""One row of a form, and one thing that can be chosen for it."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TypeAlias

import msgspec

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.text import format_value
from kflab.diagnose.findings import Severity
from kflab.experiment import Experiment
from kflab.graph.edited import Edited
from kflab.values import Value


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
        path: the names that lead to it; rows whose paths go on from it stand under it.
        shown: its value in a few words.
        brief: what is shown instead while the rows under it can be seen.
        value: its value.
        help: what it means.
        changed: it differs from its default.
        indent: how deep it stands under the row that it belongs to.
        heading: it is only a heading.
        opens: whether the rows under it are seen at first; none: it has none.
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
    path: tuple[str, ...] = ()
    shown: str = ""
    brief: str = ""
    value: Value = None
    help: str = ""
    changed: bool = False
    indent: int = 0
    heading: bool = False
    opens: bool | None = None
    severity: Severity | None = None
    missing: bool = False
    argument: Argument | None = None
    options: Callable[[], Sequence[Option]] | None = None
    apply: Apply | None = None
    reset: Reset | None = None
    action: str = ""
    reset_action: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from the other rows of its form."""
        return self.path or (self.label,)

    @property
    def typed(self) -> bool:
        """Whether the value is typed in place."""
        return self.apply is not None and self.argument is not None and self.options is None

    def next_value(self) -> Value:
        """What the space bar makes of the value: the other truth value, or the next choice."""
        assert self.argument is not None
        is_bool = self.argument.kind is ArgumentKind.BOOL
        choices: tuple[Value, ...] = (True, False) if is_bool else self.argument.choices
        if self.argument.nullable:
            choices = (*choices, None)
        position = choices.index(self.value) if self.value in choices else -1
        return choices[(position + 1) % len(choices)]

    @property
    def switched(self) -> bool:
        """Whether the space bar changes it."""
        if self.apply is None or self.argument is None:
            return False
        kind = self.argument.kind
        return kind is ArgumentKind.BOOL or (
            kind in {ArgumentKind.CHOICE, ArgumentKind.TEXT, ArgumentKind.ANY} and bool(self.argument.choices)
        )


def choice_options(argument: Argument, value: Value) -> Callable[[], Sequence[Option]]:
    """The strings that an argument takes."""
    choices: tuple[Value, ...] = (*argument.choices, None) if argument.nullable else argument.choices
    return lambda: [
        Option(choice, format_value(choice), help=argument.help, current=choice == value)
        for choice in choices
    ]


def entry_option(entry: Entry, *, current: bool = False) -> Option:
    """An entry of the catalog to choose."""
    return Option(
        entry.name,
        entry.name,
        group=entry.group,
        help=entry_help(entry),
        words=(*entry.aliases, entry.group),
        current=current,
    )


def entry_options(catalog: Catalog, kind: Kind, current: Container[str]) -> list[Option]:
    """Everything of one kind that a document can hold; `current` are the names of what is set."""
    return [
        entry_option(entry, current=any(name in current for name in (entry.name, *entry.aliases)))
        for entry in catalog.entries(kind)
        if not entry.unsafe
    ]


def entry_help(entry: Entry | None) -> str:
    """What Keras says of an entry."""
    return f"{entry.summary}\n\n{entry.text}".strip() if entry else ""
