"""What a node calls, in the few words that a column has room for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.graph.nodes import Call, Graph, Layer, Op, Share
from kflab.values import Arguments, Value


def target_name(graph: Graph, name: str) -> str:
    """What a node calls, in one word: `Dense`, `ops.add`, `encoder`."""
    target = graph.own(name).target
    match target:
        case Layer(layer=layer):
            return layer
        case Op(op=op):
            return op
        case Call(model=model):
            return model
        case Share(node=node):
            return node


def layer_text(catalog: Catalog, graph: Graph, name: str) -> str:
    """What a node calls with the arguments that matter most: `Conv2D 16 3×3 relu`.

    Those are the required ones, a changed activation, and other changed numbers by name.
    """
    match graph.nodes[name].target:
        case Share(node=node):
            return f"{target_name(graph, name)} of {node}"
        case Call(model=model):
            return f"{model} ▸"
        case Op(op=op, arguments=arguments):
            return " ".join((op, *_main(catalog, catalog.find(Kind.OP, op), arguments)))
        case Layer(layer=layer, arguments=arguments):
            return " ".join((layer, *_main(catalog, catalog.find(Kind.LAYER, layer), arguments)))


def _main(catalog: Catalog, entry: Entry | None, arguments: Arguments) -> Iterator[str]:
    if entry is None:
        return
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
