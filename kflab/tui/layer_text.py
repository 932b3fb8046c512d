"""What a node calls, in the few words that a column has room for."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.graph.arguments import TRAINABLE
from kflab.graph.folding import called
from kflab.graph.memo import ByIdentity, Recent
from kflab.graph.nodes import Call, Graph, Layer, Op, Share, Target
from kflab.values import Arguments, Value

_LONGEST_WORD = 9
FROZEN = "frozen"
"""The word at a layer or nested model that is not trained."""

_CLOSED, _OPEN = "▸", "▾"  # whether the nested model of a call is shown below it


def target_name(graph: Graph, name: str) -> str:
    """What a node calls, in one word: `Dense`, `ops.add`, `encoder`."""
    return called(graph, name)


def layer_text(catalog: Catalog, graph: Graph, name: str) -> str:
    """What a node calls with the arguments that matter most: `Conv2D 16 3×3 relu`.

    Those are the required ones, a changed activation, and other changed numbers by name. A shared layer is
    that of the node that owns it: `Conv2D = left`.
    """
    target = graph.nodes[name].target
    if isinstance(target, Share):
        return f"{target_name(graph, name)} = {target.node}"
    return target_text(catalog, target)


def target_text(catalog: Catalog, target: Target) -> str:
    """What a target says by itself, with the arguments that matter most."""
    match target:
        case Share(node=node):
            return f"= {node}"
        case Call(model=model):
            return f"{model} {_CLOSED}"
        case Op(op=op, arguments=arguments):
            return " ".join((op, *_main(catalog, catalog.find(Kind.OP, op), arguments)))
        case Layer(layer=layer, arguments=arguments):
            return " ".join((layer, *_main(catalog, catalog.find(Kind.LAYER, layer), arguments)))


class NodeTexts:
    """Layer texts of node after node; what a node that has not changed said is remembered."""

    def __init__(self, catalog: Catalog) -> None:
        self._own = ByIdentity[Target, str](lambda target: target_text(catalog, target))

    def of(self, graph: Graph, name: str, *, is_open: bool = False) -> str:
        """What a node calls, with a sign where others call it, too.

        Args:
            graph: the graph.
            name: the node.
            is_open: it calls a nested model that is shown below it.
        """
        target = graph.nodes[name].target
        if isinstance(target, Share):
            return f"{target_name(graph, name)} = {target.node}"
        said = f"{target.model} {_OPEN}" if isinstance(target, Call) and is_open else self._own(target)
        return f"{said} =" if name in _called_again(graph) else said


def _find_called_again(graph: Graph) -> frozenset[str]:
    """The nodes whose layer another node shares, and those whose nested model another one calls, too."""
    shared = {node.target.node for node in graph.nodes.values() if isinstance(node.target, Share)}
    calls = [(node.target.model, name) for name, node in graph.nodes.items() if isinstance(node.target, Call)]
    counted = Counter(model for model, _ in calls)
    return frozenset(shared | {name for model, name in calls if counted[model] > 1})


_called_again = Recent(_find_called_again)


def pattern_text(graph: Graph, nodes: Sequence[str], count: int) -> str:
    """What a block calls: `conv → bn → relu ×3`."""
    words = " → ".join(_node_word(graph, node) for node in nodes)
    return f"{words} ×{count}" if count > 1 else words


def _node_word(graph: Graph, name: str) -> str:
    """The word of a layer; of one that is named after its only subject, that: `relu` of an `Activation`."""
    return _target_word(graph.own(name).target)


def _find_target_word(target: Target) -> str:
    match target:
        case Layer(layer=called, arguments=arguments):
            word = _word(called)
            said = arguments.get(word)
            return said if isinstance(said, str) else word
        case Op(op=called) | Call(model=called) | Share(node=called):
            return _word(called)


_target_word = ByIdentity(_find_target_word)


@functools.cache
def _word(target: str) -> str:
    """A layer in one short word: `conv` of `SeparableConv2D`, `bn` of `BatchNormalization`."""
    spelled = re.sub(r"\dD", "", target.rpartition(".")[2]).replace("ReLU", "Relu")
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+", spelled) or [target]
    last = words[-1].lower()
    return (
        last if len(last) <= _LONGEST_WORD or len(words) == 1 else "".join(word[0] for word in words).lower()
    )


def _main(catalog: Catalog, entry: Entry | None, arguments: Arguments) -> Iterator[str]:
    if entry is None:
        return
    if arguments.get(TRAINABLE) is False:
        yield FROZEN
    for argument in entry.arguments:
        if argument.name not in arguments or argument.kind is ArgumentKind.SHAPE:
            continue
        value = arguments[argument.name]
        if not argument.required and value == argument.default:
            continue
        shown = _short(catalog, entry, argument, value)
        if argument.required or argument.kind is ArgumentKind.ACTIVATION:
            yield shown
        elif argument.kind in {ArgumentKind.INT, ArgumentKind.FLOAT, ArgumentKind.INTS}:
            yield f"{argument.name}={shown}"


def _short(catalog: Catalog, entry: Entry, argument: Argument, value: Value) -> str:
    if isinstance(value, dict) and len(value) == 1:
        [(name, inner)] = value.items()
        nested = catalog.find(Kind.LAYER, name) if argument.kind is ArgumentKind.LAYER else None
        return " ".join((name, *_main(catalog, nested, inner if isinstance(inner, dict) else {})))
    if isinstance(value, (list, tuple)):
        return "×".join(map(str, value))
    rank = re.search(r"([23])D", entry.name)
    if argument.kind is ArgumentKind.INTS and isinstance(value, int) and rank:
        return "×".join([str(value)] * int(rank[1]))
    return str(value)
