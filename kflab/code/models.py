"""The model of an experiment as code: a function for each nested model, and the main model flat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kflab.code.blocks import Block, Place, joined
from kflab.code.graphs import MISSING, NAMED, GraphCode, Numbering, Statement
from kflab.code.layout import Expression, call, lines, listed, one_or_list, quoted
from kflab.code.names import Names
from kflab.code.objects import Objects
from kflab.engine.protocol import GraphReport, Report
from kflab.experiment import Experiment
from kflab.graph.nodes import Call, Graph, Op, source_of
from kflab.graph.order import model_cycle, nested_models

MODEL = "model"
"""The variable of the main model."""

_NAMING = Block(
    (
        f"def {NAMED}(result, name):",
        '    """Give the operation that made a tensor a name, as layers have one."""',
        "    keras.tree.flatten(result)[0]._keras_history.operation.name = name",
        "    return result",
    )
)


class ModelCode(msgspec.Struct, frozen=True):
    """The code of a model.

    Attributes:
        functions: functions that have to stand before the body.
        body: the statements.
        is_whole: the body ends with the model, since it has inputs and outputs.
        problems: what no code could be written for, in sentences.
    """

    functions: tuple[Block, ...] = ()
    body: Block = Block()
    is_whole: bool = False
    problems: tuple[str, ...] = ()


def model_code(
    experiment: Experiment,
    objects: Objects,
    report: Report | None = None,
    taken: Iterable[str] = (),
    *,
    with_loose: bool = False,
) -> ModelCode:
    """The code of the main model of an experiment and of the models it calls.

    Args:
        experiment: the experiment; where it is not complete, its code is not, either.
        objects: what writes layers.
        report: what Keras says of it: which nodes return several tensors.
        taken: variables of the script that the model must leave alone.
        with_loose: whether to show the nodes that no output depends on, too, as comments.
    """
    return _Writer(experiment, objects, report, taken, with_loose=with_loose).code()


class _Writer:
    """Writes the models of one experiment, each nested one before those that call it."""

    def __init__(
        self,
        experiment: Experiment,
        objects: Objects,
        report: Report | None,
        taken: Iterable[str],
        *,
        with_loose: bool,
    ) -> None:
        self._with_loose = with_loose
        self._experiment, self._objects, self._report = experiment, objects, report
        self._taken = frozenset(taken)
        self._names = Names(self._taken)
        self._variables: dict[str, str] = {}
        self._builders: list[Block] = []
        self._made: list[str] = []
        self._numbering = Numbering()
        self._has_named = False
        self._problems: list[str] = []

    def code(self) -> ModelCode:
        experiment = self._experiment
        circle = model_cycle(experiment.models)
        if circle:
            self._problems.append(f"the models {', '.join(circle)} call each other in a circle")
        else:
            self._add_nested(experiment.model)
        graph = self._graph("", experiment.model)
        body = joined((Block(tuple(self._made)), self._main(graph)), blank=1)
        functions = [Block(tuple(written)) for written in self._objects.functions.values()]
        if self._has_named:
            functions.append(_NAMING)
        is_whole = _is_whole(experiment.model, graph)
        return ModelCode((*functions, *self._builders), body, is_whole, tuple(self._problems))

    def _add_nested(self, graph: Graph) -> None:
        """Write the models that a graph calls; those that they call come first."""
        for name in nested_models(graph):
            if name in self._experiment.models and name not in self._variables:
                self._add_nested(self._experiment.models[name])
                self._add_builder(name)

    def _add_builder(self, name: str) -> None:
        graph = self._experiment.models[name]
        code = self._graph(name, graph)
        variable = self._names.take(name)
        builder = self._names.take(f"build_{variable}")
        self._variables[name] = variable
        inner = self._called_variables(graph)
        head = Block((f"def {builder}({', '.join(inner)}):",))
        model = Block(tuple(lines(self._model(name, code), 1, "return ")))
        self._builders.append(
            joined((head, _block(name, code.statements, 1), _loose(name, code.loose, 1), model))
        )
        self._made += Statement(call(builder, *inner), (variable,)).lines()
        if not graph.trainable:
            self._made.append(f"{variable}.trainable = False")

    def _called_variables(self, graph: Graph) -> list[str]:
        return [self._variables[name] for name in nested_models(graph) if name in self._variables]

    def _graph(self, name: str, graph: Graph) -> GraphCode:
        models = {
            inner: (self._experiment.models[inner], self._variables[inner])
            for inner in nested_models(graph)
            if inner in self._variables
        }
        taken = () if name else (*self._taken, *self._variables.values())
        code = GraphCode(
            graph,
            models,
            self._objects,
            taken=taken,
            counts=_counts(self._report, name),
            numbering=self._numbering,
            with_loose=self._with_loose,
        )
        place = f"{name}: " if name else ""
        self._problems += [f"{place}{node}: {message}" for node, message in code.problems.items()]
        self._has_named |= code.has_named
        return code

    def _main(self, code: GraphCode) -> Block:
        graph = self._experiment.model
        statements = joined((_block("", code.statements, 0), _loose("", code.loose, 0)))
        if not _is_whole(graph, code):
            return statements
        after = lines(self._model("", code), before=f"{MODEL} = ")
        if not graph.trainable:
            after.append(f"{MODEL}.trainable = False")
        names = graph.output_names()
        if len(names) > 1 and names != tuple(map(self._operation_name, graph.outputs)):
            after += lines(listed(map(quoted, names)), before=f"{MODEL}.output_names = ")
        return joined((statements, Block(tuple(after))))

    def _model(self, name: str, code: GraphCode) -> Expression:
        return call(
            "keras.Model",
            one_or_list(code.inputs) if code.inputs else MISSING,
            one_or_list(code.outputs) if code.outputs else MISSING,
            name=quoted(self._experiment.model_name(name)),
        )

    def _operation_name(self, reference: str) -> str:
        """What Keras calls an output by itself: the name of the layer or operation that made it."""
        graph, source = self._experiment.model, source_of(reference)
        target = graph.own(source).target
        if isinstance(target, Call):
            return self._experiment.model_name(target.model)
        return source if isinstance(target, Op) else graph.owner(source)


def _block(graph: str, statements: Iterable[Statement], indent: int) -> Block:
    return joined(
        Block(tuple(statement.lines(indent)), {0: Place(graph, statement.node)}) for statement in statements
    )


def _loose(graph: str, statements: Iterable[Statement], indent: int) -> Block:
    """Statements as comments: what stands beside the model and is no part of it."""
    margin = "    " * indent
    blocks = [
        Block(tuple(f"{margin}# {line}" for line in statement.lines()), {0: Place(graph, statement.node)})
        for statement in statements
    ]
    return joined((Block((f"{margin}# No output depends on this:",)), *blocks)) if blocks else Block()


def _is_whole(graph: Graph, code: GraphCode) -> bool:
    return bool(graph.outputs and code.inputs) and MISSING not in (*code.inputs, *code.outputs)


def _counts(report: Report | None, graph: str) -> Mapping[str, int]:
    """How many tensors each node returns, as far as Keras could tell."""
    if report is None:
        return {}
    known = report.models.get(graph, GraphReport()) if graph else report.model
    return {name: len(node.outputs) for name, node in known.nodes.items() if node.outputs}
