"""A graph as the statements that a person would write for it with the functional API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

import msgspec

from kflab.catalog import Entry, Kind, subscripts
from kflab.code.layout import Brackets, Expression, call, called, lines, listed, literal, quoted
from kflab.code.names import Names
from kflab.code.objects import CodeError, Objects, checked
from kflab.errors import KflabError
from kflab.graph.arranging import Arranged, arrange_layer, arrange_model, arrange_op
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Node, Op, Share, index_of, source_of
from kflab.graph.order import calling_order, topological
from kflab.values import Arguments, Value

CHAIN = "x"
"""The variable that is written over and over along a chain, as people do."""

MISSING = "..."
"""What stands for a tensor that is not connected yet."""

NAMED = "named"
"""The function of the script that names operations."""

_BY_PLACE = 2
"""How many arguments of an operation everybody knows by their place."""

_SUBSCRIPT = "ops.get_item"
_STATES = "return_state"
_SCORES = "return_attention_scores"


class Statement(msgspec.Struct, frozen=True):
    """One statement.

    Attributes:
        expression: what is on the right side of it.
        targets: the variables it is assigned to; none for a statement that is only called.
        node: the node that it stands for.
    """

    expression: Expression
    targets: tuple[str, ...] = ()
    node: str = ""

    def lines(self, indent: int = 0) -> list[str]:
        """Its lines of code."""
        before = f"{', '.join(self.targets)} = " if self.targets else ""
        return lines(self.expression, indent, before)


class Numbering:
    """The names that Keras gives to the operations of a script, in the order in which they are made."""

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()
        self._is_known = True

    def next(self, objects: Objects, operation: str) -> str:
        """The name of the next one, "" from the first on that cannot be told."""
        base = objects.entry(Kind.OP, operation).operation
        self._is_known = self._is_known and bool(base)
        number = self._made[base]
        self._made[base] += 1
        return (f"{base}_{number}" if number else base) if self._is_known else ""


class GraphCode:
    """The code of one graph.

    Args:
        graph: the graph.
        models: the nested models that it calls: their graphs and the variables that they are in, by name.
        objects: what writes layers.
        taken: variables that the scope has besides.
        counts: how many tensors a node returns, where that is known.
        numbering: the names that Keras gives to operations; the graphs of one script share it.
        with_loose: whether to write the nodes that no output depends on, too.

    Attributes:
        statements: the statements, in the order in which the nodes are called.
        loose: those of the nodes that no output depends on; the model is the same without them.
        inputs: the variables of the model's inputs.
        outputs: the variables of its outputs.
        problems: nodes that no code can be written for, and why.
        has_named: whether an operation is given a name by the function `NAMED`.
    """

    def __init__(
        self,
        graph: Graph,
        models: Mapping[str, tuple[Graph, str]],
        objects: Objects,
        *,
        taken: Iterable[str] = (),
        counts: Mapping[str, int] | None = None,
        numbering: Numbering | None = None,
        with_loose: bool = False,
    ) -> None:
        self._graph, self._models, self._objects = graph, models, objects
        self._numbering = numbering or Numbering()
        self._counts = counts or {}
        self._order = [name for name in calling_order(graph) if self._is_whole(name)]
        self._used = self._references()
        self._indexes: dict[str, set[int]] = {}
        for reference in self._used:
            self._indexes.setdefault(source_of(reference), set()).add(index_of(reference))
        owners = {name: graph.owner(name) for name in self._order}
        self._shared = {owner for name, owner in owners.items() if owner != name}
        self._layers: dict[str, str] = {}
        self._results: dict[str, dict[int, str]] = {}
        outside = {*taken, *(variable for _, variable in models.values())}
        self._names = Names(outside)
        self._has_chain = CHAIN not in {*outside, *(name.lower() for name in graph.nodes)}
        self.problems = {
            name: "the layer that it shares is not there" for name in graph.nodes if not self._is_whole(name)
        }
        self._loose: frozenset[str] = frozenset()
        self.has_named = False
        self.statements = self._written(self._order)
        self.loose: list[Statement] = []
        if with_loose:
            self._loose = frozenset(filter(self._is_whole, graph.nodes)) - set(self._order)
            self.loose = self._written([name for name in topological(graph) if name in self._loose])
        self.inputs = [self._pick(name) for name in graph.input_names()]
        self.outputs = [self._pick(reference) for reference in graph.outputs]

    def _written(self, names: Sequence[str]) -> list[Statement]:
        statements: list[Statement] = []
        for place, name in enumerate(names):
            try:
                statements += self._node(name, names[place + 1 : place + 2])
            except KflabError as error:
                self.problems[name] = str(error)
        return statements

    def _is_whole(self, name: str) -> bool:
        try:
            self._graph.own(name)
        except KeyError:
            return False
        return True

    def _references(self) -> Counter[str]:
        """How often each tensor is used."""
        nodes = (self._graph.nodes[name] for name in self._order)
        used = Counter(reference for node in nodes for reference in node.references())
        used.update(self._graph.outputs)
        return used

    def _node(self, name: str, after: Sequence[str]) -> Iterator[Statement]:
        node = self._graph.nodes[name]
        target = self._graph.own(name).target
        match target:
            case Layer(layer=called_layer) if called_layer == INPUT:
                made = self._objects.arguments(self._objects.entry(Kind.LAYER, INPUT), target.arguments)
                given = {key: _as_tuple(target.arguments[key], value) for key, value in made}
                expression: Expression = called("keras.Input", (), {**given, "name": quoted(name)})
            case Layer(layer=called_layer, arguments=arguments):
                owner = self._graph.owner(name)
                if owner not in self._layers:
                    layer = self._objects.make(Kind.LAYER, called_layer, arguments, {"name": quoted(owner)})
                    if owner in self._shared:
                        variable = self._names.take(f"{owner}_layer")
                        self._layers[owner] = variable
                        yield Statement(layer, (variable,), name)
                        layer = variable
                else:
                    layer = self._layers[owner]
                expression = _call(layer, arrange_layer(node, called_layer, self._pick), node.call)
            case Call(model=model):
                if model not in self._models:
                    raise CodeError(f"the model {model!r} is not there, or calls itself")
                inner, variable = self._models[model]
                expression = _call(variable, arrange_model(node, inner, self._pick), node.call)
            case Op(op=operation, arguments=arguments):
                expression = self._operation(node, operation, arguments)
                automatic = "" if name in self._loose else self._numbering.next(self._objects, operation)
                if name != automatic:
                    expression = call(NAMED, expression, quoted(name))
                    self.has_named |= name not in self._loose
            case Share():
                raise CodeError("the nodes whose layers it shares run in a circle")
        yield self._bound(name, expression, after)

    def _operation(self, node: Node, name: str, arguments: Arguments) -> Expression:
        entry = self._objects.entry(Kind.OP, name)
        arranged = arrange_op(node, name, arguments, self._pick)
        if entry.name == _SUBSCRIPT:
            return _subscript(arranged, arguments)
        given = {key: _listed(part) for key, part in arranged.named}
        known = dict(self._objects.arguments(entry, {**arguments, **node.call}))
        positional = []
        for place in _known_places(entry):
            if place not in given and place not in known:
                break
            positional.append(given.pop(place) if place in given else known.pop(place))
        if not arranged.named:
            positional.append(MISSING)
        for argument in _known_arguments(entry):
            if argument not in known:
                break
            positional.append(known.pop(argument))
        return called(f"ops.{entry.name.removeprefix('ops.')}", positional, {**given, **known})

    def _bound(self, name: str, expression: Expression, after: Sequence[str]) -> Statement:
        """The statement that keeps what a node returns in variables."""
        indexes = sorted(self._indexes.get(name, ()))
        if name in self._loose:
            indexes = [0]
        elif not indexes and not self._graph.nodes[name].is_input:
            return Statement(expression, (), name)
        if not self._is_several(name, indexes):
            variable = CHAIN if self._is_link(name, after) else self._own_name(name)
            self._results[name] = {0: variable}
            return Statement(expression, (variable,), name)
        if self._is_nested(name):
            variable = self._own_name(name)
            self._results[name] = {index: f"{variable}[{index}]" for index in indexes}
            return Statement(call("keras.tree.flatten", expression), (variable,), name)
        known = self._counts.get(name)
        count = known or max(indexes) + 1
        targets = [
            self._own_name(f"{name}_{index}" if index else name) if index in indexes else "_"
            for index in range(count)
        ]
        self._results[name] = {index: targets[index] for index in indexes if index < count}
        return Statement(expression, (*targets, *(() if known else ("*_",))), name)

    def _own_name(self, name: str) -> str:
        return self._names.take(name, "output")

    def _is_several(self, name: str, indexes: Sequence[int]) -> bool:
        """Whether a node returns several tensors, as far as it can be told."""
        if name in self._counts:
            return self._counts[name] > 1
        node, target = self._graph.nodes[name], self._graph.own(name).target
        if max(indexes, default=0) > 0 or node.call.get(_SCORES):
            return True
        match target:
            case Call(model=model):
                return len(self._models[model][0].outputs) > 1
            case Layer():
                return _says(target.arguments, _STATES) or self._is_nested(name)
        return False

    def _is_nested(self, name: str) -> bool:
        """Whether what a node returns may be lists in lists: the states of cells."""
        target = self._graph.own(name).target
        if not isinstance(target, Layer):
            return False
        entry = self._objects.entry(Kind.LAYER, target.layer)
        takes_cell = entry.argument("cell") is not None and _says(target.arguments, _STATES)
        return takes_cell or entry.name.endswith(("Cell", "Cells"))

    def _is_link(self, name: str, after: Sequence[str]) -> bool:
        """Whether the next statement alone uses what a node returns, and uses nothing else."""
        if not self._has_chain or not after or self._graph.nodes[name].is_input:
            return False
        if isinstance(self._graph.nodes[name].target, Call):
            return False
        return self._used[name] == 1 and tuple(self._graph.nodes[after[0]].references()) == (name,)

    def _pick(self, reference: str) -> str:
        return self._results.get(source_of(reference), {}).get(index_of(reference), MISSING)


def _subscript(arranged: Arranged, arguments: Arguments) -> Expression:
    """The subscript of a tensor: `x[:, 0]`."""
    tensor = dict(arranged.named).get("x", MISSING)
    key = arguments.get("key")
    try:
        inside = subscripts.write(subscripts.parse(str(key)))
    except ValueError as error:
        raise CodeError(str(error)) from None
    return f"{tensor}[{inside}]"


def _known_places(entry: Entry) -> Iterator[str]:
    """The tensors of an operation that are given by their place: those that its signature begins with."""
    tensors = {place.name for place in entry.tensors}
    others = any(argument.required and argument.name not in tensors for argument in entry.arguments)
    for index, place in enumerate(entry.tensors):
        if not place.required or (index and others):
            return
        yield place.name


def _known_arguments(entry: Entry) -> tuple[str, ...]:
    """What an operation on one tensor is told by place after it: `ops.clip(x, 0, 1)`, `ops.split(x, 2)`."""
    required = tuple(argument.name for argument in takewhile(lambda one: one.required, entry.arguments))
    if len(entry.tensors) != 1 or len(required) > _BY_PLACE or required[:1] in {("axis",), ("axes",)}:
        return ()
    return required


def _call(function: Expression, arranged: Arranged, arguments: Arguments) -> Brackets:
    named = {checked(name): _listed(part) for name, part in arranged.named}
    given = {checked(name): literal(value) for name, value in arguments.items()}
    tensors = [_listed(part) for part in arranged.positional]
    return called(function, tensors if tensors or named else [MISSING], {**named, **given})


def _listed(part: object) -> Expression:
    """Variables in their places; tuples of an arrangement are lists of tensors."""
    return listed(map(_listed, part)) if isinstance(part, tuple) else str(part)


def _as_tuple(value: Value, written: Expression) -> Expression:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return literal(value, tuples=True) if is_list else written


def _says(arguments: Arguments, name: str) -> bool:
    """Whether an argument is true, here or in a layer that is wrapped."""
    for key, value in arguments.items():
        if key == name:
            return bool(value)
        if isinstance(value, Mapping) and _says(value, name):
            return True
    return False
