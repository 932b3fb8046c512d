"""Training as code: compile, callbacks, fit, evaluate, save."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from kflab.catalog import Kind
from kflab.catalog.check import is_table, named_object
from kflab.code.data import DataCode
from kflab.code.layout import Expression, call, called, lines, listed, literal, mapped, quoted
from kflab.code.models import MODEL
from kflab.code.objects import CodeError, Objects
from kflab.code.sources import shown_path
from kflab.code.weighing import weights_of_classes
from kflab.errors import KflabError
from kflab.experiment import Experiment, Spec
from kflab.runs.info import FINAL
from kflab.runs.places import WRITES, filled_in, place_in
from kflab.values import Value

_BATCH_SIZE = 32
"""The batch size of `fit` where none is given."""


def weights_code(experiment: Experiment, base: Path | None, folder: Path | None) -> list[str]:
    """The statement that loads the weights that training starts from, if it starts from any."""
    given = experiment.training.initial_weights
    if not given:
        return []
    return lines(call(f"{MODEL}.load_weights", quoted(shown_path(given, base, folder))))


def compile_code(experiment: Experiment, objects: Objects) -> list[str]:
    """The statement that compiles the model.

    Raises:
        CodeError: no output has a loss, or something is unknown.
    """
    training, outputs = experiment.training, experiment.model.output_names()
    losses = {output: spec for output in outputs if (spec := training.loss_of(output)) is not None}
    if not losses:
        raise CodeError(f"no output has a loss; give training.loss one for {' or '.join(outputs)}")
    loss = {
        output: objects.string_or_call(Kind.LOSS, spec.name, spec.arguments)
        for output, spec in losses.items()
    }
    metrics = {
        output: listed(objects.metric(spec.name, spec.arguments) for spec in specs)
        for output in outputs
        if (specs := training.metrics_of(output))
    }
    optimizer = objects.string_or_call(Kind.OPTIMIZER, training.optimizer.name, training.optimizer.arguments)
    given: dict[str, Expression] = {"optimizer": optimizer}
    single = len(outputs) == 1
    # Keras wants to be told of each output of several.
    given["loss"] = loss[outputs[0]] if single else mapped({name: loss.get(name, "None") for name in outputs})
    if training.loss_weights:
        weights = {output: literal(float(training.loss_weights.get(output, 1.0))) for output in outputs}
        given["loss_weights"] = listed(weights.values()) if single else mapped(weights)
    if metrics:
        given["metrics"] = metrics[outputs[0]] if single else mapped(metrics)
    return lines(called(f"{MODEL}.compile", (), given))


def callbacks_code(experiment: Experiment, objects: Objects) -> tuple[list[list[str]], list[str]]:
    """The functions that callbacks need, each as its lines, and the statement that makes the callbacks.

    Raises:
        CodeError: a callback would write where a script should not, or send values elsewhere.
    """
    functions: list[list[str]] = []
    made = [_callback(spec, objects, functions) for spec in experiment.training.callbacks]
    return functions, lines(listed(made), before="callbacks = ") if made else []


def _callback(spec: Spec, objects: Objects, functions: list[list[str]]) -> Expression:
    entry = objects.entry(Kind.CALLBACK, spec.name)
    path = f"training.callbacks.{spec.name}"
    arguments = filled_in(entry.name, spec.arguments, path)
    argument = WRITES.get(entry.name)
    if argument is not None:
        place_in(Path(), arguments[argument], f"{path}.{argument}")
    if entry.name == "LearningRateScheduler":
        schedule = _by_epoch(arguments.get("schedule"), objects, functions)
        others = {key: value for key, value in arguments.items() if key != "schedule"}
        return call(
            "keras.callbacks.LearningRateScheduler", schedule, **dict(objects.arguments(entry, others))
        )
    return objects.make(Kind.CALLBACK, entry.name, arguments)


def _by_epoch(value: Value, objects: Objects, functions: list[list[str]]) -> str:
    """The function of the epoch that a rate, a table or a schedule is for `LearningRateScheduler`."""
    name = f"learning_rate{len(functions) + 1 if functions else ''}"
    if isinstance(value, Mapping) and is_table(value):
        functions.append(list(_table(name, value)))
    elif isinstance(value, int | float):
        functions.append([f"def {name}(epoch):", *lines(literal(float(value)), 1, "return ")])
    else:
        named = named_object(value)
        if named is None:
            raise CodeError("LearningRateScheduler needs a schedule")
        schedule = lines(objects.make(Kind.SCHEDULE, *named), 1, "schedule = ")
        functions.append([f"def {name}(epoch):", *schedule, "    return float(schedule(epoch))"])
    return name


def _table(name: str, table: Mapping[str, Value]) -> Iterator[str]:
    """A function that gives the rate of the last epoch of a table that has begun."""
    rates = sorted(((int(epoch), rate) for epoch, rate in table.items()), reverse=True)
    yield f"def {name}(epoch, rate):"
    for epoch, rate in rates:
        returned = lines(literal(float(rate)) if isinstance(rate, int | float) else "rate", 2, "return ")
        if not epoch:
            yield returned[0].removeprefix("    ")
            return
        yield f"    if epoch >= {epoch}:"
        yield from returned
    yield "    return rate"


def fit_code(experiment: Experiment, data: DataCode) -> list[str]:
    """The statements that train the model, and those that tell how much its samples count.

    Raises:
        KflabError: the weights of the classes fit no output.
    """
    training = experiment.training
    weights, weighing = weights_of_classes(experiment, data)
    x, y = data.parts["train"]
    given: dict[str, Expression] = {}
    if training.batch_size != _BATCH_SIZE and not data.batches:
        given["batch_size"] = str(training.batch_size)
    given["epochs"] = str(training.epochs)
    if "val" in data.parts:
        given["validation_data"] = f"({', '.join(data.parts['val'])})"
    given |= weights
    if data.batches and "sample_weight" in weights:
        raise KflabError("no code can be written yet for training.class_weight of a map beside data.augment")
    # Keras warns where it is to shuffle what comes in batches.
    if not experiment.data.shuffle or data.batches:
        given["shuffle"] = "False"
    if training.callbacks:
        given["callbacks"] = "callbacks"
    samples = (data.batches,) if data.batches else (x, y)
    return [*weighing, *lines(called(f"{MODEL}.fit", samples, given))]


def end_code(data: DataCode) -> list[str]:
    """The statements that hold the model against the test split and save it."""
    evaluated = lines(call(f"{MODEL}.evaluate", *data.parts["test"])) if "test" in data.parts else []
    return [*evaluated, *lines(call(f"{MODEL}.save", quoted(FINAL)))]
