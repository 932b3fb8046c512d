"""What the word under the cursor may become, and Keras' own words on what stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from kflab.graph.nodes import Layer
from kflab.quick_add.argument_completions import BY_NAME, argument_values, argument_words, named, takers
from kflab.quick_add.binding import key_of
from kflab.quick_add.help_texts import argument_help, entry_help
from kflab.quick_add.names import names_of, plain, wrapped_argument
from kflab.quick_add.offers import ranked
from kflab.quick_add.segments import MODEL, SHARE, Around
from kflab.quick_add.understood import Completion, Help, Segment, Understood
from kflab.quick_add.wiring import ALSO
from kflab.quick_add.words import Word, segments, words

_FRONT = re.compile(r"[^:=(]*[:=]\s*")


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
    found = tuple(ranked(understood.text[start:end], around))
    if not found:
        found, end = tuple(ranked(typed[0].text, around)), typed[0].end
    told = _first_help(found, typed[0].text)
    return msgspec.structs.replace(understood, completions=found, replaced=(start, end), help=told)


def _is_called(typed: Sequence[Word], word: Word) -> bool:
    """Whether a word says which model is called or whose layer is shared."""
    is_second = len(typed) == 1 or word.start <= typed[1].start
    return plain(typed[0].text) in {SHARE, MODEL} and is_second


def _names(understood: Understood, typed: Sequence[Word], word: Word, around: Around) -> Understood:
    if typed and word.text and not typed[0].start <= word.start:
        word = typed[0]
    start = word.start
    text = word.text
    if typed and word.start > typed[0].start:  # behind `model` or `share`
        text, start = f"{typed[0].text} {word.text}", typed[0].start
    elif front := _FRONT.match(text):
        start += front.end()
        text = text[front.end() :]
    found = tuple(ranked(text, around))
    entry = next((one.entry for one in understood.segments if one.head[0] == start and one.entry), None)
    told = entry_help(entry) if entry and text else _first_help(found, text)
    return msgspec.structs.replace(understood, completions=found, replaced=(start, word.end), help=told)


def _first_help(found: Sequence[Completion], text: str) -> Help:
    return Help(found[0].label, found[0].help) if found and text else Help()


def _arguments(understood: Understood, segment: Segment, word: Word, around: Around) -> Understood:
    key = key_of(word)
    if word.text.startswith(ALSO):
        nodes = tuple(_nodes(word, around))
        told = Help(f"{ALSO}node", "One more node that feeds this one.")
        return msgspec.structs.replace(
            understood, completions=nodes, replaced=(word.start, word.end), help=told
        )
    entries = takers(segment)
    if _is_tensor(segment, word):
        return _tensor_nodes(understood, word, around)
    if key:
        argument = next((one for entry in entries if (one := named(entry, key))), None)
        value = word.after("=")
        values = argument_values(argument, value.text, around.catalog) if argument else ()
        told = argument_help(argument) if argument else Help()
        replaced = (value.start, value.end)
        return msgspec.structs.replace(understood, completions=tuple(values), replaced=replaced, help=told)
    here = [one for one in segment.matched if one.start <= word.start < one.end]
    given = {*segment.preset, *(one.argument for one in segment.matched if one not in here)}
    given.update(wrapped_argument(wrapper) for wrapper in segment.wrappers)
    found = tuple(argument_words(entries, given, word.text, around.catalog))
    replaced = (word.start, word.end)
    wrapper = names_of(around.catalog).wrapper(word.text)
    is_wrapper = wrapper in segment.wrappers
    if is_wrapper or (not found and here):  # The word is understood: what comes next.
        given.update(one.argument for one in here)
        nexts = argument_words(entries, given, "", around.catalog)
        found = tuple(msgspec.structs.replace(one, insert=f" {one.insert}") for one in nexts)
        replaced = (word.end, word.end)
    told = Help()
    if is_wrapper and wrapper:
        told = entry_help(wrapper)
    elif here and word.text:
        argument = next((one for entry in entries if (one := entry.argument(here[0].argument))), None)
        told = argument_help(argument) if argument else told
    elif word.text and found:
        told = Help(found[0].label, found[0].help)
    elif segment.entry:
        told = entry_help(segment.entry)
    return msgspec.structs.replace(understood, completions=found, replaced=replaced, help=told)


def _is_tensor(segment: Segment, word: Word) -> bool:
    """Whether a word gives a tensor by its name, and not a plain number that the argument takes as well."""
    entry, key = segment.entry, key_of(word)
    if entry is None or not any(tensor.name == key for tensor in entry.tensors[1:]):
        return False
    return entry.argument(key) is None or word.after("=").text.startswith(ALSO)


def _tensor_nodes(understood: Understood, word: Word, around: Around) -> Understood:
    """The nodes that the last reference of `initial_state=h,c` may become."""
    value = word.after("=")
    start = value.end - len(re.split(r"[,\[(]", value.text)[-1].lstrip())
    last = Word(understood.text[start : value.end], start, value.end)
    told = Help(key_of(word), BY_NAME)
    return msgspec.structs.replace(
        understood, completions=tuple(_nodes(last, around)), replaced=(start, value.end), help=told
    )


def _nodes(word: Word, around: Around) -> Iterator[Completion]:
    """The nodes that may feed the new one, those that begin as the word does first."""
    wanted = plain(word.text.removeprefix(ALSO))
    named = [(name, "in this line") for name in around.named]
    there = [
        (name, node.target.layer if isinstance(node.target, Layer) else "")
        for name, node in around.nodes.nodes.items()
    ]
    found = [(name, called) for name, called in (*named, *there) if wanted in plain(name)]
    for name, called in sorted(found, key=lambda one: not plain(one[0]).startswith(wanted)):
        yield Completion(f"{ALSO}{name}", f"{ALSO}{name} ", called)
