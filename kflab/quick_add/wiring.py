"""What words say about a node itself and not about what it calls: its name, and what feeds it besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kflab.catalog import Entry
from kflab.errors import did_you_mean
from kflab.graph.nodes import NAME
from kflab.quick_add.binding import key_of
from kflab.quick_add.understood import Matched, Misread
from kflab.quick_add.words import Word, pieces, unquoted

ALSO = "+"
"""The mark before a node that feeds the new one, too."""


class Wiring:
    """The name and the further inputs of one node.

    Args:
        nodes: the names of the nodes that there are.
        named: the names that nodes before it in the line were given.
    """

    def __init__(self, nodes: Sequence[str], named: Sequence[str]) -> None:
        self.name = ""
        self.inputs: list[str] = []
        self.tensors: list[tuple[str, str]] = []
        self.matched: list[Matched] = []
        self.problems: list[Misread] = []
        self._known = (*nodes, *named)

    def take_front(self, words: list[Word]) -> None:
        """Takes a name in front off the words: `x2: dense 64`, or as in Python `x2 = Dense(64)`."""
        if len(words) > 1 and words[1].text.startswith(":"):
            words[:2] = [Word(words[0].text + words[1].text, words[0].start, words[1].end)]
        if not words:
            return
        first = words[0]
        mark = "=" if key_of(first) not in {"", "name"} else ":"
        name, found, rest = (part.strip() for part in first.text.partition(mark))
        if not found:
            return
        words.pop(0)
        if rest:
            words.insert(0, Word(rest, first.end - len(rest), first.end))
        self._set_name(Word(name, first.start, first.start + len(name)))

    def take(self, word: Word, entry: Entry | None = None) -> bool:
        """Takes a word if it is a name, one more input, or one by the name of an argument of the call."""
        key = key_of(word)
        if key == "name":
            self._set_name(unquoted(word.after("=")))
            return True
        if entry is not None and key and self._take_tensors(key, word, entry):
            return True
        if not word.text.startswith(ALSO):
            return False
        reference = word.text[1:].strip()
        if not NAME.fullmatch(reference.partition(":")[0]):
            return False
        self.inputs += self._references([Word(reference, word.start, word.end)])
        return True

    def _wrong(self, word: Word, message: str) -> None:
        self.problems.append(Misread(word.start, word.end, message))

    def _set_name(self, word: Word) -> None:
        name = word.text
        if self.name:
            self._wrong(word, f"the node is called {self.name!r} already")
        elif not NAME.fullmatch(name):
            self._wrong(
                word,
                f"{name!r} is no name for a node; expected letters, digits, '_', '-' or '.', one a letter",
            )
        elif name in self._known:
            self._wrong(word, f"there is already a node {name!r}")
        else:
            self.name = name

    def _take_tensors(self, key: str, word: Word, entry: Entry) -> bool:
        tensor = next((tensor for tensor in entry.tensors[1:] if tensor.name == key), None)
        value = word.after("=")
        # Some take a plain number as well: with the mark it is a node.
        if tensor is None or (entry.argument(key) is not None and not value.text.startswith(ALSO)):
            return False
        inside = Word(value.text[1:-1], value.start + 1, value.end - 1) if value.text[:1] in "[(" else value
        words = [Word(one.text.removeprefix(ALSO), one.start, one.end) for one in pieces(inside)]
        if not words:
            self._wrong(word, f"{key} needs the name of a node")
        elif len(words) > 1 and not tensor.many:
            self._wrong(value, f"{key} takes one tensor, not {len(words)}")
        for reference in self._references(words):
            self.tensors.append((key, reference))
        self.matched.append(Matched(key, [one.text for one in words], word.start, word.end))
        return True

    def _references(self, words: Sequence[Word]) -> Iterator[str]:
        """The references that words are; those that lead nowhere are problems."""
        for word in words:
            source, colon, index = word.text.partition(":")
            if source not in self._known:
                self._wrong(word, f"there is no node {source!r}{did_you_mean(source, self._known)}")
            elif colon and not (index.isascii() and index.isdecimal()):
                self._wrong(word, f"{index!r} is no number of an output, as in {source}:1")
            else:
                yield word.text
