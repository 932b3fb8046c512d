"""What of a graph can be shown as one row, and what is: repeated blocks, and nested models in their calls."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from kflab import catalog
from kflab.catalog import ArgumentKind, Kind
from kflab.graph.layout import wiring_of
from kflab.graph.memo import Recent
from kflab.graph.nodes import Call, Graph, Layer, Op, Share
from kflab.graph.repeats import Block, find_blocks

MANY = 60
"""The nodes from which on a graph is first shown with its repeated blocks folded."""

_SIZES = {ArgumentKind.INT, ArgumentKind.INTS}


class Fold(msgspec.Struct, frozen=True):
    """Nodes that follow each other and can be shown as one row.

    Attributes:
        key: what it is called in a `Folding`: it stays while its first node and its pattern do.
        nodes: the nodes, from top to bottom.
        count: how often the pattern is there.
        inside: the folds within, shown when this one is unfolded.
    """

    key: str
    nodes: tuple[str, ...]
    count: int = 1
    inside: tuple[Fold, ...] = ()

    @property
    def pattern(self) -> tuple[str, ...]:
        """The nodes of the first repetition."""
        return self.nodes[: len(self.nodes) // self.count]


class Folding(msgspec.Struct, frozen=True):
    """Which folds of a graph are closed, and which of its calls show the nested model.

    Attributes:
        folded: whether folds are closed.
        turned: the keys of the folds that are the other way round.
        opened: the calls that show their nested model: names, joined by `/` where one is inside another.
    """

    folded: bool = False
    turned: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()

    def closes(self, fold: Fold) -> bool:
        """Whether a fold is shown as one row."""
        return self.folded != (fold.key in self.turned)

    @property
    def hides(self) -> bool:
        """Whether any fold may be closed."""
        return self.folded or bool(self.turned)

    def turning(self, fold: Fold) -> Folding:
        """The folding with a fold opened that was closed, or the other way round."""
        return msgspec.structs.replace(self, turned=self.turned ^ {fold.key})

    def turning_call(self, path: str) -> Folding:
        """The folding with a nested model shown at a call, or no longer."""
        return msgspec.structs.replace(self, opened=self.opened ^ {path})

    def following(self, renamed: Mapping[str, str]) -> Folding:
        """The same folding after nodes got other names."""

        def path(old: str) -> str:
            head, slash, rest = old.partition("/")
            return renamed.get(head, head) + slash + rest

        def key(old: str) -> str:
            head, plus, rest = old.rpartition("+")
            return renamed.get(head, head) + plus + rest

        return Folding(self.folded, frozenset(map(key, self.turned)), frozenset(map(path, self.opened)))

    def revealing(self, folds: Iterable[Fold], name: str) -> Folding:
        """The folding with every fold open that hides a node."""
        return functools.reduce(
            lambda folding, fold: folding.turning(fold) if folding.closes(fold) else folding,
            around(folds, name),
            self,
        )


def at_first(graph: Graph) -> Folding:
    """How a graph is shown before anybody has folded or unfolded it."""
    return Folding(folded=len(graph.nodes) > MANY)


def around(folds: Iterable[Fold], name: str) -> Iterator[Fold]:
    """The folds that a node is in, from the outermost to the innermost."""
    for fold in folds:
        if name in fold.nodes:
            yield fold
            yield from around(fold.inside, name)
            return


def hiding(graph: Graph, folding: Folding, name: str) -> Fold | None:
    """The fold whose row stands for a node, or none where the node has a row of its own."""
    if not folding.hides:
        return None
    return next((fold for fold in around(folds_of(graph), name) if folding.closes(fold)), None)


def all_folds(folds: Iterable[Fold]) -> Iterator[Fold]:
    """Folds and all that is inside them."""
    for fold in folds:
        yield fold
        yield from all_folds(fold.inside)


def all_calls(
    graph: Graph, models: Mapping[str, Graph], path: str = "", entered: frozenset[str] = frozenset()
) -> Iterator[str]:
    """The paths of every call of a nested model, those inside nested models among them.

    Args:
        graph: the graph with the calls.
        models: the nested models of the document.
        path: the path of the call that shows this graph; none for the graph itself.
        entered: the models that the path leads through: none is entered twice.
    """
    for name, node in graph.nodes.items():
        if isinstance(node.target, Call) and node.target.model in models.keys() - entered:
            model = node.target.model
            inner = f"{path}/{name}" if path else name
            yield inner
            yield from all_calls(models[model], models, inner, entered | {model})


def _find(graph: Graph) -> tuple[Fold, ...]:
    wiring = wiring_of(graph)
    order = wiring.order
    row_of = {name: row for row, name in enumerate(order)}
    fed_by = tuple(
        tuple(row_of[source] for source in wiring.sources[name] if row_of.get(source, row) < row)
        for row, name in enumerate(order)
    )
    words = tuple(_word(graph, name) for name in order)
    heads = _heads()
    return _named(find_blocks(words, fed_by, tuple(word in heads for word in words)), order)


@functools.lru_cache(maxsize=32)
def _named(blocks: tuple[Block, ...], order: tuple[str, ...]) -> tuple[Fold, ...]:
    return tuple(_fold(block, order) for block in blocks)


folds_of = Recent(_find)
"""The folds of a graph, from top to bottom."""


def _fold(block: Block, order: tuple[str, ...]) -> Fold:
    return Fold(
        f"{order[block.start]}+{block.size}{'' if block.count == 1 else '*'}",
        order[block.start : block.end],
        block.count,
        tuple(_fold(inner, order) for inner in block.inside),
    )


def _word(graph: Graph, name: str) -> str:
    """What makes two nodes alike; an Input is like no other."""
    if graph.nodes[name].is_input:
        return f"Input {name}"
    return called(graph, name)


def called(graph: Graph, name: str) -> str:
    """What a node calls, in one word: `Dense`, `ops.add`, `encoder`; a shared layer is its owner's."""
    match graph.own(name).target:
        case Layer(layer=word) | Op(op=word) | Call(model=word) | Share(node=word):
            return word


@functools.cache
def _heads() -> frozenset[str]:
    """The layers that blocks begin with: those that can not do without a size."""
    return frozenset(
        entry.name
        for entry in catalog.load().entries(Kind.LAYER)
        if any(argument.required and argument.kind in _SIZES for argument in entry.arguments)
    )
