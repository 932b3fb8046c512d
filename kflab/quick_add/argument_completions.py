"""The arguments, values, flags and wrappers that a word behind a layer's name may become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.check import OBJECT_KINDS
from kflab.catalog.text import format_value
from kflab.quick_add.binding import short_name
from kflab.quick_add.help_texts import about, entry_text
from kflab.quick_add.names import names_of, plain
from kflab.quick_add.understood import Completion, Segment

BY_NAME = "A tensor that the call takes by this name: the node that gives it, or several."
"""Help on a tensor that is given by name."""


def takers(segment: Segment) -> list[Entry]:
    """What takes arguments: the layer, those around it from the inside out, and at last the call."""
    entries = [entry for entry in (segment.entry, *reversed(segment.wrappers)) if entry]
    if not entries:
        return []
    called = entries[-1]
    tensors = tuple(
        Argument(tensor.name, ArgumentKind.ANY, help=BY_NAME)
        for tensor in called.tensors[1:]
        if called.kind is Kind.LAYER and called.argument(tensor.name) is None
    )
    return [*entries, msgspec.structs.replace(called, arguments=(*called.call, *tensors), tensors=())]


def named(entry: Entry, key: str) -> Argument | None:
    """The argument that a key names, whole or by its beginning."""
    found = [argument for argument in entry.arguments if argument.name.startswith(key.lower())]
    return entry.argument(key) or (found[0] if found else None)


def argument_words(
    entries: Sequence[Entry], given: Iterable[str], text: str, catalog: Catalog
) -> Iterator[Completion]:
    """The arguments that are left, and the values and flags that begin as the text does."""
    taken = set(given)
    wanted = text.lower()
    if wanted:
        yield from _by_value(entries, taken, wanted, catalog)
        yield from _wrappers(entries, wanted, catalog)
    free = [argument for entry in entries for argument in entry.arguments if argument.name not in taken]
    for argument in sorted(free, key=lambda one: not one.required):
        if argument.name.startswith(wanted) or (wanted and f"_{wanted}" in argument.name):
            yield _argument(argument)
    if not wanted:
        yield from _wrappers(entries, wanted, catalog)


def _wrappers(entries: Sequence[Entry], wanted: str, catalog: Catalog) -> Iterator[Completion]:
    """The layers that can stand around the one that is typed."""
    if not entries or entries[0].kind is not Kind.LAYER:
        return
    for wrapper in names_of(catalog).wrappers:
        name = wrapper.name.lower()
        if wrapper not in entries and name.startswith(wanted):
            yield Completion(name, f"{name} ", "around it", help=entry_text(wrapper))


def _by_value(
    entries: Sequence[Entry], taken: set[str], wanted: str, catalog: Catalog
) -> Iterator[Completion]:
    for entry in entries:
        seen = set[ArgumentKind]()
        for argument in entry.arguments:
            if argument.name in taken:
                continue
            if argument.kind is ArgumentKind.BOOL:
                yield from _flag(argument, wanted)
            kind = OBJECT_KINDS.get(argument.kind)
            values: Iterable[str] = argument.choices
            if kind is not None and kind is not Kind.LAYER and argument.kind not in seen:
                seen.add(argument.kind)
                values = catalog.names(kind)
            for value in values:
                if value.lower().startswith(wanted):
                    yield Completion(value, f"{value} ", argument.name, help=about(argument))


def _flag(argument: Argument, wanted: str) -> Iterator[Completion]:
    short = short_name(argument.name)
    if argument.default is not True and argument.name.startswith(wanted):
        yield Completion(argument.name, f"{argument.name} ", "flag", help=about(argument))
    if argument.default is True and f"no_{short}".startswith(wanted):
        yield Completion(f"no_{short}", f"no_{short} ", "flag", help=about(argument))


def _argument(argument: Argument) -> Completion:
    default = "needed" if argument.required else format_value(argument.default)
    return Completion(
        f"{argument.name}=", f"{argument.name}=", f"{argument.kind} · {default}", help=about(argument)
    )


def argument_values(argument: Argument, text: str, catalog: Catalog) -> Iterator[Completion]:
    """The values of an argument that begin as the text does."""
    kind = OBJECT_KINDS.get(argument.kind)
    values: list[str] = list(catalog.names(kind)) if kind else list(argument.choices)
    if argument.kind is ArgumentKind.BOOL:
        values = ["true", "false"]
    if argument.nullable and values:
        values.append(format_value(None))
    for value in values:
        if plain(value).startswith(plain(text)):
            is_default = value == format_value(argument.default)
            yield Completion(value, f"{value} ", "default" if is_default else "", help=about(argument))
