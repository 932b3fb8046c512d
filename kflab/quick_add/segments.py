"""One segment of a line understood as a node: its name, what it calls, the arguments, and what feeds it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kflab.catalog import Catalog, Entry, Kind
from kflab.errors import did_you_mean
from kflab.experiment import Experiment
from kflab.graph.nodes import INPUT, NAME, Call, Graph, Layer, Op, Share, Target
from kflab.quick_add.binding import Binder, key_of, listed
from kflab.quick_add.names import Looked, names_of, plain, wrapped_argument
from kflab.quick_add.ranks import rank_after, spatial
from kflab.quick_add.understood import Matched, Misread, Segment
from kflab.quick_add.words import Word, words
from kflab.values import Arguments

SHARE = "share"
"""The word before the node whose layer is called again."""

MODEL = "model"
"""The word before the nested model that is called."""

ALSO = "+"
"""The mark before a node that feeds the new one, too."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """Where a segment stands.

    Attributes:
        catalog: what Keras offers.
        experiment: what it is added to.
        graph: the name of the graph it is added to, "" for the main one.
        rank: the spatial axes of what feeds it, where they are known.
        named: the names that segments before it were given.
        first: it is the first of its line.
    """

    catalog: Catalog
    experiment: Experiment
    graph: str
    rank: int | None = None
    named: tuple[str, ...] = ()
    first: bool = True

    @property
    def nodes(self) -> Graph:
        """The graph it is added to."""
        return self.experiment.graph(self.graph)


class Read(msgspec.Struct, frozen=True):
    """A segment as far as it was understood, and what was not."""

    segment: Segment
    problems: tuple[Misread, ...]
    rank: int | None


def read_segment(text: Word, around: Around) -> Read:
    """What a segment says."""
    return _Reader(text, around).read()


class _Reader:
    def __init__(self, text: Word, around: Around) -> None:
        self._text, self._around = text, around
        self._names = names_of(around.catalog)
        self._problems: list[Misread] = []
        self._words = words(text)
        self._inputs: list[str] = []
        self._name = ""

    def read(self) -> Read:
        self._take_name()
        if not self._words:
            self._wrong(Word("", self._text.end, self._text.end), "a layer is missing here")
            return self._result(None)
        head = self._words.pop(0)
        if plain(head.text) in {SHARE, MODEL}:
            if self._words and not key_of(self._words[0]):
                return self._call(head)
            whose = "the node whose layer is called again" if plain(head.text) == SHARE else "a nested model"
            self._wrong(head, f"{head.text} needs the name of {whose}")
            return self._result(None, (head,))
        return self._entry(head)

    def _wrong(self, word: Word, message: str) -> None:
        self._problems.append(Misread(word.start, word.end, message))

    def _result(
        self,
        target: Target | None,
        head: Sequence[Word] = (),
        binder: Binder | None = None,
        wrappers: Sequence[Entry] = (),
        matched: Sequence[Matched] = (),
        rank: int | None = None,
        preset: Sequence[str] = (),
    ) -> Read:
        segment = Segment(
            start=self._text.start,
            end=self._text.end,
            target=target,
            name=self._name,
            inputs=tuple(self._inputs),
            entry=binder.entry if binder else None,
            wrappers=tuple(wrappers),
            matched=tuple(sorted(matched, key=lambda one: one.start)),
            missing=binder.missing if binder else (),
            head=(head[0].start, head[-1].end) if head else (self._text.end, self._text.end),
            preset=tuple(preset),
        )
        return Read(segment, tuple(sorted(self._problems, key=lambda one: one.start)), rank)

    # The node's name

    def _take_name(self) -> None:
        """Takes a name in front: `x2: dense 64`."""
        if not self._words:
            return
        first = self._words[0]
        name, colon, rest = first.text.partition(":")
        if not colon:
            return
        self._words.pop(0)
        if rest:
            self._words.insert(0, Word(rest, first.end - len(rest), first.end))
        self._set_name(name, Word(name, first.start, first.start + len(name)))

    def _set_name(self, name: str, word: Word) -> None:
        if self._name:
            self._wrong(word, f"the node is called {self._name!r} already")
        elif not NAME.fullmatch(name):
            self._wrong(
                word,
                f"{name!r} is no name for a node; expected letters, digits, '_', '-' or '.', one a letter",
            )
        elif name in self._around.nodes.nodes or name in self._around.named:
            self._wrong(word, f"there is already a node {name!r}")
        else:
            self._name = name

    # Models and shared layers

    def _call(self, head: Word) -> Read:
        called = self._words.pop(0)
        around = self._around
        target: Target | None = None
        if plain(head.text) == MODEL:
            models = [name for name in around.experiment.models if name != around.graph]
            if called.text in models:
                target = Call(called.text)
            elif called.text == around.graph:
                self._wrong(called, f"{called.text!r} would call itself")
            else:
                there = did_you_mean(called.text, models) or (
                    "" if models else "; the experiment has no nested models"
                )
                self._wrong(called, f"there is no nested model {called.text!r}{there}")
        else:
            target = self._share(called)
        what = "nested model" if plain(head.text) == MODEL else "shared layer"
        for word in self._words:
            if not self._take_common(word):
                self._wrong(word, f"the call of a {what} takes no {word.text!r}")
        return self._result(target, (head, called))

    def _share(self, called: Word) -> Target | None:
        nodes = self._around.nodes.nodes
        if called.text in self._around.named:
            return Share(called.text)
        if called.text not in nodes:
            self._wrong(
                called,
                f"there is no node {called.text!r}{did_you_mean(called.text, shareable(self._around.nodes))}",
            )
            return None
        owner = self._around.nodes.own(called.text)
        if isinstance(owner.target, Layer) and not owner.is_input:
            return Share(next(name for name, node in nodes.items() if node is owner))
        self._wrong(called, f"{called.text!r} has no layer of its own to share")
        return None

    # Layers and operations

    def _entry(self, head: Word) -> Read:
        around = self._around
        looked = self._names.look_up(head.text, around.rank)
        if looked.meaning is None and head.text in around.experiment.models and head.text != around.graph:
            self._words.insert(0, head)
            return self._call(Word(MODEL, head.start, head.start))
        heads = [head]
        wrappers: list[Entry] = []
        rank = around.rank
        while looked.meaning and wrapped_argument(looked.meaning.entry) and self._words:
            following = self._words[0]
            inner_rank = spatial(looked.meaning.entry, rank)
            inner = self._names.look_up(following.text, inner_rank)
            entry = inner.meaning.entry if inner.meaning else None
            if (
                key_of(following)
                or following.text.startswith(ALSO)
                or (entry and entry.kind is not Kind.LAYER)
            ):
                break
            if not (inner.meaning or inner.candidates):
                break
            wrappers.append(looked.meaning.entry)
            heads.append(self._words.pop(0))
            looked, rank = inner, inner_rank
        if looked.meaning is None:
            self._not_found(heads[-1], looked)
            self._take_inputs()
            return self._result(None, heads)
        entry = looked.meaning.entry
        if entry.name == INPUT and not around.first:
            self._wrong(head, "an Input starts a graph: it can only come first in a line")
        return self._arguments(heads, entry, looked.meaning.arguments, wrappers)

    def _not_found(self, word: Word, looked: Looked) -> None:
        names = [entry.name for entry in looked.candidates]
        if looked.family:
            example = next((name for name in names if "2D" in name), names[0]).lower()
            self._wrong(word, f"{word.text} is {listed(names)}: say which, as in {example}")
        elif names:
            more = "..." if len(names) > 4 else ""
            self._wrong(word, f"{word.text} may be {listed(names[:4])}{more}")
        elif (unsafe := self._names.unsafe(word.text)) is not None:
            self._wrong(word, f"{unsafe.name} holds code, which a document cannot carry")
        else:
            near = self._names.nearest(word.text)
            hint = f"; did you mean {listed(near)}?" if near else ""
            self._wrong(word, f"there is no layer or operation {word.text!r}{hint}")

    def _take_inputs(self) -> None:
        self._words = [word for word in self._words if not self._take_common(word)]

    def _arguments(
        self, heads: Sequence[Word], entry: Entry, given: Arguments, wrappers: list[Entry]
    ) -> Read:
        around = self._around
        binder = Binder(entry, around.catalog, given)
        left: list[Word] = []
        for word in self._words:
            if self._take_common(word):
                continue
            wrapper = None if key_of(word) or entry.kind is Kind.OP else self._names.wrapper(word.text)
            if wrapper is not None and wrapper is not entry:
                wrappers.insert(0, wrapper)
            else:
                left.append(word)
        # What is inside a wrapper is known: no word gives it.
        outer = [Binder(one, around.catalog, {wrapped_argument(one): None}) for one in wrappers]
        for word in left:
            if not any(one.takes(word) for one in (binder, *reversed(outer))):
                binder.bind(word)
        target, matched = self._built(binder, outer)
        self._problems += binder.problems
        arguments = binder.values
        rank = rank_after(entry, arguments, around.rank) if entry.kind is Kind.LAYER else around.rank
        return self._result(target, heads, binder, wrappers, matched, rank, tuple(given))

    def _built(self, binder: Binder, outer: Sequence[Binder]) -> tuple[Target, list[Matched]]:
        entry = binder.entry
        matched = [*binder.matched]
        if entry.kind is Kind.OP:
            return Op(entry.name, binder.values), matched
        name, values = entry.name, binder.values
        for one in reversed(outer):
            values = {**one.values, wrapped_argument(one.entry): {name: values} if values else name}
            name = one.entry.name
            matched += one.matched
        return Layer(name, values), matched

    # What every node takes

    def _take_common(self, word: Word) -> bool:
        """Takes a word that is about the node and not about what it calls: a name, or what feeds it, too."""
        if key_of(word) == "name":
            value = word.after("=")
            text = value.text
            if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
                text = text[1:-1]
            self._set_name(text, value)
            return True
        if not word.text.startswith(ALSO):
            return False
        name = word.text[1:].strip()
        source, _, index = name.partition(":")
        if not NAME.fullmatch(source):
            return False
        known = (*self._around.nodes.nodes, *self._around.named)
        if source not in known:
            self._wrong(word, f"there is no node {source!r}{did_you_mean(source, known)}")
        elif index and not (index.isascii() and index.isdecimal()):
            self._wrong(word, f"{index!r} is no number of an output, as in {source}:1")
        else:
            self._inputs.append(name)
        return True


def shareable(graph: Graph) -> tuple[str, ...]:
    """The nodes that have a layer of their own, which others can share."""
    return tuple(
        name for name, node in graph.nodes.items() if isinstance(node.target, Layer) and not node.is_input
    )
