"""The rows about training: optimizer, losses, metrics, callbacks and numbers."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.diagnose.findings import Severity
from kflab.experiment import EVERY_OUTPUT, Experiment, Spec
from kflab.graph.edits import Edited
from kflab.tui.rows.row import Option, Row, argument_row, entry_option
from kflab.tui.rows.setting import Setting, entry_help, field_row, spec_rows, with_training
from kflab.values import Value

_WEIGHTS = (
    "A .weights.h5 or .keras file whose weights training starts from; a relative path starts at the "
    "experiment's file. Layers are found by name; those that the file does not have start fresh."
)


def optimizer_rows(setting: Setting) -> Iterator[Row]:
    """The optimizer and its arguments."""
    optimizer = setting.experiment.training.optimizer

    def put(experiment: Experiment, spec: Spec) -> Edited:
        training = msgspec.structs.replace(experiment.training, optimizer=spec)
        return with_training(experiment, training, f"optimizer {spec.name}")

    def choose(experiment: Experiment, value: Value) -> Edited:
        entry = setting.catalog.find(Kind.OPTIMIZER, str(value))
        kept = (
            {}
            if entry is None
            else {
                key: kept
                for key, kept in optimizer.arguments.items()
                if key == "learning_rate" and entry.argument(key)
            }
        )
        return put(experiment, Spec(str(value), kept))

    yield Row(
        label="optimizer",
        shown=optimizer.name,
        value=optimizer.name,
        changed=True,
        help=entry_help(setting.catalog.find(Kind.OPTIMIZER, optimizer.name)),
        severity=setting.severity("training.optimizer"),
        options=lambda: _entry_options(setting.catalog, Kind.OPTIMIZER, {optimizer.name}),
        apply=choose,
    )
    yield from spec_rows(setting, Kind.OPTIMIZER, optimizer, put)


def _entry_options(catalog: Catalog, kind: Kind, current: set[str]) -> list[Option]:
    return [
        entry_option(entry, current=bool(current & {entry.name, *entry.aliases}))
        for entry in catalog.entries(kind)
        if not entry.unsafe
    ]


def output_rows(setting: Setting) -> Iterator[Row]:
    """Loss, its weight and metrics of each output."""
    training = setting.experiment.training
    outputs = setting.experiment.model.output_names()
    several = len(outputs) > 1
    for output in outputs or (EVERY_OUTPUT,):
        yield from _loss_rows(setting, output if several or output in training.loss else EVERY_OUTPUT, output)
        if several:
            yield _weight_row(setting, output)
        yield _metrics_row(setting, output if several or output in training.metrics else EVERY_OUTPUT, output)


def _loss_rows(setting: Setting, key: str, output: str) -> Iterator[Row]:
    loss = setting.experiment.training.loss_of(output)

    def put(experiment: Experiment, spec: Spec) -> Edited:
        training = experiment.training
        changed = msgspec.structs.replace(training, loss={**training.loss, key: spec})
        return with_training(experiment, changed, f"loss {spec.name}")

    yield Row(
        label=f"loss of {key}" if key else "loss",
        shown=loss.name if loss else "",
        value=loss.name if loss else None,
        changed=loss is not None,
        help=entry_help(setting.catalog.find(Kind.LOSS, loss.name)) if loss else "Choose a loss with Enter.",
        severity=setting.severity("training.loss") or setting.severity(f"training.loss.{output}"),
        options=lambda: _entry_options(setting.catalog, Kind.LOSS, {loss.name} if loss else set()),
        apply=lambda experiment, value: put(experiment, Spec(str(value))),
    )
    if loss:
        yield from spec_rows(setting, Kind.LOSS, loss, put)


def _weight_row(setting: Setting, output: str) -> Row:
    def put(experiment: Experiment, value: Value) -> Edited:
        training = experiment.training
        weights: dict[str, Value] = {**training.loss_weights, output: value}
        if value is None:
            del weights[output]
        changed = msgspec.structs.replace(training, loss_weights=weights)
        return with_training(experiment, changed, f"loss weight of {output}")

    weights = setting.experiment.training.loss_weights
    argument = Argument(
        output, ArgumentKind.FLOAT, default=1.0, help="How much this output's loss counts in the sum."
    )
    row = argument_row(
        setting.catalog,
        argument,
        {**weights},
        apply=put,
        reset=lambda experiment: put(experiment, None),
        indent=1,
    )
    return msgspec.structs.replace(row, label="weight")


def _metrics_row(setting: Setting, key: str, output: str) -> Row:
    metrics = setting.experiment.training.metrics_of(output)
    names = {metric.name for metric in metrics}

    def toggle(experiment: Experiment, value: Value) -> Edited:
        entry = setting.catalog.find(Kind.METRIC, str(value))
        same = {str(value), *((entry.name, *entry.aliases) if entry else ())}
        left = tuple(metric for metric in metrics if metric.name not in same)
        chosen = left if len(left) < len(metrics) else (*metrics, Spec(str(value)))
        training = experiment.training
        changed = msgspec.structs.replace(training, metrics={**training.metrics, key: chosen})
        return with_training(experiment, changed, f"metrics {value}")

    def reset(experiment: Experiment) -> Edited:
        training = experiment.training
        left = {name: value for name, value in training.metrics.items() if name != key}
        return with_training(experiment, msgspec.structs.replace(training, metrics=left), "no metrics")

    return Row(
        label=f"metrics of {key}" if key else "metrics",
        shown=", ".join(metric.name for metric in metrics) or "none",
        changed=bool(metrics),
        help="What is measured beside the loss. Enter adds a metric, or takes one away that is there.",
        severity=setting.severity("training.metrics"),
        options=lambda: _metric_options(setting.catalog, names),
        apply=toggle,
        reset=reset,
    )


def _metric_options(catalog: Catalog, names: set[str]) -> list[Option]:
    known = {word for entry in catalog.entries(Kind.METRIC) for word in (entry.name, *entry.aliases)}
    # `accuracy` is no class: Keras chooses the one that fits loss and output.
    short = Option(
        "accuracy",
        "accuracy",
        help="The accuracy that fits the loss and the output.",
        current="accuracy" in names,
    )
    return ([] if "accuracy" in known else [short]) + _entry_options(catalog, Kind.METRIC, names)


def number_rows(setting: Setting) -> Iterator[Row]:
    """Batch size, epochs, seed and the weights to start from."""
    training = setting.experiment.training
    for argument, value in (
        (
            Argument("batch_size", ArgumentKind.INT, default=32, help="Samples in one step."),
            training.batch_size,
        ),
        (
            Argument("epochs", ArgumentKind.INT, default=10, help="Passes over the training samples."),
            training.epochs,
        ),
        (
            Argument(
                "seed",
                ArgumentKind.INT,
                default=None,
                nullable=True,
                help="Fixes initial weights, order and dropout; none: a fresh one is drawn and recorded.",
            ),
            training.seed,
        ),
        (
            Argument("initial_weights", ArgumentKind.TEXT, default="", help=_WEIGHTS),
            training.initial_weights,
        ),
    ):
        yield field_row(setting, argument, value, "training")


def callback_rows(setting: Setting) -> Iterator[Row]:
    """Every callback of the catalog as a switch; the arguments of those that are on."""
    chosen = {spec.name: spec for spec in setting.experiment.training.callbacks}
    for entry in setting.catalog.entries(Kind.CALLBACK):
        if entry.unsafe:
            continue
        spec = chosen.get(entry.name)
        yield _callback_row(entry, spec, setting.severity(f"training.callbacks.{entry.name}"))
        if spec:
            yield from spec_rows(setting, Kind.CALLBACK, spec, _put_callback)


def _put_callback(experiment: Experiment, spec: Spec) -> Edited:
    training = experiment.training
    callbacks = tuple(spec if old.name == spec.name else old for old in training.callbacks)
    changed = msgspec.structs.replace(training, callbacks=callbacks)
    return with_training(experiment, changed, f"set {spec.name}")


def _callback_row(entry: Entry, spec: Spec | None, severity: Severity | None) -> Row:
    def switch(experiment: Experiment, value: Value) -> Edited:
        training = experiment.training
        left = tuple(old for old in training.callbacks if old.name != entry.name)
        callbacks = (*left, Spec(entry.name)) if value else left
        changed = msgspec.structs.replace(training, callbacks=callbacks)
        return with_training(experiment, changed, f"{entry.name} {'on' if value else 'off'}")

    return Row(
        label=entry.name,
        shown="on" if spec else "off",
        value=spec is not None,
        changed=spec is not None,
        help=entry_help(entry),
        severity=severity,
        argument=Argument(entry.name, ArgumentKind.BOOL, default=False),
        apply=switch,
        reset=lambda experiment: switch(experiment, False),
    )
