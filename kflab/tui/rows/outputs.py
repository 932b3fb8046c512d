"""The rows about what the model returns: the loss of each output, its weight and its metrics."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kflab.catalog import Argument, ArgumentKind, Kind
from kflab.experiment import EVERY_OUTPUT, Experiment, Spec
from kflab.graph.edited import Edited
from kflab.tui.rows.arguments import argument_rows, refuse
from kflab.tui.rows.holder import Holder
from kflab.tui.rows.row import Row, entry_help, entry_options
from kflab.tui.rows.setting import Setting, spec_of, spec_rows, with_training
from kflab.values import Arguments, Value


def output_rows(setting: Setting) -> Iterator[Row]:
    """Loss, its weight and metrics of each output."""
    training = setting.experiment.training
    outputs = setting.experiment.model.output_names()
    several = len(outputs) > 1
    for output in outputs or (EVERY_OUTPUT,):
        yield from _loss_rows(setting, output if several or output in training.loss else EVERY_OUTPUT, output)
        if several:
            yield from _weight_rows(setting, output)
        key = output if several or output in training.metrics else EVERY_OUTPUT
        yield from _metric_rows(setting, key, output)


def _loss_rows(setting: Setting, key: str, output: str) -> Iterator[Row]:
    loss = setting.experiment.training.loss_of(output)
    argument = Argument("loss", ArgumentKind.LOSS, required=True)
    path = ("loss", key)

    def get(experiment: Experiment) -> Spec:
        return experiment.training.loss_of(output) or Spec("")

    def put(experiment: Experiment, spec: Spec) -> Edited:
        training = experiment.training
        changed = msgspec.structs.replace(training, loss={**training.loss, key: spec})
        return with_training(experiment, changed, f"loss {spec.name}")

    def choose(experiment: Experiment, value: Value) -> Edited:
        refuse(setting.catalog, argument, value)
        return put(experiment, spec_of(value))

    def drop(experiment: Experiment) -> Edited:
        training = experiment.training
        left = {name: spec for name, spec in training.loss.items() if name != key}
        changed = msgspec.structs.replace(training, loss=left)
        return with_training(experiment, changed, "no loss")

    under = list(spec_rows(setting, Kind.LOSS, get, put, path=path)) if loss else []
    yield Row(
        label=f"loss of {key}" if key else "loss",
        path=path,
        shown=loss.name if loss else "",
        value=loss.name if loss else None,
        opens=True if under else None,
        changed=loss is not None,
        help=entry_help(setting.catalog.find(Kind.LOSS, loss.name)) if loss else "Choose a loss with Enter.",
        severity=setting.severity("training.loss") or setting.severity(f"training.loss.{output}"),
        argument=argument,
        options=lambda: entry_options(setting.catalog, Kind.LOSS, {loss.name} if loss else set()),
        apply=choose,
        reset=drop,
    )
    yield from under


def _weight_rows(setting: Setting, output: str) -> Iterator[Row]:
    argument = Argument(
        "weight", ArgumentKind.FLOAT, default=1.0, help="How much this output's loss counts in the sum."
    )

    def read(experiment: Experiment) -> Arguments:
        weights = experiment.training.loss_weights
        return {argument.name: weights[output]} if output in weights else {}

    def with_weights(experiment: Experiment, weights: dict[str, float]) -> Edited:
        changed = msgspec.structs.replace(experiment.training, loss_weights=weights)
        return with_training(experiment, changed, f"loss weight of {output}")

    def put(experiment: Experiment, _: str, value: Value) -> Edited:
        assert isinstance(value, int | float)
        return with_weights(experiment, {**experiment.training.loss_weights, output: value})

    def drop(experiment: Experiment, _: str) -> Edited:
        weights = experiment.training.loss_weights
        return with_weights(experiment, {name: weights[name] for name in weights if name != output})

    holder = Holder(f"the loss of {output}", read, put, drop)
    return argument_rows(
        setting.catalog, argument, holder, setting.experiment, path=("loss", output), indent=1
    )


def _metric_rows(setting: Setting, key: str, output: str) -> Iterator[Row]:
    """The metrics of an output, under them each that takes arguments, and under that its arguments."""
    metrics = setting.experiment.training.metrics_of(output)
    argument = Argument("metrics", ArgumentKind.METRIC, required=True)

    def with_metrics(experiment: Experiment, chosen: tuple[Spec, ...], name: str) -> Edited:
        training = experiment.training
        metrics = {**training.metrics, key: chosen}
        if not chosen and (key == EVERY_OUTPUT or EVERY_OUTPUT not in metrics):
            del metrics[key]
        return with_training(experiment, msgspec.structs.replace(training, metrics=metrics), name)

    def toggle(experiment: Experiment, value: Value) -> Edited:
        refuse(setting.catalog, argument, value)
        spec = spec_of(value)
        before = experiment.training.metrics_of(output)
        entry = setting.catalog.find(Kind.METRIC, spec.name)
        same = {spec.name, *((entry.name, *entry.aliases) if entry else ())}
        left = tuple(metric for metric in before if metric.name not in same or spec.arguments)
        # One that is typed with arguments is one more, for the same metric can be wanted with others.
        chosen = left if len(left) < len(before) else (*before, spec)
        return with_metrics(experiment, chosen, f"metrics {spec.name}")

    def reset(experiment: Experiment) -> Edited:
        training = experiment.training
        left = {name: value for name, value in training.metrics.items() if name != key}
        return with_training(experiment, msgspec.structs.replace(training, metrics=left), "no metrics")

    def rows_of(index: int) -> Iterator[Row]:
        spec = metrics[index]
        entry = setting.catalog.find(Kind.METRIC, spec.name)
        path = ("metrics", key, str(index))

        def get(experiment: Experiment) -> Spec:
            return experiment.training.metrics_of(output)[index]

        def put(experiment: Experiment, changed: Spec) -> Edited:
            before = experiment.training.metrics_of(output)
            return with_metrics(
                experiment, (*before[:index], changed, *before[index + 1 :]), f"set {changed.name}"
            )

        def take_away(experiment: Experiment) -> Edited:
            before = experiment.training.metrics_of(output)
            return with_metrics(experiment, (*before[:index], *before[index + 1 :]), f"no metric {spec.name}")

        under = list(spec_rows(setting, Kind.METRIC, get, put, path=path, indent=2))
        yield Row(
            label=spec.name,
            path=path,
            opens=bool(spec.arguments) or any(row.missing for row in under) if under else None,
            changed=True,
            indent=1,
            help=f"backspace takes it away\n{entry_help(entry)}",
            severity=setting.severity(f"training.metrics.{key}") if key else None,
            reset=take_away,
        )
        yield from under

    yield Row(
        label=f"metrics of {key}" if key else "metrics",
        path=("metrics", key),
        shown=", ".join(metric.name for metric in metrics) or "none",
        opens=True if metrics else None,
        changed=bool(metrics),
        help="What is measured beside the loss. Enter adds a metric, or takes one away that is there; one "
        "with arguments can be typed: TopKCategoricalAccuracy(k=3).",
        severity=setting.severity("training.metrics"),
        argument=argument,
        options=lambda: entry_options(setting.catalog, Kind.METRIC, {metric.name for metric in metrics}),
        apply=toggle,
        reset=reset,
    )
    for index in range(len(metrics)):
        yield from rows_of(index)
