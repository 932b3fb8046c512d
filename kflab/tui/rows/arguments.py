"""The rows of an argument: its own, and under it those of the object that it names, to any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.check import OBJECT_KINDS, check_value, named_object
from kflab.catalog.text import format_value
from kflab.diagnose.findings import Severity
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph.edited import Edited
from kflab.graph.nodes import INPUT
from kflab.tui.rows.holder import Holder, inside, items
from kflab.tui.rows.row import Option, Row, choice_options, entry_help, entry_option
from kflab.values import Value


def entry_rows(
    catalog: Catalog,
    entry: Entry | None,
    holder: Holder,
    experiment: Experiment,
    *,
    path: tuple[str, ...] = (),
    indent: int = 0,
) -> Iterator[Row]:
    """The rows of all arguments of an entry: required ones first, then those given, then as in Keras.

    Args:
        catalog: the catalog.
        entry: what takes the arguments.
        holder: where they stand.
        experiment: the experiment as it is.
        path: the path of the row that they stand under.
        indent: how deep they stand.
    """
    if entry is None:
        return
    given = holder.read(experiment)
    for argument in sorted(entry.arguments, key=lambda one: (not one.required, one.name not in given)):
        yield from argument_rows(catalog, argument, holder, experiment, path=path, indent=indent)


def argument_rows(
    catalog: Catalog,
    argument: Argument,
    holder: Holder,
    experiment: Experiment,
    *,
    path: tuple[str, ...] = (),
    indent: int = 0,
    severity: Severity | None = None,
) -> Iterator[Row]:
    """The rows of one argument, with the worst finding about it; see `entry_rows`."""
    given = holder.read(experiment)
    value = given.get(argument.name, argument.default)
    is_given = argument.name in given
    missing = argument.required and not is_given
    path = (*path, argument.name)
    under = list(_rows_inside(catalog, argument, holder, experiment, path, indent + 1))

    def put(experiment: Experiment, value: Value) -> Edited:
        refuse(catalog, argument, value)
        before = holder.value(experiment, argument)
        return holder.set(experiment, argument.name, _taking_over(catalog, argument, value, before))

    def append(experiment: Experiment, value: Value) -> Edited:
        if is_list(value):
            return put(experiment, value)
        return put(experiment, [*items(holder.value(experiment, argument)), value])

    listed = takes_list(argument, value)
    is_changed = is_given and (argument.required or not _means_the_same(catalog, argument, value))
    yield Row(
        label=argument.name,
        path=path,
        shown="" if missing or value == "" else format_value(value),
        brief=", ".join(_name(one) for one in items(value)) if listed else _name(value),
        value=value,
        help=_help(catalog, argument, listed=listed, opens=bool(under)),
        changed=is_changed,
        indent=indent,
        opens=_opens(value, under) if under else None,
        severity=Severity.ERROR if missing else severity,
        missing=missing,
        argument=argument,
        options=_options(catalog, argument, value),
        apply=append if listed else put,
        reset=None if argument.required else lambda experiment: holder.reset(experiment, argument.name),
    )
    yield from under


def refuse(catalog: Catalog, argument: Argument, value: Value) -> None:
    """Refuses what an argument surely does not take; what is only missing inside may come later.

    Raises:
        KflabError: it does not take it; the text says what is expected.
    """
    for problem in check_value(argument, value, catalog):
        if not problem.missing:
            raise KflabError(": ".join((*problem.path, problem.message)))


_STARTS_AT = "initial_learning_rate"
"""The argument of a schedule that takes over the rate that was constant before."""


def _taking_over(catalog: Catalog, argument: Argument, value: Value, before: Value) -> Value:
    """An object that was chosen by its name alone, with the arguments of the one before it that fit it."""
    kind = OBJECT_KINDS.get(argument.kind)
    entry = catalog.find(kind, value) if kind is not None and isinstance(value, str) else None
    if entry is None:
        return value
    named = named_object(before)
    is_rate = isinstance(before, int | float) and not isinstance(before, bool)
    arguments = {_STARTS_AT: before} if is_rate else named[1] if named else {}
    kept = {
        name: given
        for name, given in arguments.items()
        if (own := entry.argument(name)) and not any(check_value(own, given, catalog))
    }
    return {entry.name: kept} if kept else value


def is_list(value: Value) -> bool:
    """Whether a value is a list."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def takes_list(argument: Argument, value: Value) -> bool:
    """Whether an argument names several objects: `cells`, or a `cell` that was given as a list."""
    return argument.kind is ArgumentKind.LAYER and (is_list(value) or argument.name.endswith("s"))


def _rows_inside(
    catalog: Catalog,
    argument: Argument,
    holder: Holder,
    experiment: Experiment,
    path: tuple[str, ...],
    indent: int,
) -> Iterator[Row]:
    """The rows of the arguments of what the argument names."""
    kind = OBJECT_KINDS.get(argument.kind)
    if kind is None:
        return
    value = holder.value(experiment, argument)
    if takes_list(argument, value):
        for index, item in enumerate(items(value)):
            yield from _item_rows(catalog, argument, holder, experiment, index, item, path, indent)
        return
    named = named_object(value)
    if named:
        entry = catalog.find(kind, named[0])
        yield from entry_rows(catalog, entry, inside(holder, argument), experiment, path=path, indent=indent)


def _item_rows(
    catalog: Catalog,
    argument: Argument,
    holder: Holder,
    experiment: Experiment,
    index: int,
    item: Value,
    path: tuple[str, ...],
    indent: int,
) -> Iterator[Row]:
    """The row of one object of a list, and those of its arguments."""
    kind = OBJECT_KINDS[argument.kind]
    named = named_object(item)
    entry = catalog.find(kind, named[0]) if named else None
    path = (*path, str(index + 1))
    under = list(
        entry_rows(catalog, entry, inside(holder, argument, index), experiment, path=path, indent=indent + 1)
    )

    def with_items(experiment: Experiment, new: Sequence[Value]) -> Edited:
        every = items(holder.value(experiment, argument))
        taken = [_taking_over(catalog, argument, one, every[index]) for one in new]
        changed = [*every[:index], *taken, *every[index + 1 :]]
        if not changed:
            return holder.reset(experiment, argument.name)
        refuse(catalog, argument, changed)
        return holder.set(experiment, argument.name, changed)

    yield Row(
        label=str(index + 1),
        path=path,
        shown=format_value(item),
        brief=_name(item),
        value=item,
        help=entry_help(entry),
        changed=True,
        indent=indent,
        opens=_opens(item, under) if under else None,
        argument=argument,
        options=_options(catalog, argument, item),
        apply=lambda experiment, value: with_items(experiment, items(value) or [value]),
        reset=lambda experiment: with_items(experiment, []),
    )
    yield from under


def _name(value: Value) -> str:
    """The name in `Name` or `{Name: {arguments}}`, or nothing."""
    named = named_object(value)
    return named[0] if named else ""


def _opens(value: Value, under: Sequence[Row]) -> bool:
    """Whether the arguments of an object are seen at first: where one is given or needed."""
    named = named_object(value)
    has_given = bool(named and named[1]) or is_list(value)
    return has_given or any(row.missing for row in under)


def _means_the_same(catalog: Catalog, argument: Argument, value: Value) -> bool:
    """Whether a value is the default of its argument, if under another name."""
    if value == argument.default:
        return True
    kind = OBJECT_KINDS.get(argument.kind)
    mine, default = named_object(value), named_object(argument.default)
    if kind is None or mine is None or default is None:
        return False
    return mine[1] == default[1] and catalog.find(kind, mine[0]) is catalog.find(kind, default[0])


def _options(catalog: Catalog, argument: Argument, value: Value) -> Callable[[], Sequence[Option]] | None:
    kind = OBJECT_KINDS.get(argument.kind)
    if kind is not None:
        return lambda: object_options(catalog, kind, argument, value)
    return choice_options(argument, value) if argument.choices else None


def object_options(catalog: Catalog, kind: Kind, argument: Argument, value: Value) -> list[Option]:
    """The objects of Keras that an argument takes: of those of its kind, its choices where it has some.

    Where a plain number does as well, as for a learning rate, the one that is set stands on top.
    """
    now = _name(value)
    options = [Option(None, format_value(None), current=value is None)] if argument.nullable else []
    if kind is Kind.SCHEDULE:
        number = value if isinstance(value, int | float) else argument.default
        if number is not None:
            options.append(
                Option(
                    number,
                    format_value(number),
                    detail="or another",
                    help=argument.help,
                    current=number == value,
                )
            )
    entries = [entry for entry in catalog.entries(kind) if not entry.unsafe and entry.name != INPUT]
    if argument.choices:
        entries = [entry for entry in entries if entry.name in argument.choices]
    return options + [
        entry_option(entry, current=bool(now) and now in {entry.name, *entry.aliases}) for entry in entries
    ]


_TAKES = {
    ArgumentKind.INT: "a whole number",
    ArgumentKind.FLOAT: "a number",
    ArgumentKind.BOOL: "true or false",
    ArgumentKind.TEXT: "text",
    ArgumentKind.INTS: "a whole number, or several: 3,3",
    ArgumentKind.FLOATS: "a number, or several: 0.1,0.2",
    ArgumentKind.SHAPE: "sizes: 28,28,1 (none where one varies)",
    ArgumentKind.LIST: "a list: a, b",
    ArgumentKind.MAPPING: "keys and values: {0: 1.0, 1: 2.5}",
    ArgumentKind.ANY: 'a number, a list, {key: value} or text, in "…" where it could be one of the others',
}


def _help(catalog: Catalog, argument: Argument, *, listed: bool, opens: bool) -> str:
    """What an argument takes, in one line, and Keras' own words on it."""
    takes = _takes(catalog, argument, listed=listed)
    if takes and argument.nullable:
        takes += f", or {format_value(None)}"
    default = "needed" if argument.required else f"default {format_value(argument.default)}"
    own = "→ shows its own arguments" if opens else ""
    facts = " · ".join(part for part in (takes, default, own) if part)
    return f"{facts}\n{argument.help}" if argument.help else facts


def _takes(catalog: Catalog, argument: Argument, *, listed: bool) -> str:
    if argument.kind is ArgumentKind.SCHEDULE:
        return f"a number, or a schedule: {', '.join(catalog.names(Kind.SCHEDULE))}"
    if listed:
        return f"a list of {argument.kind}s: Enter adds one, backspace on one takes it away"
    if argument.kind in OBJECT_KINDS:
        return f"{'an' if argument.kind[0] in 'aeiou' else 'a'} {argument.kind}"
    if argument.choices:
        *first, last = argument.choices
        either = f"{', '.join(first)} or {last}" if first else last
        others = {ArgumentKind.TEXT: ", or other text", ArgumentKind.ANY: ", or another value"}
        return either + others.get(argument.kind, "")
    return _TAKES.get(argument.kind, "")
