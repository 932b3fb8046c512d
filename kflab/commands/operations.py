"""What an operation of `kflab edit` is: the words that it takes, checked before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from kflab.errors import UnusableInputError, did_you_mean
from kflab.experiment import Experiment
from kflab.graph.edits import Clip, Edited, Tensors
from kflab.graph.nodes import Graph

THEN = "--then"
"""The word between one operation and the next."""


class Editing(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment between two operations.

    Attributes:
        experiment: the experiment as it is now.
        graph: the name of the graph that is edited, "" for the main model.
        tensors: tells the shapes of all that the nodes of a graph give; it takes seconds.
        clip: what an operation before copied.
        done: what the operations before did.
        selected: the node that the last of them is about.
    """

    experiment: Experiment
    graph: str
    tensors: Callable[[Experiment, str], Tensors]
    clip: Clip | None = None
    done: tuple[str, ...] = ()
    selected: str = ""

    @property
    def value(self) -> Graph:
        """The graph that is edited."""
        return self.experiment.graph(self.graph)

    def after(self, edited: Edited, clip: Clip | None = None) -> Editing:
        """The state after an edit, and after something was copied."""
        return msgspec.structs.replace(
            self,
            experiment=edited.experiment,
            graph=edited.renamed_models.get(self.graph, self.graph),
            clip=clip or self.clip,
            done=(*self.done, edited.name),
            selected=edited.node or self.selected,
        )


class Takes(msgspec.Struct, frozen=True):
    """A word that an operation takes.

    Attributes:
        name: what help calls it: `NODE`.
        check: refuses a word that can not be one, with an UnusableInputError.
        many: it may come several times; only the last one of an operation may.
        optional: it may be left out; only the last one of an operation may.
    """

    name: str
    check: Callable[[Editing, str], None] | None = None
    many: bool = False
    optional: bool = False

    @property
    def usage(self) -> str:
        """How help writes it."""
        name = f"{self.name}..." if self.many else self.name
        return f"[{name}]" if self.optional else name


class Option(msgspec.Struct, frozen=True):
    """The option of an operation, which has one value: `--as NAME`."""

    name: str
    value: str


Does: TypeAlias = Callable[[Editing, Sequence[str], str], Editing]
"""Does an operation with its words and the value of its option, "" where that was not given."""


class Operation(msgspec.Struct, frozen=True):
    """Something that can be done to a graph.

    Attributes:
        takes: the words behind its name.
        help: what it does, in one line.
        does: does it.
        option: its option, where it has one.
        changes: it changes the experiment.
    """

    takes: tuple[Takes, ...]
    help: str
    does: Does
    option: Option | None = None
    changes: bool = True


class Request(msgspec.Struct, frozen=True):
    """An operation that was asked for, with its words and the value of its option."""

    name: str
    operation: Operation
    words: tuple[str, ...]
    option: str = ""

    def do(self, editing: Editing) -> Editing:
        """The state after it was done.

        Raises:
            UnusableInputError: one of the words can not be what it stands for.
            EditRefusedError: the edit would break the graph.
        """
        takes = self.operation.takes
        for position, word in enumerate(self.words):
            check = takes[min(position, len(takes) - 1)].check
            if check is not None:
                check(editing, word)
        return self.operation.does(editing, self.words, self.option)


def usage(name: str, operation: Operation) -> str:
    """How an operation is written: `connect SOURCE NODE [--argument NAME]`."""
    option = operation.option
    words = [name, *(takes.usage for takes in operation.takes)]
    return " ".join([*words, f"[{option.name} {option.value}]"] if option else words)


def requests(words: Sequence[str], table: Mapping[str, Operation]) -> tuple[Request, ...]:
    """The operations that the words of a command line ask for.

    Raises:
        UnusableInputError: there is no such operation, or it takes other words.
    """
    found: list[list[str]] = [[]]
    for word in words:
        if word == THEN:
            found.append([])
        else:
            found[-1].append(word)
    return tuple(_request(one, table) for one in found)


def _request(words: Sequence[str], table: Mapping[str, Operation]) -> Request:
    if not words:
        raise UnusableInputError(f"an operation is missing: one of {', '.join(table)}")
    name, *rest = words
    if name.startswith("--"):
        raise UnusableInputError(f"there is no option {name!r}; `kflab edit --help` lists all")
    if name not in table:
        hint = did_you_mean(name, table) or "; `kflab edit --help` lists all"
        raise UnusableInputError(f"there is no operation {name!r}{hint}")
    operation = table[name]
    rest, option = _without_option(name, operation, rest)
    needed = [takes for takes in operation.takes if not takes.optional]
    expected = f"expected {usage(name, operation)}"
    if len(rest) < len(needed):
        raise UnusableInputError(f"{expected}; {needed[len(rest)].name} is missing")
    is_open = bool(operation.takes) and operation.takes[-1].many
    if len(rest) > len(operation.takes) and not is_open:
        raise UnusableInputError(f"{expected}; {rest[len(operation.takes)]!r} is one word too many")
    return Request(name, operation, tuple(rest), option)


def _without_option(name: str, operation: Operation, words: Sequence[str]) -> tuple[list[str], str]:
    """The words without the option among them, and its value."""
    own = operation.option
    kept: list[str] = []
    given = ""
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            kept.append(word)
            continue
        key, equals, value = word.partition("=")
        if own is None or key != own.name:
            raise UnusableInputError(f"there is no option {key!r}; expected {usage(name, operation)}")
        given = value if equals else (left.pop(0) if left else "")
        if not given:
            raise UnusableInputError(f"{key} needs {own.value}; expected {usage(name, operation)}")
    return kept, given
