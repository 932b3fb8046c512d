"""What the word under the cursor may become, and Keras' own words on what stands there."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.check import OBJECT_KINDS, expected
from kflab.catalog.text import format_value
from kflab.graph.nodes import Layer
from kflab.quick_add.binding import key_of, short_name
from kflab.quick_add.names import names_of, plain, wrapped_argument
from kflab.quick_add.segments import ALSO, MODEL, SHARE, Around, shareable
from kflab.quick_add.understood import Completion, Help, Segment, Understood
from kflab.quick_add.words import Word, segments, words

_MODELS = "nested models"
_SHARED = "shared layers"


def complete(understood: Understood, cursor: int, around: Around) -> Understood:
    """The line with completions and help for the word under the cursor.

    Args:
        understood: what the line says.
        cursor: the column of the cursor.
        around: where the segment under the cursor stands.
    """
    parts = segments(understood.text)
    index = next((n for n, part in enumerate(parts) if part.start <= cursor <= part.end), len(parts) - 1)
    segment = understood.segments[index] if index < len(understood.segments) else None
    typed = words(parts[index])
    word = next((word for word in typed if word.start <= cursor <= word.end), Word("", cursor, cursor))
    if typed and typed[0].text.endswith(":"):
        typed = typed[1:]  # the node's name
    if segment is None or not typed or word.start <= typed[0].start or _is_called(typed, word):
        return _names(understood, typed, word, around)
    if segment.entry is None and segment.target is None:
        return _search(understood, typed, word, around)
    return _arguments(understood, segment, word, around)


def _search(understood: Understood, typed: Sequence[Word], word: Word, around: Around) -> Understood:
    """What is meant by words of which the first is no name: all of them may be in one, as in `max pool`."""
    start, end = typed[0].start, max(word.end, typed[0].end)
    found = tuple(_ranked(understood.text[start:end], around))
    if not found:
        found, end = tuple(_ranked(typed[0].text, around)), typed[0].end
    told = _first_help(found, typed[0].text)
    return msgspec.structs.replace(understood, completions=found, replaced=(start, end), help=told)


def _is_called(typed: Sequence[Word], word: Word) -> bool:
    """Whether a word says which model is called or whose layer is shared."""
    is_second = len(typed) == 1 or word.start <= typed[1].start
    return plain(typed[0].text) in {SHARE, MODEL} and is_second


# What a node calls


def _names(understood: Understood, typed: Sequence[Word], word: Word, around: Around) -> Understood:
    if typed and word.text and not typed[0].start <= word.start:
        word = typed[0]
    start = word.start
    text = word.text
    if typed and word.start > typed[0].start:  # behind `model` or `share`
        text, start = f"{typed[0].text} {word.text}", typed[0].start
    elif ":" in text:
        start += text.index(":") + 1
        text = text.partition(":")[2]
    found = tuple(_ranked(text, around))
    entry = next((one.entry for one in understood.segments if one.head[0] == start and one.entry), None)
    told = _entry_help(entry) if entry and text else _first_help(found, text)
    return msgspec.structs.replace(understood, completions=found, replaced=(start, word.end), help=told)


def _first_help(found: Sequence[Completion], text: str) -> Help:
    return Help(found[0].label, found[0].help) if found and text else Help()


class _Offered(NamedTuple):
    """A completion and what it is found by: its name, its short name, other words, the first line of help."""

    completion: Completion
    name: str
    short: str
    words: str
    said: str


def _ranked(text: str, around: Around) -> Iterator[Completion]:
    """Everything that a node can call, the likeliest first; all of it, in groups, for no text."""
    layers, operations = _offers(around.catalog)
    wanted = plain(text).split()
    everything = (*layers, *_calls(around, wanted), *operations)
    if not wanted:
        yield from (offered.completion for offered in everything)
        return
    looked = names_of(around.catalog).look_up(text.strip(), around.rank)
    meant = [looked.meaning.entry] if looked.meaning else looked.candidates
    order = {plain(entry.name): place for place, entry in enumerate(meant)}
    places: list[tuple[int, int, Completion]] = []
    for offered in everything:
        place = _place(offered, wanted, order)
        if place is not None:
            places.append((*place, offered.completion))
    yield from (completion for *_, completion in sorted(places, key=lambda one: one[:2]))


def _place(offered: _Offered, wanted: Sequence[str], meant: Mapping[str, int]) -> tuple[int, int] | None:
    """Where a completion stands among the others; nothing where it lacks some of what was typed."""
    if offered.name in meant:
        return 0, meant[offered.name]
    depth = 0
    for word in wanted:
        if word not in offered.name:
            depth = max(depth, 1 if word in offered.words else 2)
            if depth == 2 and word not in offered.said:
                return None
    if depth:
        return 2 + depth, 0
    first = wanted[0]
    return (1 if offered.name.startswith(first) or offered.short.startswith(first) else 2), 0


@functools.lru_cache(maxsize=4)
def _offers(catalog: Catalog) -> tuple[tuple[_Offered, ...], tuple[_Offered, ...]]:
    """The layers and the operations of a catalog."""
    layers, operations = (
        tuple(_offer(entry) for entry in catalog.entries(kind) if not entry.unsafe)
        for kind in (Kind.LAYER, Kind.OP)
    )
    return layers, operations


def _offer(entry: Entry) -> _Offered:
    is_layer = entry.kind is Kind.LAYER
    needed = " ".join(argument.name for argument in entry.arguments if argument.required)
    completion = Completion(
        entry.name,
        f"{entry.name} ",
        detail=needed,
        group=entry.group if is_layer else f"operations: {entry.group}",
        help=_text(entry),
        called=True,
    )
    short = "" if is_layer else plain(entry.name.rpartition(".")[2])
    said = entry.summary.lower()
    return _Offered(completion, plain(entry.name), short, f"{completion.group} {needed}", said)


def _calls(around: Around, wanted: Sequence[str]) -> Iterator[_Offered]:
    """The nested models that can be called, and the layers of other nodes that can be shared.

    Those that lack some of what is wanted are left out: there may be a thousand.
    """
    for name in around.experiment.models:
        key = f"{MODEL} {plain(name)}"
        if name != around.graph and all(word in key for word in wanted):
            said = f"Calls the model {name} with the same weights everywhere."
            completion = Completion(name, f"{MODEL} {name} ", "nested model", _MODELS, said, called=True)
            yield _Offered(completion, key, plain(name), "", "")
    nodes = around.nodes.nodes
    for name in shareable(around.nodes):
        key = f"{SHARE} {plain(name)}"
        if all(word in key for word in wanted):
            target = nodes[name].target
            assert isinstance(target, Layer)
            said = f"Calls the {target.layer} of {name} once more, with the same weights."
            detail = f"{target.layer}, shared"
            completion = Completion(name, f"{SHARE} {name} ", detail, _SHARED, said, called=True)
            yield _Offered(completion, key, "", "", "")


# Arguments


def _arguments(understood: Understood, segment: Segment, word: Word, around: Around) -> Understood:
    key = key_of(word)
    if word.text.startswith(ALSO):
        nodes = tuple(_nodes(word, around))
        told = Help(f"{ALSO}node", "One more node that feeds this one.")
        return msgspec.structs.replace(
            understood, completions=nodes, replaced=(word.start, word.end), help=told
        )
    entries = [entry for entry in (segment.entry, *reversed(segment.wrappers)) if entry]
    if key:
        argument = next((one for entry in entries if (one := _named(entry, key))), None)
        value = word.after("=")
        values = _values(argument, value.text, around.catalog) if argument else ()
        told = _argument_help(argument) if argument else Help()
        replaced = (value.start, value.end)
        return msgspec.structs.replace(understood, completions=tuple(values), replaced=replaced, help=told)
    here = [one for one in segment.matched if one.start <= word.start < one.end]
    given = {*segment.preset, *(one.argument for one in segment.matched if one not in here)}
    given.update(wrapped_argument(wrapper) for wrapper in segment.wrappers)
    found = tuple(_words(entries, given, word.text, around.catalog))
    replaced = (word.start, word.end)
    wrapper = names_of(around.catalog).wrapper(word.text)
    is_wrapper = wrapper in segment.wrappers
    if is_wrapper or (not found and here):  # The word is understood: what comes next.
        given.update(one.argument for one in here)
        nexts = _words(entries, given, "", around.catalog)
        found = tuple(msgspec.structs.replace(one, insert=f" {one.insert}") for one in nexts)
        replaced = (word.end, word.end)
    told = Help()
    if is_wrapper and wrapper:
        told = _entry_help(wrapper)
    elif here and word.text:
        argument = next((one for entry in entries if (one := entry.argument(here[0].argument))), None)
        told = _argument_help(argument) if argument else told
    elif word.text and found:
        told = Help(found[0].label, found[0].help)
    elif segment.entry:
        told = _entry_help(segment.entry)
    return msgspec.structs.replace(understood, completions=found, replaced=replaced, help=told)


def _named(entry: Entry, key: str) -> Argument | None:
    found = [argument for argument in entry.arguments if argument.name.startswith(key.lower())]
    return entry.argument(key) or (found[0] if found else None)


def _nodes(word: Word, around: Around) -> Iterator[Completion]:
    wanted = plain(word.text.removeprefix(ALSO))
    for name, node in around.nodes.nodes.items():
        if wanted in plain(name):
            called = node.target.layer if isinstance(node.target, Layer) else ""
            yield Completion(f"{ALSO}{name}", f"{ALSO}{name} ", called)
    for name in around.named:
        if wanted in plain(name):
            yield Completion(f"{ALSO}{name}", f"{ALSO}{name} ", "in this line")


def _words(
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
            yield Completion(name, f"{name} ", "around it", help=_text(wrapper))


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
                    yield Completion(value, f"{value} ", argument.name, help=_about(argument))


def _flag(argument: Argument, wanted: str) -> Iterator[Completion]:
    short = short_name(argument.name)
    if argument.default is not True and argument.name.startswith(wanted):
        yield Completion(argument.name, f"{argument.name} ", "flag", help=_about(argument))
    if argument.default is True and f"no_{short}".startswith(wanted):
        yield Completion(f"no_{short}", f"no_{short} ", "flag", help=_about(argument))


def _argument(argument: Argument) -> Completion:
    default = "needed" if argument.required else format_value(argument.default)
    return Completion(
        f"{argument.name}=", f"{argument.name}=", f"{argument.kind} · {default}", help=_about(argument)
    )


def _values(argument: Argument, text: str, catalog: Catalog) -> Iterator[Completion]:
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
            yield Completion(value, f"{value} ", "default" if is_default else "", help=_about(argument))


# Help


def _text(entry: Entry) -> str:
    return f"{entry.summary}\n\n{entry.text}".strip()


def _entry_help(entry: Entry) -> Help:
    return Help(entry.name, _text(entry))


def _argument_help(argument: Argument) -> Help:
    return Help(argument.name, _about(argument))


def _about(argument: Argument) -> str:
    """Keras' words on an argument, what it takes and its default."""
    default = "needed" if argument.required else f"default {format_value(argument.default)}"
    facts = f"{expected(argument)} · {default}"
    return f"{argument.help}\n{facts}" if argument.help else facts
