"""What a line was understood as: nodes, the words they came from, and what was not understood."""

from __future__ import annotations

import msgspec

from kflab.catalog import Entry
from kflab.graph.nodes import Target
from kflab.values import Arguments, Value


class Matched(msgspec.Struct, frozen=True):
    """An argument and the words that gave it; the places are columns of the line, counted from 0."""

    argument: str
    value: Value
    start: int
    end: int


class Misread(msgspec.Struct, frozen=True):
    """Words that were not understood, their place in the line, and what was expected instead."""

    start: int
    end: int
    message: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One node of a line: what stands between two `|`.

    Attributes:
        start: where it begins in the line.
        end: where it ends.
        target: what the node calls; none where that was not understood.
        name: the name it was given, or "" for a fresh one.
        inputs: the nodes that feed it besides the one before it.
        tensors: the nodes that feed it by the name of an argument of its call, each with that name.
        call: the arguments of its call, such as `training`.
        entry: what the catalog says of what is called; of a wrapped layer, of the layer inside.
        wrappers: the layers around it, the outermost first.
        matched: the arguments in the order of the words, those of wrappers among them.
        missing: the arguments that it can not do without and that no word gave.
        head: the columns of the words that name what is called.
        preset: arguments that the head already says, such as the activation of `tanh`.
    """

    start: int
    end: int
    target: Target | None = None
    name: str = ""
    inputs: tuple[str, ...] = ()
    tensors: tuple[tuple[str, str], ...] = ()
    call: Arguments = {}
    entry: Entry | None = None
    wrappers: tuple[Entry, ...] = ()
    matched: tuple[Matched, ...] = ()
    missing: tuple[str, ...] = ()
    head: tuple[int, int] = (0, 0)
    preset: tuple[str, ...] = ()


class Completion(msgspec.Struct, frozen=True):
    """Something that the word under the cursor may become.

    Attributes:
        label: its name.
        insert: the text that takes the word's place.
        detail: a few words beside the name.
        group: the heading it stands under in the whole catalog.
        help: what it is, in full.
        called: it names what a node calls, and so may be a whole segment.
    """

    label: str
    insert: str
    detail: str = ""
    group: str = ""
    help: str = ""
    called: bool = False


class Help(msgspec.Struct, frozen=True):
    """Keras' own words on what stands at the cursor, under a title."""

    title: str = ""
    text: str = ""


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What a line was understood as.

    Attributes:
        text: the line.
        segments: its nodes, in order.
        problems: what was not understood, in the order of the line.
        completions: what the word under the cursor may become, the likeliest first.
        replaced: the columns of the word that a completion takes the place of.
        help: about what stands at the cursor.
    """

    text: str
    segments: tuple[Segment, ...] = ()
    problems: tuple[Misread, ...] = ()
    completions: tuple[Completion, ...] = ()
    replaced: tuple[int, int] = (0, 0)
    help: Help = Help()

    @property
    def complete(self) -> bool:
        """Whether there is something to add and nothing that was not understood."""
        return bool(self.segments) and not self.problems

    @property
    def targets(self) -> tuple[Target, ...]:
        """What the nodes call, as far as it was understood."""
        return tuple(segment.target for segment in self.segments if segment.target is not None)

    def completed(self, completion: Completion) -> tuple[str, int]:
        """The line with a completion taken, and the column of the cursor then."""
        start, end = self.replaced
        return self.text[:start] + completion.insert + self.text[end:].lstrip(), start + len(
            completion.insert
        )
