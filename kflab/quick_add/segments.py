"""One segment of a line understood as a node: its name, what it calls, the arguments, and what feeds it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kflab.catalog import Catalog, Entry, Kind
from kflab.errors import did_you_mean
from kflab.experiment import Experiment
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Op, Share, Target
from kflab.quick_add.binding import Binder, key_of, listed
from kflab.quick_add.names import Looked, names_of, plain, wrapped_argument
from kflab.quick_add.ranks import axes_walked, rank_after
from kflab.quick_add.understood import Matched, Misread, Segment
from kflab.quick_add.wiring import ALSO, Wiring
from kflab.quick_add.words import Word, call, unclosed, words
from kflab.values import Arguments

SHARE = "share"
"""The word before the node whose layer is called again."""

MODEL = "model"
"""The word before the nested model that is called."""


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
        self._wiring = Wiring(tuple(around.nodes.nodes), around.named)

    def read(self) -> Read:
        self._wiring.take_front(self._words)
        if not self._words:
            self._wrong(Word("", self._text.end, self._text.end), "a layer is missing here")
            return self._result(None)
        head = self._words.pop(0)
        if (called := call(head)) is not None:
            head, inside = called
            self._words[:0] = inside
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
        call: Arguments | None = None,
    ) -> Read:
        wiring = self._wiring
        segment = Segment(
            start=self._text.start,
            end=self._text.end,
            target=target,
            name=wiring.name,
            inputs=tuple(wiring.inputs),
            tensors=tuple(wiring.tensors),
            call=call or {},
            entry=binder.entry if binder else None,
            wrappers=tuple(wrappers),
            matched=tuple(sorted((*matched, *wiring.matched), key=lambda one: one.start)),
            missing=binder.missing if binder else (),
            head=(head[0].start, head[-1].end) if head else (self._text.end, self._text.end),
            preset=tuple(preset),
        )
        problems = (*self._problems, *wiring.problems)
        return Read(segment, tuple(sorted(problems, key=lambda one: one.start)), rank)

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
            if not self._wiring.take(word):
                self._wrong(word, f"the call of a {what} takes no {word.text!r}")
        return self._result(target, (head, called))

    def _share(self, called: Word) -> Target | None:
        nodes = self._around.nodes.nodes
        if called.text in self._around.named:
            return Share(called.text)
        if called.text not in nodes:
            hint = did_you_mean(called.text, own_layers(self._around.nodes))
            self._wrong(called, f"there is no node {called.text!r}{hint}")
            return None
        owner = self._around.nodes.own(called.text)
        if isinstance(owner.target, Layer) and not owner.is_input:
            return Share(next(name for name, node in nodes.items() if node is owner))
        self._wrong(called, f"{called.text!r} has no layer of its own to share")
        return None

    # Layers and operations

    def _entry(self, head: Word) -> Read:
        around = self._around
        behind = [one for word in self._words if (one := self._names.wrapper(word.text))]
        rank = None if around.rank is None else around.rank - sum(map(axes_walked, behind))
        looked = self._names.look_up(head.text, rank)
        if looked.meaning is None and head.text in around.experiment.models and head.text != around.graph:
            self._words.insert(0, head)
            return self._call(Word(MODEL, head.start, head.start))
        heads = [head]
        wrappers: list[Entry] = []
        while looked.meaning and wrapped_argument(looked.meaning.entry) and self._words:
            following = self._words[0]
            inner_rank = None if rank is None else rank - axes_walked(looked.meaning.entry)
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
        if open_end := unclosed(word):
            self._wrong(word, open_end)
        elif looked.family:
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
        self._words = [word for word in self._words if not self._wiring.take(word)]

    def _arguments(
        self, heads: Sequence[Word], entry: Entry, given: Arguments, wrappers: list[Entry]
    ) -> Read:
        around = self._around
        binder = Binder(entry, around.catalog, given)
        left: list[Word] = []
        for word in self._words:
            if self._wiring.take(word, entry):
                continue
            wrapper = None if key_of(word) or entry.kind is Kind.OP else self._names.wrapper(word.text)
            if wrapper is not None and wrapper is not entry:
                wrappers.insert(0, wrapper)
            else:
                left.append(word)
        # What is inside a wrapper is known: no word gives it.
        outer = [Binder(one, around.catalog, {wrapped_argument(one): None}) for one in wrappers]
        called = wrappers[0] if wrappers else entry
        call = Binder(msgspec.structs.replace(called, arguments=called.call, tensors=()), around.catalog)
        for word in left:
            if not any(one.takes(word) for one in (binder, *reversed(outer), call)):
                binder.bind(word)
        target, matched = self._built(binder, outer)
        self._problems += binder.problems
        rank = around.rank
        if entry.kind is Kind.LAYER:
            walked = sum(map(axes_walked, wrappers))
            inside = rank_after(entry, binder.values, None if rank is None else rank - walked)
            rank = None if inside is None else inside + walked
        matched += call.matched
        return self._result(target, heads, binder, wrappers, matched, rank, tuple(given), call.values)

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


def own_layers(graph: Graph) -> tuple[str, ...]:
    """The nodes that have a layer of their own, which others can share."""
    return tuple(
        name for name, node in graph.nodes.items() if isinstance(node.target, Layer) and not node.is_input
    )
